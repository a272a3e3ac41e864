// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/watched_store.hpp"

#include "actors/state/memory_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_store.hpp"

#include <string>
#include <vector>

using namespace dunlin;
using runtime::watched_store;

namespace {

struct watched {
    std::shared_ptr<actors::memory_store> kept =
        std::make_shared<actors::memory_store>(actors::memory_store::users::many_nodes);
    tests::faulty_store* faulty = nullptr;
    std::vector<std::string> told;
    std::unique_ptr<watched_store> store = make();
    std::uint32_t space = store->open_space("s").value();

    std::unique_ptr<watched_store> make() {
        auto made = std::make_unique<tests::faulty_store>(kept);
        faulty = made.get();
        return std::make_unique<watched_store>(std::move(made), [this](const error* why) {
            told.push_back(why == nullptr ? "back" : why->detail);
        });
    }
    bool write(std::uint64_t expected) {
        actors::state_write one;
        one.space = space;
        one.key = as_bytes(std::string_view("k"));
        one.expected = expected;
        one.version = expected + 1;
        return store->write({&one, 1}).has_value();
    }
    bool read() {
        actors::state_read one;
        one.space = space;
        one.key = as_bytes(std::string_view("k"));
        return store->read({&one, 1}).has_value();
    }
};

}  // namespace

TEST_CASE("that a store fails is told once, and once that it answers again") {
    watched w;
    REQUIRE(w.write(0));
    CHECK(w.told.empty());
    w.faulty->fail_writes(3);
    for (int i = 0; i < 3; ++i) CHECK_FALSE(w.write(1));
    REQUIRE(w.told.size() == 1);
    CHECK_THAT(w.told[0], Catch::Contains("the store fails"));
    CHECK(w.store->look().fails);
    CHECK(w.write(1));
    CHECK(w.told.size() == 2);
    CHECK(w.told.back() == "back");
    CHECK_FALSE(w.store->look().fails);
}

TEST_CASE("a store whose writes fail is not back because it can be read") {
    watched w;
    w.faulty->fail_writes(1);
    w.faulty->fail_reads(1);
    CHECK_FALSE(w.write(0));
    CHECK_FALSE(w.read());
    CHECK(w.read());
    CHECK(w.told.size() == 1);
    CHECK(w.write(0));
    CHECK(w.told.size() == 2);
}

TEST_CASE("what a store was asked is counted") {
    watched w;
    REQUIRE(w.write(0));
    REQUIRE(w.write(1));
    w.faulty->fail_writes(1);
    REQUIRE_FALSE(w.write(2));
    REQUIRE(w.read());
    w.faulty->fail_reads(1);
    REQUIRE_FALSE(w.store->list(w.space, "", "", 10).has_value());
    const auto seen = w.store->look();
    CHECK(seen.writes == 3);
    CHECK(seen.values_written == 3);
    CHECK(seen.write_failures == 1);
    CHECK(seen.reads == 2);
    CHECK(seen.values_read == 1);
    CHECK(seen.read_failures == 1);
    CHECK(seen.write_ns_max > 0);
    std::uint64_t timed = 0;
    for (std::size_t i = 0; i < actors::latency_counts::buckets; ++i)
        timed += w.store->write_times().count(i);
    CHECK(timed == 2);
    CHECK(w.store->shared());
    CHECK(w.store->identity() == w.kept->identity());
}
