// SPDX-License-Identifier: Apache-2.0
//
// Nodes that are told to drain in the same moment.
#include "tests/cluster/cluster_harness.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;

TEST_CASE("of three nodes that are told to drain at once one stays, and says why") {
    for (int round = 0; round < 3; ++round) {
        INFO("round " << round);
        std::vector<std::unique_ptr<runtime::node>> nodes;
        std::vector<std::unique_ptr<std::atomic<bool>>> drain;
        for (int i = 0; i < 3; ++i) {
            const auto config = member_settings(
                "n" + std::to_string(i),
                nodes.empty() ? std::vector<std::string>{} : std::vector{at(*nodes.front())});
            nodes.push_back(start_node(config));
            drain.push_back(std::make_unique<std::atomic<bool>>(false));
            nodes.back()->on_drain([&told = *drain.back()] { told = true; });
        }
        wait_until_together({nodes[0].get(), nodes[1].get(), nodes[2].get()});
        std::vector<std::unique_ptr<raw_client>> clients;
        for (const auto& each : nodes) clients.push_back(std::make_unique<raw_client>(at(*each)));
        std::vector<std::uint64_t> ids;
        for (auto& each : clients) ids.push_back(each->invoke("dunlin/drain", nullptr));
        int stay = 0;
        for (std::size_t i = 0; i < clients.size(); ++i) {
            const auto& answer = clients[i]->wait(ids[i], "dunlin/drain");
            CHECK(*drain[i] == answer.ok);
            if (answer.ok) continue;
            ++stay;
            CHECK(answer.code == errc::invalid_argument);
            CHECK_THAT(answer.detail, Catch::Contains("is the last one that takes calls"));
        }
        CHECK(stay == 1);
        // The one that stayed takes calls, when the others have gone.
        for (std::size_t i = 0; i < nodes.size(); ++i)
            if (*drain[i]) nodes[i]->stop();
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            if (*drain[i]) continue;
            CHECK(clients[i]->call("bench/echo", 1).ok);
            CHECK_FALSE(clients[i]->call("dunlin/drain", nullptr).ok);
        }
    }
}
