// SPDX-License-Identifier: Apache-2.0
//
// What has ended is dropped from PostgreSQL, by one node at a time, and nothing else is.
#include "runtime/store/postgres_sweeper.hpp"
#include "tests/store/postgres_server.hpp"
#include "tests/store/store_steps.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <thread>

using namespace dunlin;
using namespace dunlin::tests;
using namespace std::chrono_literals;
using actors::state_store;
using actors::write_outcome;
using runtime::store::postgres_connection;
using runtime::store::postgres_settings;
using runtime::store::sweep_place;
using runtime::store::sweep_settings;
using runtime::store::sweep_some;
using runtime::store::take_sweep_lock;

namespace {

constexpr std::int64_t far_ms = 4'000'000'000'000;  // the year 2096

// A database in which two values live and two have ended.
struct swept_database {
    std::string url = shared_postgres().url(shared_postgres().make_database());
    std::unique_ptr<state_store> store;
    std::uint32_t space = 0;
    std::unique_ptr<postgres_connection> connection;

    explicit swept_database(sweep_settings sweep = {}) {
        postgres_settings settings;
        settings.url = url;
        settings.cluster = "shop";
        settings.sweep = sweep;
        store = runtime::store::open_postgres_store(settings).value();
        space = store->open_space("s").value();
        connection = connect();
        auto later = put(space, "later", 0, 1, "v");
        later.expires_ms = far_ms;
        auto expired = put(space, "expired", 0, 1, "v");
        expired.expires_ms = 1;
        for (auto* each : {&later, &expired})
            REQUIRE(write_one(*store, *each) == write_outcome::written);
        REQUIRE(write_one(*store, put(space, "lives", 0, 1, "v")) == write_outcome::written);
        REQUIRE(write_one(*store, put(space, "erased", 0, 1, "v")) == write_outcome::written);
        REQUIRE(write_one(*store, erase(space, "erased", 1, 2)) == write_outcome::written);
    }
    [[nodiscard]] std::unique_ptr<postgres_connection> connect() const {
        return postgres_connection::open(url, 60s).value();
    }
    [[nodiscard]] std::string rows() const {
        const auto all = connection->run(
            "select coalesce(string_agg(convert_from(key, 'UTF8'), ' ' order by key), '') "
            "from dunlin.state");
        return std::string(runtime::store::column(all.value(), 0, 0));
    }
};

}  // namespace

TEST_CASE("what ended long ago is dropped, and what ended lately or lives is not", "[store]") {
    swept_database d;
    sweep_place at;
    // The one that expired did so in 1970, the erased one just now.
    auto some = sweep_some(*d.connection, {.age = 1h}, at).value();
    CHECK(some.looked_at == 4);
    CHECK(some.dropped == 1);
    CHECK(d.rows() == "erased later lives");
    at = {};
    some = sweep_some(*d.connection, {.age = 0s}, at).value();
    CHECK(some.looked_at == 3);
    CHECK(some.dropped == 1);
    CHECK(d.rows() == "later lives");
    CHECK(text_of(read_one(*d.store, d.space, "lives")) == "v");

    // One who knew the erased value is refused still, and one who makes it anew is not.
    CHECK(write_one(*d.store, put(d.space, "erased", 2, 3, "w")) == write_outcome::conflict);
    CHECK(write_one(*d.store, put(d.space, "erased", 0, 1'000'000, "w")) == write_outcome::written);
}

TEST_CASE("a table is gone through in parts, from one key to the next", "[store]") {
    swept_database d;
    sweep_place at;
    std::uint64_t looked_at = 0;
    std::uint64_t dropped = 0;
    int goes = 0;
    for (;; ++goes) {
        const auto some = sweep_some(*d.connection, {.age = 0s, .rows_max = 3}, at).value();
        if (some.looked_at == 0) break;
        CHECK(some.looked_at <= 3);
        looked_at += some.looked_at;
        dropped += some.dropped;
    }
    CHECK(goes == 2);
    CHECK(looked_at == 4);
    CHECK(dropped == 2);
    CHECK(d.rows() == "later lives");
    CHECK(at.key.empty());  // from the beginning again
}

TEST_CASE("a row that somebody writes is passed over, and not waited for", "[store]") {
    swept_database d;
    const auto writer = d.connect();
    static_cast<void>(writer
                          ->run("begin; update dunlin.state set present = true "
                                "where key = 'erased'")
                          .value());
    sweep_place at;
    CHECK(sweep_some(*d.connection, {.age = 0s}, at).value().dropped == 1);
    CHECK(d.rows() == "erased later lives");
    static_cast<void>(writer->run("commit").value());
    at = {};
    CHECK(sweep_some(*d.connection, {.age = 0s}, at).value().dropped == 0);
    CHECK(d.rows() == "erased later lives");
}

TEST_CASE("one connection sweeps, and another one when that has ended", "[store]") {
    swept_database d;
    auto first = d.connect();
    const auto second = d.connect();
    CHECK(take_sweep_lock(*first).value());
    CHECK_FALSE(take_sweep_lock(*second).value());
    first.reset();
    // The server finds out when it reads from the connection.
    while (!take_sweep_lock(*second).value()) std::this_thread::yield();
}

TEST_CASE("a store sweeps by itself", "[store]") {
    const swept_database d({.age = 0s, .rows_max = 2, .go_pause = 1ms, .round_pause = 1ms});
    const auto until = std::chrono::steady_clock::now() + 60s;
    while (d.rows() != "later lives" && std::chrono::steady_clock::now() < until)
        std::this_thread::yield();
    CHECK(d.rows() == "later lives");
}
