// SPDX-License-Identifier: Apache-2.0
//
// The URL of a cluster's store, as people write it and as it may be shown.
//
// A URL may have a password in it, and URLs end up in logs, ready lines and screenshots: what is
// shown has none, wherever the writer has put it. Pure functions, safe from any thread.
#pragma once

#include <dunlin/result.hpp>

#include <string>
#include <string_view>

namespace dunlin::runtime {

/// Refuses what is no URL of PostgreSQL, with a sentence that does not quote it.
[[nodiscard]] result<void> check_store_url(std::string_view url);

/// The URL without what is secret in it: the password after the user's name, and parameters such as
/// `password`. @pre `check_store_url` takes it
[[nodiscard]] std::string shown_store_url(std::string_view url);

}  // namespace dunlin::runtime
