// SPDX-License-Identifier: Apache-2.0
#include "runtime/membership/message_codec.hpp"

#include "tests/support/catch.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime::membership;

namespace {

record_ptr make_record(instance_id instance = 0x1234'5678'9abc) {
    auto record = std::make_shared<member_record>();
    record->instance = instance;
    record->name = "lake";
    record->endpoints = {"tcp://10.0.0.1:7440", "tcp://10.0.0.1:7441"};
    record->version = "0.1.0";
    record->draining = true;
    const std::vector<std::string> functions{"bench/echo", "text/count_words"};
    record->serves = cluster::served_set::of(functions);
    record->store = 0xfedc'ba98'7654'3210u;
    return record;
}

std::vector<std::byte> bytes_of(const message& from) {
    std::vector<std::byte> out;
    encode(from, out);
    return out;
}

std::vector<std::byte> raw(std::initializer_list<unsigned> values) {
    std::vector<std::byte> out;
    for (const auto each : values) out.push_back(static_cast<std::byte>(each));
    return out;
}

message full(message_kind kind) {
    message what;
    what.kind = kind;
    switch (kind) {
        case message_kind::digest:
            what.bucket_bits = 1;
            what.digests = {0xffff'ffff'ffff'ffffu, 7};
            break;
        case message_kind::sync:
            what.bucket_bits = 3;
            what.wants_answer = true;
            what.buckets = {0, 7};
            break;
        case message_kind::gossip: break;
        case message_kind::drain_question: what.sequence = 0xffff'ffff; break;
        case message_kind::drain_answer:
            what.sequence = 12;
            what.intent = drain_intent::leaves;
            what.stamp = 0xffff'ffff;
            break;
        default: what.sequence = 0xffff'ffff, what.target = 99;
    }
    what.updates.push_back({member_state::suspect, 3, make_record(), {5, 6}, 0});
    what.updates.push_back({member_state::dead, 1, make_record(8), {}, 3600});
    return what;
}

}  // namespace

TEST_CASE("every kind of membership message reads as it was written") {
    for (unsigned kind = 1; kind <= 9; ++kind) {
        const auto what = full(static_cast<message_kind>(kind));
        const auto data = bytes_of(what);
        const auto read = decode(data);
        REQUIRE(read);
        REQUIRE(*read);
        const auto& got = **read;
        CHECK(got.kind == what.kind);
        CHECK(got.sequence == what.sequence);
        CHECK(got.target == what.target);
        CHECK(got.bucket_bits == what.bucket_bits);
        CHECK(got.wants_answer == what.wants_answer);
        CHECK(got.digests == what.digests);
        CHECK(got.buckets == what.buckets);
        CHECK(got.intent == what.intent);
        CHECK(got.stamp == what.stamp);
        REQUIRE(got.updates.size() == 2);
        CHECK(got.updates[0].state == member_state::suspect);
        CHECK(got.updates[0].incarnation == 3);
        CHECK(*got.updates[0].record == *what.updates[0].record);
        CHECK(got.updates[0].accusers == what.updates[0].accusers);
        CHECK(got.updates[1].age_s == 3600);
        // Of the dead it is not said.
        CHECK_FALSE(got.updates[1].record->serves.tells());
        CHECK(got.updates[1].record->store == 0);
        CHECK(bytes_of(got) == data);
    }
}

TEST_CASE("a membership message that ends early is an error wherever it ends") {
    for (unsigned kind = 1; kind <= 9; ++kind) {
        const auto data = bytes_of(full(static_cast<message_kind>(kind)));
        for (std::size_t size = 0; size < data.size(); ++size) {
            const auto read = decode(bytes_view(data).first(size));
            REQUIRE_FALSE(read);
            CHECK(read.error().code == errc::invalid_argument);
            CHECK(read.error().detail.find("membership message: ") == 0);
        }
    }
}

TEST_CASE("elements that a newer version appends to a membership message are skipped") {
    // A gossip without updates, with a map and a string after them.
    const auto read = decode(raw({0x94, 5, 0x90, 0x81, 1, 2, 0xa1, 'x'}));
    REQUIRE(read);
    REQUIRE(*read);
    CHECK((*read)->updates.empty());
    // An update with one element more.
    auto data = raw(
        {0x92, 5, 0x91, 0x9c, 0, 1, 9, 0xa1, 'n', 0x90, 0xa0, 0xc2, 0x90, 0, 0xc0, 7, 0x92, 1, 2});
    const auto longer = decode(data);
    REQUIRE(longer);
    REQUIRE((*longer)->updates.size() == 1);
    CHECK((*longer)->updates[0].record->name == "n");
    CHECK((*longer)->updates[0].record->store == 7);
}

TEST_CASE("kinds of messages and states of members from newer versions are ignored") {
    const auto kind = decode(raw({0x92, 42, 0x80}));
    REQUIRE(kind);
    CHECK_FALSE(*kind);
    const auto state =
        decode(raw({0x92, 5, 0x91, 0x99, 9, 1, 9, 0xa1, 'n', 0x90, 0xa0, 0xc2, 0x90, 0}));
    REQUIRE(state);
    CHECK((*state)->updates.empty());
}

TEST_CASE("membership messages beyond their limits are errors") {
    const auto fails = [](std::vector<std::byte> data) { return !decode(data); };
    CHECK(fails(raw({0x95, 9, 1, 3, 0, 0x90})));                          // an intent
    CHECK(fails(raw({0x80})));                                            // not an array
    CHECK(fails(raw({0x91, 5})));                                         // no updates
    CHECK(fails(raw({0x92, 5, 0x90, 0})));                                // bytes after the end
    CHECK(fails(raw({0x94, 1, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0x90})));  // a 33-bit sequence
    CHECK(fails(raw({0x94, 6, 13, 0x90, 0x90})));                         // 2^13 buckets
    CHECK(fails(raw({0x94, 6, 1, 0x91, 7, 0x90})));              // one digest for two buckets
    CHECK(fails(raw({0x95, 7, 0, 0xc3, 0x91, 1, 0x90})));        // bucket 1 of one
    CHECK(fails(raw({0x92, 5, 0xdd, 0xff, 0xff, 0xff, 0xff})));  // four billion updates
    const auto update = [&](unsigned incarnation, unsigned instance, unsigned accusers) {
        auto data = raw({0x92, 5, 0x91, 0x99, 1, incarnation, instance, 0xa1, 'n', 0x90, 0xa0, 0xc2,
                         0x90 | accusers});
        for (; accusers != 0; --accusers) data.push_back(std::byte{3});
        data.push_back(std::byte{0});
        return data;
    };
    CHECK_FALSE(fails(update(1, 1, 4)));
    // A name that is no text would go on to every strict reader of the list.
    const auto named = [&](unsigned byte) {
        return raw({0x92, 5, 0x91, 0x99, 1, 1, 1, 0xa1, byte, 0x90, 0xa0, 0xc2, 0x90, 0});
    };
    CHECK_FALSE(fails(named('n')));
    CHECK(fails(named(0xff)));
    CHECK(fails(update(0, 1, 0)));  // nobody begins at incarnation 0
    CHECK(fails(update(1, 0, 0)));  // nor is instance 0
    CHECK(fails(update(1, 1, 5)));
    CHECK(fails(std::vector<std::byte>(limits::message_bytes_max + 1)));
}

TEST_CASE("the size of an update is never underestimated") {
    for (const std::size_t length : {0u, 1u, 31u, 32u, 255u}) {
        auto record = std::make_shared<member_record>(*make_record(~instance_id{0}));
        record->name = std::string(std::max<std::size_t>(length, 1), 'n');
        record->endpoints.assign(limits::endpoints_max, std::string(length, 'e'));
        record->version = std::string(length, 'v');
        CHECK(problem_of(*record) == nullptr);
        message what;
        const auto empty = bytes_of(what).size();
        what.updates.push_back(
            {member_state::suspect, limits::incarnation_max, record, {~0ull, 1, 2, 3}, ~0u});
        CHECK(bytes_of(what).size() - empty <= encoded_bytes_max(what.updates[0]));
    }
}

TEST_CASE("a record that no peer would read is named before it is sent") {
    auto record = *make_record();
    CHECK(problem_of(record) == nullptr);
    record.name.clear();
    CHECK(problem_of(record) == std::string("the name is empty"));
    record.name = std::string(256, 'n');
    CHECK(problem_of(record) == std::string("the name is longer than 255 bytes"));
    record.name = "n\xff";
    CHECK(problem_of(record) == std::string("the name is not UTF-8"));
    record = *make_record();
    record.endpoints.assign(65, "tcp://10.0.0.1:1");
    CHECK(problem_of(record) == std::string("there are more than 64 endpoints"));
    record.instance = 0;
    CHECK(problem_of(record) == std::string("the instance is 0"));
}

TEST_CASE("an update of a node that is older than what members tell of their functions is read") {
    // [gossip, [[alive, 1, 9, "a", [], "", false, [], 0]]], and the same with a digest of 3 bytes.
    const auto old =
        decode(raw({0x92, 5, 0x91, 0x99, 0, 1, 9, 0xa1, 'a', 0x90, 0xa0, 0xc2, 0x90, 0}));
    REQUIRE(old);
    REQUIRE((*old)->updates.size() == 1);
    CHECK_FALSE((*old)->updates[0].record->serves.tells());
    CHECK((*old)->updates[0].record->store == 0);
    // The same with a digest, of a node that is older than what members tell of their store; and
    // with a store that is no number.
    const auto later = decode(raw(
        {0x92, 5, 0x91, 0x9a, 0, 1, 9, 0xa1, 'a', 0x90, 0xa0, 0xc2, 0x90, 0, 0xc4, 4, 1, 2, 3, 4}));
    REQUIRE(later);
    CHECK((*later)->updates[0].record->serves.tells());
    CHECK((*later)->updates[0].record->store == 0);
    const auto odd = decode(
        raw({0x92, 5, 0x91, 0x9b, 0, 1, 9, 0xa1, 'a', 0x90, 0xa0, 0xc2, 0x90, 0, 0xc0, 0xc0}));
    REQUIRE_FALSE(odd);
    CHECK(odd.error().detail.find("a store is not") != std::string::npos);
    const auto torn = decode(raw(
        {0x92, 5, 0x91, 0x9a, 0, 1, 9, 0xa1, 'a', 0x90, 0xa0, 0xc2, 0x90, 0, 0xc4, 3, 1, 2, 3}));
    REQUIRE_FALSE(torn);
    CHECK(torn.error().detail.find("what a member serves") != std::string::npos);
}
