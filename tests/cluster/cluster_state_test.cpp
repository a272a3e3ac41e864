// SPDX-License-Identifier: Apache-2.0
//
// Nodes of one process that share a store in memory: keys have one owner, which is found from every
// node, and move when members change. What dies abruptly is in owner_test.py.
#include "actors/state/memory_store.hpp"
#include "cluster/rendezvous.hpp"
#include "tests/cluster/cluster_harness.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

/// What each node has of the store that they share.
class part_of_store final : public actors::state_store {
public:
    explicit part_of_store(std::shared_ptr<actors::memory_store> all) : all_(std::move(all)) {}

    [[nodiscard]] result<std::uint32_t> open_space(std::string_view name) override {
        return all_->open_space(name);
    }
    [[nodiscard]] result<void> write(std::span<actors::state_write> batch) override {
        return all_->write(batch);
    }
    [[nodiscard]] result<void> read(std::span<actors::state_read> wanted) override {
        return all_->read(wanted);
    }
    [[nodiscard]] result<std::vector<actors::listed_state>> list(std::uint32_t space,
                                                                 std::string_view prefix,
                                                                 std::string_view after,
                                                                 std::size_t count_max) override {
        return all_->list(space, prefix, after, count_max);
    }
    [[nodiscard]] bool shared() const noexcept override { return true; }
    [[nodiscard]] std::uint64_t identity() const noexcept override { return 1; }
    [[nodiscard]] std::string describe() const override { return "memory of this process"; }

private:
    const std::shared_ptr<actors::memory_store> all_;
};

class shared_nodes {
public:
    explicit shared_nodes(int count) {
        for (int number = 1; number <= count; ++number) add("n" + std::to_string(number));
        wait();
    }
    runtime::node& add(const std::string& name) {
        auto config = member_settings(name);
        for (const auto& each : all) config.join.push_back(at(*each));
        config.state.make_store = [store =
                                       store_]() -> result<std::unique_ptr<actors::state_store>> {
            return std::make_unique<part_of_store>(store);
        };
        return *all.emplace_back(start_node(std::move(config)));
    }
    void wait() const {
        std::vector<const runtime::node*> members;
        for (const auto& each : all) members.push_back(each.get());
        wait_until_together(members);
    }
    /// As SIGTERM has it.
    void leave(std::size_t place) {
        all[place]->stop();
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(place));
    }

    std::vector<std::unique_ptr<runtime::node>> all;

private:
    std::shared_ptr<actors::memory_store> store_ =
        std::make_shared<actors::memory_store>(actors::memory_store::users::many_nodes);
};

std::uint64_t increment(raw_client& through, const std::string& key) {
    const auto& answer = through.wait(through.invoke_keyed("bench/increment", key, nullptr),
                                      "bench/increment of " + key);
    INFO(answer.text());
    REQUIRE(answer.ok);
    return answer.value<std::uint64_t>();
}

std::vector<std::string> some_keys() {
    std::vector<std::string> keys;
    for (int i = 0; i < 40; ++i) keys.push_back("key " + std::to_string(i));
    return keys;
}

}  // namespace

TEST_CASE("a key of nodes that share a store has one owner, whichever node is asked") {
    shared_nodes nodes(3);
    std::vector<std::unique_ptr<raw_client>> clients;
    for (const auto& each : nodes.all) clients.push_back(std::make_unique<raw_client>(at(*each)));
    std::uint64_t expected = 0;
    for (auto& client : clients) {
        ++expected;
        for (const auto& key : some_keys()) CHECK(increment(*client, key) == expected);
    }
    // Each has some of them in memory, and together they have each once.
    std::size_t in_memory = 0;
    for (auto& client : clients) {
        const auto space = client->stats().at("state").at("spaces").at(0);
        CHECK(space.at("keys_in_memory") > 0);
        in_memory += space.at("keys_in_memory").get<std::size_t>();
    }
    CHECK(in_memory == some_keys().size());
}

TEST_CASE("keys move to nodes that come, and from nodes that leave, with their values") {
    shared_nodes nodes(2);
    raw_client client(at(*nodes.all.front()));
    std::uint64_t expected = 0;
    const auto round = [&] {
        ++expected;
        for (const auto& key : some_keys()) CHECK(increment(client, key) == expected);
    };
    round();
    nodes.add("n3");
    round();
    nodes.wait();
    round();
    nodes.leave(1);
    round();
    nodes.leave(1);
    round();
}

TEST_CASE("a node says who has to be asked for a key that it does not own") {
    shared_nodes nodes(2);
    raw_client one(at(*nodes.all[0]));
    raw_client two(at(*nodes.all[1]));
    std::map<std::string, int> changed;
    for (const auto& key : some_keys()) {
        CHECK(increment(one, key) == 1);
        const nlohmann::json question = {
            {"do", "delete"}, {"space", "bench.counters"}, {"key", key}};
        const auto packed = nlohmann::json::to_msgpack(question);
        for (auto* each : {&one, &two}) {
            const auto call = each->make_encoded(
                "dunlin/state", {reinterpret_cast<const std::byte*>(packed.data()), packed.size()});
            each->send(call);
            const auto& answer = each->wait(call.id, "dunlin/state");
            REQUIRE(answer.ok);
            const auto view = answer.payload.view();
            const auto said = nlohmann::json::from_msgpack(
                reinterpret_cast<const std::uint8_t*>(view.data()),
                reinterpret_cast<const std::uint8_t*>(view.data()) + view.size());
            if (!said.contains("ask"))
                ++changed[key];
            else
                CHECK(said["ask"]["endpoints"].size() >= 1);
        }
        CHECK(changed[key] == 1);
        CHECK(increment(two, key) == 1);
    }
}
