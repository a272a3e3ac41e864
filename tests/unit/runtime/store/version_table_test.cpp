// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/version_table.hpp"

#include "tests/support/catch.hpp"

#include <array>
#include <cstddef>
#include <optional>

using namespace dunlin;
using runtime::store::key_hash;
using runtime::store::version_table;

namespace {

// In a table of two sets, all but the last are of the first one.
constexpr std::size_t ways = 7;
constexpr std::array<key_hash, ways + 2> of_one_set = {
    {{2, 10}, {4, 10}, {2, 11}, {6, 10}, {8, 10}, {12, 11}, {4, 60}, {14, 90}, {10, 10}}};
constexpr key_hash a = of_one_set[0];
constexpr key_hash b = of_one_set[1];
constexpr key_hash other{1, 10};
constexpr std::size_t two_sets = 2 * ways;

std::optional<std::uint64_t> find(version_table& table, const key_hash& key) {
    return version_table::locked(table).find(key);
}

void write(version_table& table, const key_hash& key, std::uint64_t version) {
    version_table::locked locked(table);
    locked.begin_written();
    locked.written(key, version);
}

}  // namespace

TEST_CASE("the table knows what was written last, as far as there is room", "[store]") {
    version_table table(two_sets);
    CHECK_FALSE(find(table, a).has_value());
    CHECK_FALSE(find(table, key_hash{}).has_value());
    write(table, other, 70);
    for (std::size_t i = 0; i < ways; ++i) write(table, of_one_set[i], i);
    write(table, a, 5);  // the same key takes no more room
    CHECK(find(table, a) == 5u);
    for (std::size_t i = 1; i < ways; ++i) CHECK(find(table, of_one_set[i]) == i);
    write(table, of_one_set[ways], 8);
    CHECK(find(table, of_one_set[ways]) == 8u);
    CHECK_FALSE(find(table, a).has_value());
    for (std::size_t i = 1; i < ways; ++i) CHECK(find(table, of_one_set[i]) == i);
    CHECK(find(table, other) == 70u);
}

TEST_CASE("what was read is known, also that it is not there", "[store]") {
    version_table table(two_sets);
    const auto since = version_table::locked(table).writes();
    version_table::locked(table).read(a, 0, since);
    version_table::locked(table).read(b, 4, since);
    CHECK(find(table, a) == 0u);
    CHECK(find(table, b) == 4u);
}

TEST_CASE("a reader that comes late does not bring an old version back", "[store]") {
    version_table table(two_sets);
    write(table, a, 1);
    const auto before = version_table::locked(table).writes();
    // It has read version 1, and before it says so:
    write(table, a, 2);
    version_table::locked(table).read(a, 1, before);
    CHECK(find(table, a) == 2u);
    // Nor when others have displaced the key since, by writes or by reads.
    for (std::size_t i = 1; i <= ways; ++i) write(table, of_one_set[i], 9);
    CHECK_FALSE(find(table, a).has_value());
    version_table::locked(table).read(a, 1, before);
    CHECK_FALSE(find(table, a).has_value());
    const auto now = version_table::locked(table).writes();
    version_table::locked(table).read(of_one_set.back(), 5, now);
    CHECK(find(table, of_one_set.back()) == 5u);
    version_table::locked(table).read(a, 1, before);
    CHECK_FALSE(find(table, a).has_value());
    // The other set is open to it.
    version_table::locked(table).read(other, 6, before);
    CHECK(find(table, other) == 6u);
}

TEST_CASE("when nobody knows what a batch has done, nothing is known, and no reader says otherwise",
          "[store]") {
    version_table table(two_sets);
    write(table, a, 1);
    const auto before = version_table::locked(table).writes();
    version_table::locked(table).forget_all();
    CHECK_FALSE(find(table, a).has_value());
    version_table::locked(table).read(a, 1, before);
    version_table::locked(table).read(other, 1, before);
    CHECK_FALSE(find(table, a).has_value());
    CHECK_FALSE(find(table, other).has_value());
    version_table::locked(table).read(other, 1, before + 1);
    CHECK(find(table, other) == 1u);
}

TEST_CASE("a table of any size works", "[store]") {
    for (const std::size_t keys : {0u, 1u, 6u, 7u, 8u, 1000u}) {
        version_table table(keys);
        write(table, key_hash{~0ull, ~0ull}, 1);
        CHECK(find(table, key_hash{~0ull, ~0ull}) == 1u);
    }
}
