// SPDX-License-Identifier: Apache-2.0
//
// Catch2, whichever major version is installed.
//
// Tests include this header and never Catch2's own, and stay with what both versions offer: the
// matchers of strings and vectors under Catch2 2's short names. `Catch::Matchers::Contains` is not
// among them: in Catch2 3 it is about ranges, and takes text for a range of characters.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>

#include <string>

using Catch::Approx;

namespace Catch {

using Matchers::EndsWith;
using Matchers::Equals;
using Matchers::StartsWith;

inline auto Contains(const std::string& text, CaseSensitive case_sensitive = CaseSensitive::Yes) {
    return Matchers::ContainsSubstring(text, case_sensitive);
}

}  // namespace Catch
#else
#include <catch2/catch.hpp>
#endif
