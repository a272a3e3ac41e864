// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cache/traces.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace dunlin::bench {

namespace {

constexpr double exponent = 0.9;
constexpr std::uint32_t entry_bytes = 256;
constexpr std::size_t run_of_scan = 1'000;

// Not the standard library's distributions, which give other numbers elsewhere.
class random_numbers {
public:
    explicit random_numbers(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15ULL;
        auto mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
        return mixed ^ (mixed >> 31);
    }
    std::size_t below(std::size_t limit) { return next() % limit; }
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

private:
    std::uint64_t state_;
};

class zipf_ranks {
public:
    explicit zipf_ranks(std::size_t count) : up_to_(count) {
        double sum = 0;
        for (std::size_t rank = 0; rank < count; ++rank) {
            sum += std::pow(static_cast<double>(rank + 1), -exponent);
            up_to_[rank] = sum;
        }
    }
    std::uint32_t draw(random_numbers& random) const {
        const auto at =
            std::lower_bound(up_to_.begin(), up_to_.end(), random.unit() * up_to_.back());
        return static_cast<std::uint32_t>(at - up_to_.begin());
    }

private:
    std::vector<double> up_to_;
};

cache_trace with_equal_sizes(std::string name, const trace_size& size) {
    cache_trace made{std::move(name), {}, size.keys, size.keys * entry_bytes / 10};
    made.requests.reserve(size.requests);
    return made;
}

}  // namespace

cache_trace zipf_trace(const trace_size& size) {
    auto made = with_equal_sizes("zipf", size);
    random_numbers random(size.seed);
    const zipf_ranks ranks(size.keys);
    while (made.requests.size() < size.requests)
        made.requests.push_back({ranks.draw(random), entry_bytes});
    return made;
}

cache_trace scan_trace(const trace_size& size) {
    auto made = with_equal_sizes("zipf and scans", size);
    random_numbers random(size.seed);
    const zipf_ranks ranks(size.keys);
    while (made.requests.size() < size.requests) {
        const bool scans = made.requests.size() / run_of_scan % 10 == 9;
        const auto key = scans ? static_cast<std::uint32_t>(made.keys++) : ranks.draw(random);
        made.requests.push_back({key, entry_bytes});
    }
    return made;
}

cache_trace burst_trace(const trace_size& size, std::size_t side_by_side) {
    struct burst {
        std::uint32_t key = 0;
        std::size_t left = 0;
    };
    auto made = with_equal_sizes("bursts, " + std::to_string(side_by_side) + " at once", size);
    random_numbers random(size.seed);
    const zipf_ranks ranks(size.keys);
    std::vector<burst> under_way(side_by_side);
    while (made.requests.size() < size.requests) {
        auto& one = under_way[random.below(side_by_side)];
        if (one.left == 0) one = {ranks.draw(random), 2 + random.below(19)};
        --one.left;
        made.requests.push_back({one.key, entry_bytes});
    }
    return made;
}

cache_trace loop_trace(const trace_size& size) {
    auto made = with_equal_sizes("loop", size);
    made.keys = size.keys / 8;
    for (std::size_t at = 0; at < size.requests; ++at)
        made.requests.push_back({static_cast<std::uint32_t>(at % made.keys), entry_bytes});
    return made;
}

cache_trace mixed_trace(const trace_size& size) {
    auto made = with_equal_sizes("mixed sizes", size);
    random_numbers random(size.seed);
    std::vector<std::uint32_t> bytes(size.keys);
    for (auto& each : bytes) each = static_cast<std::uint32_t>(std::exp2(6 + 10 * random.unit()));
    made.budget_bytes = std::accumulate(bytes.begin(), bytes.end(), std::size_t{0}) / 10;
    const zipf_ranks ranks(size.keys);
    while (made.requests.size() < size.requests) {
        const auto key = ranks.draw(random);
        made.requests.push_back({key, bytes[key]});
    }
    return made;
}

cache_trace drift_trace(const trace_size& size) {
    auto made = with_equal_sizes("drift", size);
    random_numbers random(size.seed);
    const zipf_ranks ranks(size.keys);
    std::vector<std::uint32_t> key_of_rank(size.keys);
    std::iota(key_of_rank.begin(), key_of_rank.end(), 0U);
    const auto popular = size.keys / 10;
    while (made.requests.size() < size.requests) {
        // A few of the popular ones change places with any, two hundred times in the trace.
        if (made.requests.size() % (size.requests / 200 + 1) == 0) {
            for (std::size_t change = 0; change < popular / 10; ++change)
                std::swap(key_of_rank[random.below(popular)], key_of_rank[random.below(size.keys)]);
        }
        made.requests.push_back({key_of_rank[ranks.draw(random)], entry_bytes});
    }
    return made;
}

}  // namespace dunlin::bench
