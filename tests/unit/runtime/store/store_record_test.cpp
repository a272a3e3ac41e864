// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/store_record.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime::store;

namespace {

std::vector<std::byte> joined(const record_head& head, std::string_view value,
                              std::string_view recent = {}) {
    const written_head written(head, as_bytes(recent));
    std::vector<std::byte> data(written.view().begin(), written.view().end());
    for (const char c : std::string(recent) + std::string(value))
        data.push_back(static_cast<std::byte>(c));
    return data;
}

}  // namespace

TEST_CASE("a record is read as it was written", "[store]") {
    const record_head head{0x0102'0304'0506'0708u, true, -5, 1'800'000'000'000, {~0ull, 42}};
    const auto data = joined(head, "value");
    const auto read = read_record(data).value();
    CHECK(read.head == head);
    CHECK(as_text(read.value) == "value");

    const record_head erased{9, false, 0, 1, {}};
    const auto tombstone = joined(erased, "");
    CHECK(read_record(tombstone).value().head == erased);
    const record_head empty{9, true, 0, 1, {}};
    CHECK(read_record(joined(empty, "")).value().head == empty);
    CHECK(read.recent.empty());
}

TEST_CASE("the calls that are kept beside a value are read as they were written", "[store]") {
    const record_head head{7, true, -5, 1'800'000'000'000, {~0ull, 42}};
    const auto data = joined(head, "value", "calls");
    const auto read = read_record(data).value();
    CHECK(read.head == head);
    CHECK(as_text(read.recent) == "calls");
    CHECK(as_text(read.value) == "value");
    const record_head erased{9, false, 0, 1, {}};
    const auto tombstone = joined(erased, "", "calls");
    CHECK(read_record(tombstone).value().head == erased);
    CHECK(as_text(read_record(tombstone).value().recent) == "calls");
    const std::string most(record_recent_bytes_max, 'x');
    const auto large = joined(head, "v", most);
    CHECK((as_text(read_record(large).value().recent) == most));
}

// What lies in data directories must not change.
TEST_CASE("a record's bytes are those that its header says", "[store]") {
    const auto data = joined({0x11, true, 0x22, 0x33, {0x44, 0x0102'0304'0506'0708u}}, "v");
    std::string hex;
    for (const auto byte : data) {
        constexpr std::string_view digits = "0123456789abcdef";
        hex += digits[std::to_integer<unsigned>(byte) >> 4];
        hex += digits[std::to_integer<unsigned>(byte) & 15];
    }
    CHECK(hex ==
          "01"
          "01"
          "1100000000000000"
          "2200000000000000"
          "3300000000000000"
          "4400000000000000"
          "0807060504030201"
          "76");
}

TEST_CASE("a record with kept calls has another format, and their length behind the head",
          "[store]") {
    const auto without = joined({7, true, 0, 0, {}}, "v");
    auto with = joined({7, true, 0, 0, {}}, "v", "calls");
    CHECK(with[0] == std::byte{2});
    CHECK(with[record_head_bytes] == std::byte{5});
    CHECK(with[record_head_bytes + 1] == std::byte{0});
    CHECK(as_text(bytes_view(with).subspan(record_head_bytes + 2)) == "callsv");
    with[0] = std::byte{1};
    CHECK(std::equal(without.begin(), without.begin() + record_head_bytes, with.begin()));
}

TEST_CASE("what no store writes is an error", "[store]") {
    const auto good = joined({1, true, 0, 0, {}}, "v");
    for (std::size_t size = 0; size < record_head_bytes; ++size)
        CHECK_FALSE(read_record(bytes_view(good).first(size)).has_value());
    const auto with = [&](std::size_t at, int byte) {
        auto bad = good;
        bad[at] = static_cast<std::byte>(byte);
        return read_record(bad);
    };
    CHECK(with(0, 1).has_value());
    CHECK_THAT(with(0, 3).error().detail, Catch::Contains("format 3"));
    CHECK_FALSE(with(0, 2).has_value());  // kept calls, of which there are none
    CHECK_FALSE(with(0, 0).has_value());
    CHECK_FALSE(with(1, 3).has_value());
    CHECK_FALSE(with(1, 0).has_value());  // erased, with a value
    CHECK_FALSE(with(2, 0).has_value());  // no version

    auto kept = joined({1, false, 0, 0, {}}, "", "calls");
    for (std::size_t size = 0; size < kept.size(); ++size)
        CHECK_FALSE(read_record(bytes_view(kept).first(size)).has_value());
    CHECK(read_record(kept).has_value());
    kept[record_head_bytes] = std::byte{4};  // erased, with a value
    CHECK_FALSE(read_record(kept).has_value());
    kept[record_head_bytes] = std::byte{0};
    CHECK_FALSE(read_record(kept).has_value());
}

TEST_CASE("what has ended may be dropped after an hour, what has not never", "[store]") {
    constexpr std::int64_t now_ms = 1'800'000'000'000;
    constexpr std::int64_t hour_ms = 3'600'000;
    CHECK_FALSE(may_be_dropped({1, true, 0, 0, {}}, now_ms));
    CHECK_FALSE(may_be_dropped({1, true, now_ms + 1, 0, {}}, now_ms));
    CHECK_FALSE(may_be_dropped({1, true, now_ms - hour_ms, 0, {}}, now_ms));
    CHECK(may_be_dropped({1, true, now_ms - hour_ms - 1, 0, {}}, now_ms));
    CHECK_FALSE(may_be_dropped({1, false, 0, now_ms - hour_ms, {}}, now_ms));
    CHECK(may_be_dropped({1, false, 0, now_ms - hour_ms - 1, {}}, now_ms));
    // When a tombstone would have expired is of no account.
    CHECK_FALSE(may_be_dropped({1, false, 1, now_ms, {}}, now_ms));
    CHECK(may_be_dropped({1, true, INT64_MIN, 0, {}}, now_ms));
    CHECK_FALSE(may_be_dropped({1, true, INT64_MAX, 0, {}}, now_ms));
}
