// SPDX-License-Identifier: Apache-2.0
//
// Loads of a cache, generated from a seed: which keys are used, in which order, of which sizes.
//
// The traces that others publish are small, of unknown licence or of other kinds of systems; what a
// policy must be good at is easily said, and made. All keys are hashed before a policy sees them.
// Pure: one seed gives one trace, on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dunlin::bench {

struct cache_request {
    std::uint32_t key = 0;  // dense, from 0
    std::uint32_t bytes = 0;
};

struct cache_trace {
    std::string name;
    std::vector<cache_request> requests;
    std::size_t keys = 0;          // that there are
    std::size_t budget_bytes = 0;  // that the cache has
};

struct trace_size {
    std::size_t requests = 1'000'000;
    std::size_t keys = 10'000;  // a tenth of them fits
    std::uint64_t seed = 1;
};

/// Independent uses of keys by Zipf's law, exponent 0.9: few are popular, most are not.
[[nodiscard]] cache_trace zipf_trace(const trace_size& size);
/// The same, and each tenth thousand of uses goes through keys that are never used again.
[[nodiscard]] cache_trace scan_trace(const trace_size& size);
/// Keys by Zipf's law, each with 2 to 20 uses at a time, and as many such bursts side by side.
[[nodiscard]] cache_trace burst_trace(const trace_size& size, std::size_t side_by_side);
/// All keys in turn, a quarter more than fit.
[[nodiscard]] cache_trace loop_trace(const trace_size& size);
/// By Zipf's law, with sizes from 64 bytes to 64 KiB that have nothing to do with popularity.
[[nodiscard]] cache_trace mixed_trace(const trace_size& size);
/// By Zipf's law, but every so often a tenth of the popular keys is replaced by others.
[[nodiscard]] cache_trace drift_trace(const trace_size& size);

}  // namespace dunlin::bench
