// SPDX-License-Identifier: Apache-2.0
//
// Catch2, whichever major version is installed.
//
// Tests include this header and never Catch2's own, and stay with what both versions offer.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
