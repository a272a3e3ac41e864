// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/byte_shares.hpp"

#include "cluster/random.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

using verdict = byte_shares::verdict;
constexpr std::size_t mib = std::size_t{1} << 20;

/// Frames of callers that are kept in one budget, and let go in any order.
struct kept_frames {
    struct frame {
        std::size_t caller;
        std::size_t bytes;
    };
    explicit kept_frames(std::size_t bytes_max, std::vector<std::uint32_t> weights_of_callers)
        : shares(bytes_max),
          weights(std::move(weights_of_callers)),
          held(weights.size()) {}

    /// As a node does: counted first, given back at once when it is refused.
    verdict offer(std::size_t caller, std::size_t bytes) {
        const auto judged =
            shares.judge({held[caller] + bytes, weights[caller], all + bytes, unread});
        if (judged != verdict::fits) return judged;
        held[caller] += bytes;
        all += bytes;
        frames.push_back({caller, bytes});
        return judged;
    }
    void let_go(std::size_t which) {
        held[frames[which].caller] -= frames[which].bytes;
        all -= frames[which].bytes;
        frames[which] = frames.back();
        frames.pop_back();
    }
    void fill(std::size_t caller, std::size_t bytes) {
        while (offer(caller, bytes) == verdict::fits) {
        }
    }

    byte_shares shares;
    std::vector<std::uint32_t> weights;
    std::vector<std::size_t> held;
    std::vector<frame> frames;
    std::size_t all = 0;
    std::size_t unread = 0;
};

}  // namespace

TEST_CASE("what a caller may hold, by what is free and by its weight") {
    // 100 bytes: the line is at 90.
    constexpr byte_shares shares(100);
    struct row {
        byte_shares::holding now;
        verdict then;
    };
    constexpr std::array rows{
        row{{80, 1, 80, 0}, verdict::fits},          // alone: eight ninths below the line
        row{{82, 1, 82, 0}, verdict::beyond_share},  // there would be room, but not for others
        row{{16, 1, 88, 0}, verdict::fits},          // what is free is little by now
        row{{24, 1, 88, 0}, verdict::beyond_share},
        row{{24, 3, 88, 0}, verdict::fits},  // three times the weight
        row{{24, 1, 91, 0}, verdict::full},
        row{{1, 1, 91, 0}, verdict::fits},  // the last tenth, for those with little
        row{{2, 1, 91, 0}, verdict::full},
        row{{2, 2, 84, 8}, verdict::fits},
        row{{3, 1, 70, 200}, verdict::fits},  // others send more than can be read
        row{{4, 1, 70, 200}, verdict::full},
        row{{1, 1, 101, 0}, verdict::full},          // the limit holds for everybody
        row{{0, 0, 10, 0}, verdict::fits},           // no weight is a weight of one
        row{{95, 1'000'000, 95, 0}, verdict::full},  // no weight is worth all
    };
    for (const auto& each : rows) {
        CAPTURE(each.now.by_caller, each.now.weight, each.now.kept, each.now.unread);
        CHECK(static_cast<int>(shares.judge(each.now)) == static_cast<int>(each.then));
    }
}

TEST_CASE("where there is plenty nobody is beyond a share") {
    for (const std::size_t bytes_max : {std::size_t{0}, std::size_t{100}, 3 * mib, 512 * mib}) {
        const byte_shares shares(bytes_max);
        std::size_t most = 0;
        for (std::size_t all = 0; all <= bytes_max;
             all += std::max<std::size_t>(bytes_max / 977, 1))
            if (shares.plenty(all)) {
                most = all;
                CHECK(shares.judge({all, 1, all, 0}) == verdict::fits);
            }
        CHECK(most >= bytes_max * 3 / 4);
    }
}

TEST_CASE("one caller alone may hold most of the budget, and leaves room for others") {
    kept_frames node(512 * mib, {1, 1, 1});
    node.fill(0, mib);
    CHECK(node.held[0] >= 400 * mib);
    CHECK(node.held[0] <= 512 * mib * 9 / 10 * 8 / 9);
    // A newcomer with calls as large has a good part of what is left, and others after it, too.
    node.fill(1, mib);
    CHECK(node.held[1] >= 40 * mib);
    node.fill(2, mib);
    CHECK(node.held[2] >= 5 * mib);
    // What becomes free is the newcomers' until all have the same: the first one is refused.
    for (int i = 0; i < 200; ++i) {
        const auto first = std::find_if(node.frames.begin(), node.frames.end(),
                                        [](const auto& each) { return each.caller == 0; });
        node.let_go(static_cast<std::size_t>(first - node.frames.begin()));
        node.fill(1, mib);
        node.fill(2, mib);
        CHECK(node.offer(0, mib) != verdict::fits);
    }
    CHECK(node.held[1] > 100 * mib);
    CHECK(node.held[2] > 100 * mib);
}

TEST_CASE("a caller with little is admitted beside any number of others that fill the node") {
    kept_frames node(64 * mib, std::vector<std::uint32_t>(1001, 1));
    for (std::size_t caller = 1; caller <= 1000; ++caller)
        for (const std::size_t bytes : {mib, mib / 8, mib / 64, mib / 512})
            node.fill(caller, bytes);
    CHECK(node.all <= 64 * mib);
    CHECK(node.offer(0, 1024) == verdict::fits);
    // ... also while they send more than the node can read.
    node.unread = 32 * mib;
    CHECK(node.offer(0, 512) == verdict::fits);
    CHECK(node.offer(1, mib) == verdict::full);
}

TEST_CASE("callers share what there is by their weights, and polite ones notice nothing") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        INFO("seed " << seed);
        cluster::random_source random(seed);
        constexpr std::size_t budget = 256 * mib;
        // The first is polite. The last two weigh more.
        kept_frames node(budget, {1, 1, 1, 2, 4});
        std::array<double, 5> sums{};
        int looks = 0;
        std::vector<std::size_t> polite;
        for (int step = 0; step < 60'000; ++step) {
            // Four offers of others for each frame that ends.
            for (int i = 0; i < 4; ++i) {
                const auto caller = 1 + random.next() % 4;
                (void)node.offer(caller, 4096 + random.next() % mib);
            }
            REQUIRE(node.offer(0, 300) == verdict::fits);
            if (step % 3 == 0)
                for (std::size_t i = node.frames.size(); i-- > 0;)
                    if (node.frames[i].caller == 0) node.let_go(i);
            for (int i = 0; i < 2; ++i)
                if (!node.frames.empty()) node.let_go(random.next() % node.frames.size());
            REQUIRE(node.all <= budget);
            if (step < 30'000) continue;
            ++looks;
            for (std::size_t caller = 1; caller < 5; ++caller)
                sums[caller] += static_cast<double>(node.held[caller]) / budget;
        }
        const double all = (sums[1] + sums[2] + sums[3] + sums[4]) / looks;
        CHECK(all > 0.8);
        for (std::size_t caller = 1; caller < 5; ++caller) {
            const double share = sums[caller] / looks / all;
            const double fair = node.weights[caller] / 8.0;
            INFO("caller " << caller << " holds " << share << " of " << fair);
            CHECK(share > fair * 0.8);
            CHECK(share < fair * 1.2);
        }
    }
}
