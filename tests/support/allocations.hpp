// SPDX-License-Identifier: Apache-2.0
//
// How often a thread has asked for memory.
//
// A program that links this has `operator new` replaced by one that counts, for tests of paths
// that must not allocate. Under a sanitizer nothing is replaced, so that it keeps all its checks,
// and the count stays at zero. Each thread counts for itself.
#pragma once

#include <cstddef>

namespace dunlin::testing {

/// Calls of `operator new` on this thread so far.
[[nodiscard]] std::size_t allocation_count() noexcept;

}  // namespace dunlin::testing
