// SPDX-License-Identifier: Apache-2.0
#include "actors/state/recent_calls.hpp"

#include "tests/support/catch.hpp"

#include <deque>
#include <random>
#include <string>
#include <utility>

using namespace dunlin;
using namespace dunlin::actors;

namespace {

std::string reply_of(const recent_calls& calls, const call_name& name) {
    const auto found = calls.find(name);
    if (!found) return "unknown";
    return found->has_reply ? "reply " + std::string(as_text(found->reply)) : "applied";
}

}  // namespace

TEST_CASE("recent calls are known by their names, with their replies") {
    recent_calls calls;
    CHECK(calls.empty());
    CHECK(calls.encoded().empty());
    CHECK_FALSE(calls.find({1, 2}));
    calls.add({1, 2}, as_bytes("two"));
    calls.add({2, 1}, as_bytes(""));
    CHECK(reply_of(calls, {1, 2}) == "reply two");
    CHECK(reply_of(calls, {2, 1}) == "reply ");
    CHECK(reply_of(calls, {1, 1}) == "unknown");
    CHECK(reply_of(calls, {2, 2}) == "unknown");
    calls.clear();
    CHECK(calls.empty());
    CHECK(reply_of(calls, {1, 2}) == "unknown");
}

TEST_CASE("of a reply that is too large is kept that its call was applied") {
    recent_calls calls;
    const std::string largest(recent_calls::reply_bytes_max, 'x');
    calls.add({1, 1}, as_bytes(largest));
    calls.add({1, 2}, as_bytes(largest + "x"));
    CHECK(reply_of(calls, {1, 1}) == "reply " + largest);
    CHECK(reply_of(calls, {1, 2}) == "applied");
}

TEST_CASE("recent calls are bounded, and the oldest leaves first") {
    recent_calls calls;
    for (std::uint64_t id = 1; id <= recent_calls::calls_max; ++id) calls.add({7, id}, {});
    CHECK(calls.find({7, 1}));
    calls.add({7, 1000}, {});
    CHECK_FALSE(calls.find({7, 1}));
    CHECK(calls.find({7, 2}));
    CHECK(calls.calls() == recent_calls::calls_max);
    // By bytes: the largest replies leave room for seven.
    const std::string largest(recent_calls::reply_bytes_max, 'x');
    for (std::uint64_t id = 1; id <= 8; ++id) calls.add({8, id}, as_bytes(largest));
    CHECK(calls.calls() == 7);
    CHECK_FALSE(calls.find({8, 1}));
    CHECK(calls.find({8, 2}));
    CHECK(calls.encoded().size() <= recent_calls::bytes_max);
}

// What lies in stores must not change.
TEST_CASE("the stored form of recent calls is the one that its header says") {
    recent_calls calls;
    calls.add({0x11, 0x0102'0304'0506'0708u}, as_bytes("v"));
    calls.add({0x22, 0x33}, as_bytes(std::string(300, 'x')));
    std::string hex;
    for (const auto byte : calls.encoded()) {
        constexpr std::string_view digits = "0123456789abcdef";
        hex += digits[std::to_integer<unsigned>(byte) >> 4];
        hex += digits[std::to_integer<unsigned>(byte) & 15];
    }
    CHECK(hex ==
          "1100000000000000"
          "0807060504030201"
          "0100"
          "76"
          "2200000000000000"
          "3300000000000000"
          "ffff");
}

TEST_CASE("stored calls that are damaged are an error") {
    recent_calls calls;
    calls.add({1, 1}, as_bytes("reply"));
    calls.add({1, 2}, as_bytes(std::string(300, 'x')));
    const std::vector<std::byte> good(calls.encoded().begin(), calls.encoded().end());
    CHECK(recent_calls::decode(good)->calls() == 2);
    CHECK(recent_calls::decode({})->empty());
    for (std::size_t size = 1; size < good.size(); ++size) {
        const auto cut = recent_calls::decode(bytes_view(good).first(size));
        // Between the two there is nothing that says that there was another.
        CHECK(cut.has_value() == (size == 23));
    }
    auto large = good;
    large[17] = std::byte{1};  // a reply of 261 bytes
    large.resize(600);
    CHECK_THAT(recent_calls::decode(large).error().detail, Catch::Contains("too large"));
    const std::vector<std::byte> many(18 * (recent_calls::calls_max + 1));
    CHECK_THAT(recent_calls::decode(many).error().detail, Catch::Contains("too many"));
    const std::vector<std::byte> long_ones(recent_calls::bytes_max + 1);
    CHECK_FALSE(recent_calls::decode(long_ones).has_value());
}

TEST_CASE("random recent calls are those that a plain list has, however they come") {
    std::mt19937 random(7);
    recent_calls calls;
    recent_calls gathered;
    std::deque<std::pair<call_name, std::string>> model;
    std::size_t stored = 0;
    const auto size_of = [](const std::string& reply) {
        return 18 + (reply.size() <= recent_calls::reply_bytes_max ? reply.size() : 0);
    };
    for (std::uint64_t id = 1; id < 5000; ++id) {
        const auto most = random() % 3 == 0 ? 400u : 20u;
        const std::string reply(random() % most, static_cast<char>('a' + id % 26));
        const call_name name{1 + id % 3, id};
        model.emplace_back(name, reply);
        stored += size_of(reply);
        while (model.size() > recent_calls::calls_max || stored > recent_calls::bytes_max) {
            stored -= size_of(model.front().second);
            model.pop_front();
        }
        gathered.add(name, as_bytes(reply));
        // A few at a time, as turns of one go bring them.
        if (random() % 4 != 0) continue;
        calls.append(gathered);
        gathered.clear();
        if (random() % 8 == 0) calls = recent_calls::decode(calls.encoded()).value();
        REQUIRE(calls.calls() == model.size());
        REQUIRE(calls.encoded().size() == stored);
        REQUIRE(calls.bytes() < recent_calls::bytes_max + 1024);
        for (const auto& [known, text] : model)
            REQUIRE(reply_of(calls, known) ==
                    (text.size() <= recent_calls::reply_bytes_max ? "reply " + text : "applied"));
    }
}
