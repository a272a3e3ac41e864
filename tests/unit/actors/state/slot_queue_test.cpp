// SPDX-License-Identifier: Apache-2.0
#include "actors/state/slot_queue.hpp"

#include "tests/support/catch.hpp"

#include <vector>

using namespace dunlin::actors;

namespace {

struct queued_entries {
    slot_nodes nodes;
    slot_queue queue{1};

    void add(cache_slot slot, std::uint32_t bytes) {
        nodes.reach(slot);
        nodes[slot].bytes = bytes;
        queue.push(nodes, slot);
    }
    std::vector<cache_slot> order() const {
        std::vector<cache_slot> slots;
        for (auto at = queue.oldest(); at != no_slot; at = nodes[at].after) slots.push_back(at);
        return slots;
    }
};

}  // namespace

TEST_CASE("entries leave a queue in the order in which they came") {
    queued_entries in;
    for (const cache_slot slot : {7U, 0U, 5000U}) in.add(slot, 10);

    CHECK(in.order() == std::vector<cache_slot>{7, 0, 5000});
    CHECK(in.queue.size() == 3);
    CHECK(in.queue.bytes() == 30);
    CHECK(in.nodes.in_use(5000));
    CHECK_FALSE(in.nodes.in_use(1));
    CHECK_FALSE(in.nodes.in_use(1'000'000));

    in.queue.remove(in.nodes, 7);
    in.queue.remove(in.nodes, 0);
    CHECK(in.order() == std::vector<cache_slot>{5000});
    in.queue.remove(in.nodes, 5000);
    CHECK(in.queue.empty());
    CHECK(in.queue.bytes() == 0);
    CHECK(in.queue.oldest() == no_slot);
}

TEST_CASE("an entry leaves a queue from the middle, or goes to its end") {
    queued_entries in;
    for (cache_slot slot = 0; slot < 4; ++slot) in.add(slot, slot);

    in.queue.remove(in.nodes, 2);
    CHECK(in.order() == std::vector<cache_slot>{0, 1, 3});
    in.queue.renew(in.nodes, 0);
    CHECK(in.order() == std::vector<cache_slot>{1, 3, 0});
    in.queue.renew(in.nodes, 0);
    CHECK(in.order() == std::vector<cache_slot>{1, 3, 0});
    CHECK(in.queue.bytes() == 4);
}

TEST_CASE("a queue counts the bytes that an entry has now") {
    queued_entries in;
    in.add(0, 100);
    in.add(1, 50);
    in.queue.resize(in.nodes, 0, 7);
    CHECK(in.queue.bytes() == 57);
    in.queue.remove(in.nodes, 0);
    CHECK(in.queue.bytes() == 50);
    CHECK(node_bytes(std::size_t{1} << 33) == ~std::uint32_t{0});
}
