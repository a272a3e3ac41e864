// SPDX-License-Identifier: Apache-2.0
#include "tests/support/faulty_store.hpp"

#include "actors/state/memory_store.hpp"
#include "tests/store/store_steps.hpp"
#include "tests/support/catch.hpp"

#include <memory>
#include <thread>

using namespace dunlin;
using namespace dunlin::tests;
using actors::write_outcome;

TEST_CASE("a faulty store refuses, or writes and does not say so", "[store]") {
    faulty_store store(std::make_shared<actors::memory_store>());
    const auto space = store.open_space("s").value();
    store.fail_writes(1);
    auto one = put(space, "k", 0, 1, "v");
    CHECK_FALSE(store.write({&one, 1}).has_value());
    CHECK(one.outcome == write_outcome::unknown);
    CHECK(read_one(store, space, "k").version == 0);

    store.lose_answers(1);
    CHECK_FALSE(store.write({&one, 1}).has_value());
    CHECK(one.outcome == write_outcome::unknown);
    CHECK(read_one(store, space, "k").version == 1);

    store.fail_reads(1);
    CHECK_FALSE(store.list(space, "", "", 1).has_value());
    CHECK(store.list(space, "", "", 1).value().size() == 1);
    CHECK(write_one(store, put(space, "k", 1, 2, "w")) == write_outcome::written);
    CHECK(store.writes() == 3);
    CHECK(store.values_written() == 3);
}

TEST_CASE("a faulty store holds what comes until it is let go", "[store]") {
    faulty_store store(std::make_shared<actors::memory_store>());
    const auto space = store.open_space("s").value();
    store.hold_writes();
    auto outcome = write_outcome::unknown;
    std::thread writer([&] {
        auto one = put(space, "k", 0, 1, "v");
        if (store.write({&one, 1})) outcome = one.outcome;
    });
    store.wait_for_held(1);
    CHECK(read_one(store, space, "k").version == 0);  // reads are not held
    store.release();
    writer.join();
    CHECK(outcome == write_outcome::written);
    CHECK(read_one(store, space, "k").version == 1);
}
