// SPDX-License-Identifier: Apache-2.0
//
// The store of a cluster: PostgreSQL, which all of its nodes use at the same time.
//
// A batch is one transaction: an UPDATE of the keys that exist, which takes the version that each
// write was made from as a condition, and an INSERT of those that do not, sent together through
// libpq's pipeline and committed with one sync of the server's log. A key that is missing from what
// they return is a conflict. It takes two statements because the usual one, INSERT ... ON
// CONFLICT DO UPDATE, would make a value anew that another node has erased. Keys are sorted in
// every batch and each is there once, so that batches of two nodes do not wait for each other in a
// circle.
//
// When the connection is lost between a batch and its answer, nobody knows whether it was written:
// its outcomes stay unknown. The next call connects again. Two batches are under way at once, on
// sessions of their own, so that the server works on one while the other waits for its log or the
// network.
//
// Any thread. The tables are those of postgres_schema.hpp.
#pragma once

#include "actors/state/state_store.hpp"

#include <dunlin/result.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace dunlin::runtime::store {

/// What has ended, erased or expired, is dropped after a while, so that the table does not grow.
struct sweep_settings {
    std::chrono::milliseconds age = std::chrono::hours(1);  // since its end
    std::size_t rows_max = 5000;                            // looked at in one go
    std::chrono::milliseconds go_pause = std::chrono::seconds(1);
    std::chrono::milliseconds round_pause = std::chrono::minutes(10);  // when all was looked at
};

struct postgres_settings {
    std::string url;  // postgres://user@host/database, or what else libpq takes
    std::string cluster;
    /// Something that takes longer counts as lost: a write, a read, connecting.
    std::chrono::milliseconds patience = std::chrono::seconds(10);
    /// For reads and lists; writes have others.
    std::size_t connections_max = 4;
    std::size_t writes_at_once = 2;
    sweep_settings sweep;
};

/// Connects, and makes the tables where there are none. An error says what is wrong and what to do;
/// it never has the password in it. What has ended is swept from then on, by one of the nodes that
/// use the database.
[[nodiscard]] result<std::unique_ptr<actors::state_store>> open_postgres_store(
    postgres_settings settings);

}  // namespace dunlin::runtime::store
