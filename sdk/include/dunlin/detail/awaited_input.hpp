// SPDX-License-Identifier: Apache-2.0
//
// What is told at compile time of a fault in GCC before version 13, Debian 12's among them: a
// temporary that is made by aggregate initialisation in an expression with `co_await` is moved into
// the coroutine's frame bit by bit, so that a string in it points to where it was, and its
// destructor ends the process (https://gcc.gnu.org/PR99576). An SDK cannot mend that. It can see
// that an input may be one, and refuse it with what to write instead.
#pragma once

#include <type_traits>

namespace dunlin::detail {

/// Deduced for `In&&`, so no reference stands for a temporary or what is moved.
template <class In>
concept torn_by_co_await =
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
    std::is_aggregate_v<In> && !std::is_trivially_destructible_v<In>;
#else
    false;
#endif

template <class In>
constexpr void refuse_torn_input() {
    static_assert(!torn_by_co_await<In>,
                  "GCC before 13 breaks temporary aggregates in co_await (PR99576): give the "
                  "input a name, `const page in{...};`, and pass that");
}

}  // namespace dunlin::detail
