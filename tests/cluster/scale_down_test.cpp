// SPDX-License-Identifier: Apache-2.0
//
// Activations end while calls arrive: whatever a retirement and a call do at the same moment, each
// call runs once and is answered.
#include "tests/cluster/cluster_harness.hpp"

#include <dunlin/client.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <future>
#include <random>
#include <thread>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

constexpr std::uint64_t cycles = 10'000;
/// Longer than anything stays idle here.
constexpr std::uint64_t pause_us_max = 150'000;

/// Calls that come one by one the whole time, so that some meet a retirement.
class trickle {
public:
    explicit trickle(client through)
        : client_(std::move(through)),
          calls_([this] {
              while (!ended_.load()) {
                  if (!client_.invoke<void>("bench/nap", time_us{made_ % 3 * 300})) ++failed_;
                  ++made_;
              }
          }) {}
    ~trickle() { static_cast<void>(end()); }
    trickle(const trickle&) = delete;
    trickle& operator=(const trickle&) = delete;

    /// @returns how many calls it has made.
    std::uint64_t end() {
        ended_.store(true);
        if (calls_.joinable()) calls_.join();
        return made_;
    }
    [[nodiscard]] std::uint64_t failed() const noexcept { return failed_; }

private:
    client client_;
    std::atomic<bool> ended_{false};
    std::uint64_t made_ = 0;
    std::uint64_t failed_ = 0;
    std::thread calls_;
};

}  // namespace

TEST_CASE("ten thousand activations start and end while calls arrive, and no call is lost") {
    auto config = node_settings();
    config.activations = 0;
    const auto node = start_node(std::move(config));
    raw_client figures(at(*node));
    const auto retired = [&]() -> std::uint64_t {
        return figures.function("bench/nap").at("activations_retired");
    };
    auto bursts = client::connect(at(*node));
    auto beside = client::connect(at(*node));
    REQUIRE(bursts);
    REQUIRE(beside);
    trickle singles(std::move(*beside));
    std::minstd_rand chance(14);
    std::uint64_t made = 0;
    std::uint64_t failed = 0;
    while (retired() < cycles) {
        std::vector<std::future<result<void>>> burst;
        const auto size = std::uniform_int_distribution<std::size_t>(1, 1'000)(chance);
        for (std::size_t i = 0; i < size; ++i)
            burst.push_back(bursts->async_invoke<void>("bench/nap", time_us{chance() % 2000}));
        for (auto& each : burst) failed += each.get() ? 0U : 1U;
        made += size;
        // The surplus ends meanwhile, all of it or, as often, only some.
        failed += bursts->invoke<void>("bench/nap", time_us{chance() % pause_us_max}) ? 0U : 1U;
        ++made;
    }
    made += singles.end();
    CHECK(failed == 0);
    CHECK(singles.failed() == 0);
    CHECK(runs(*node, "bench/nap") == made);
    CHECK(figures.function("bench/nap").at("refused") == 0);
    CHECK(figures.function("bench/nap").at("shed") == 0);
    CHECK(figures.function("bench/nap").at("activations_started") >= cycles);
}
