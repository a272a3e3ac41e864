// SPDX-License-Identifier: Apache-2.0
//
// Which nodes take a burst of calls that wait: each its share, also when nothing is known of them.
#include "tests/cluster/cluster_harness.hpp"

#include <dunlin/client.hpp>

#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

constexpr int burst = 99;
/// Bounds that runs on a busy machine have kept to; a quiet one has not been measured.
/// The first burst is shared by round trips and times of service that have hardly been measured:
/// the longer the former seem, the more calls stay where they are. A client's second burst is the
/// first in which it knows all nodes.
constexpr int off_later = burst / 3 / 4;
constexpr int off_at_first = burst / 3 / 2;

/// What `bench/nap` takes: so long it waits, without a thread.
constexpr time_us long_nap{100'000};

struct trio {
    std::unique_ptr<runtime::node> a = start_node(member_settings("a"));
    std::unique_ptr<runtime::node> b = start_node(member_settings("b", {at(*a)}));
    std::unique_ptr<runtime::node> c = start_node(member_settings("c", {at(*a)}));

    trio() {
        wait_until_together({a.get(), b.get(), c.get()});
        // A knows what the others serve once it has sent keyed calls to both.
        raw_client client(at(*a));
        for (int i = 0; runs(*b, "faults/key_of") == 0 || runs(*c, "faults/key_of") == 0; ++i) {
            REQUIRE(i < 10'000);
            const auto key = "key-" + std::to_string(i);
            auto call = client.make("faults/key_of", std::string());
            call.key = as_bytes(key);
            client.send(call);
            CHECK(client.wait(call.id, "a keyed call").ok);
        }
    }

    /// How many each has run since it was asked the last time.
    std::vector<int> shares() {
        std::vector<int> now;
        for (const auto* each : {a.get(), b.get(), c.get()})
            now.push_back(static_cast<int>(runs(*each, "bench/nap")));
        auto grown = now;
        for (std::size_t i = 0; i < before.size(); ++i) grown[i] -= before[i];
        before = now;
        return grown;
    }
    void check_shares(int off_max) {
        const auto got = shares();
        INFO(got[0] << " " << got[1] << " " << got[2]);
        CHECK(got[0] + got[1] + got[2] == burst);
        for (const auto share : got) CHECK(std::abs(share - burst / 3) <= off_max);
    }
    std::vector<int> before;
};

}  // namespace

TEST_CASE("calls that wait are shared by the node that they enter at, from the first burst on") {
    trio nodes;
    raw_client client(at(*nodes.a));
    for (int round = 0; round < 3; ++round) {
        std::vector<std::uint64_t> calls;
        for (int i = 0; i < burst; ++i) calls.push_back(client.invoke("bench/nap", long_nap));
        for (const auto id : calls) CHECK(client.wait(id, "a call of the burst").ok);
        nodes.check_shares(round == 0 ? off_at_first : off_later);
    }
}

TEST_CASE("calls that wait are shared when a client makes bursts of them, from the first on") {
    trio nodes;
    auto client = client::connect(at(*nodes.a));
    REQUIRE(client);
    for (int round = 0; round < 4; ++round) {
        std::vector<std::future<result<void>>> calls;
        for (int i = 0; i < burst; ++i)
            calls.push_back(client->async_invoke<void>("bench/nap", long_nap));
        for (auto& each : calls) CHECK(each.get());
        nodes.check_shares(round < 2 ? off_at_first : off_later);
    }
}
