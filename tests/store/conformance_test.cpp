// SPDX-License-Identifier: Apache-2.0
//
// What every store does, whatever it is made of.
#include "tests/store/store_cases.hpp"
#include "tests/store/store_steps.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::tests;
using actors::call_name;
using actors::state_read;
using actors::state_write;
using actors::write_outcome;

using keys = std::vector<std::string>;

TEMPLATE_TEST_CASE("a store gives back what was written, and nothing for what was not", "[store]",
                   DUNLIN_STORE_CASES) {
    TestType made;
    auto& store = made.store();
    const auto space = store.open_space("visitors").value();
    auto one = put(space, "ann", 0, 41, "3 pages");
    one.expires_ms = 1'900'000'000'123;
    one.writer = {7, 99};
    CHECK(write_one(store, one) == write_outcome::written);

    const auto found = read_one(store, space, "ann");
    CHECK(found.version == 41);
    CHECK(found.present);
    CHECK(found.expires_ms == 1'900'000'000'123);
    CHECK(found.writer == call_name{7, 99});
    CHECK(text_of(found) == "3 pages");

    const auto none = read_one(store, space, "bob");
    CHECK(none.version == 0);
    CHECK_FALSE(none.present);
    CHECK(none.value.empty());
}

TEMPLATE_TEST_CASE("a store refuses a write that was made from another version", "[store]",
                   DUNLIN_STORE_CASES) {
    TestType made;
    auto& store = made.store();
    const auto space = store.open_space("s").value();
    CHECK(write_one(store, put(space, "k", 5, 6, "from a value that never was")) ==
          write_outcome::conflict);
    CHECK(read_one(store, space, "k").version == 0);
    CHECK(write_one(store, put(space, "k", 0, 10, "first")) == write_outcome::written);
    CHECK(write_one(store, put(space, "k", 0, 11, "a second first")) == write_outcome::conflict);
    CHECK(write_one(store, put(space, "k", 10, 12, "second")) == write_outcome::written);
    CHECK(write_one(store, put(space, "k", 10, 13, "late")) == write_outcome::conflict);
    CHECK(write_one(store, put(space, "k", 13, 14, "early")) == write_outcome::conflict);
    const auto found = read_one(store, space, "k");
    CHECK(found.version == 12);
    CHECK(text_of(found) == "second");
}

TEMPLATE_TEST_CASE("an erased value keeps its version, so that a stale write is refused", "[store]",
                   DUNLIN_STORE_CASES) {
    TestType made;
    auto& store = made.store();
    const auto space = store.open_space("s").value();
    REQUIRE(write_one(store, put(space, "k", 0, 1, "a")) == write_outcome::written);
    auto gone = erase(space, "k", 1, 2);
    gone.writer = {3, 4};
    REQUIRE(write_one(store, gone) == write_outcome::written);

    const auto look = [&] {
        const auto found = read_one(store, space, "k");
        CHECK(found.version == 2);
        CHECK_FALSE(found.present);
        CHECK(found.writer == call_name{3, 4});
        CHECK(found.value.empty());
        // Made from the value that was there before it was erased, and from none at all.
        CHECK(write_one(store, put(space, "k", 1, 3, "b")) == write_outcome::conflict);
        CHECK(write_one(store, put(space, "k", 0, 3, "b")) == write_outcome::conflict);
    };
    look();
    made.reopen();
    const auto again = made.store().open_space("s").value();
    REQUIRE(again == space);
    CHECK(read_one(made.store(), space, "k").version == 2);
    CHECK(write_one(made.store(), put(space, "k", 0, 3, "b")) == write_outcome::conflict);
    CHECK(write_one(made.store(), put(space, "k", 2, 3, "c")) == write_outcome::written);
    CHECK(text_of(read_one(made.store(), space, "k")) == "c");
}

TEMPLATE_TEST_CASE("what is kept beside a value comes back with it, also when it was erased",
                   "[store]", DUNLIN_STORE_CASES) {
    TestType made;
    const auto space = made.store().open_space("s").value();
    const std::string calls("\0\x01'\\ calls\xff", 11);
    const std::string most(2048, 'c');
    const auto write = [&](state_write one, std::string_view recent) {
        one.recent = as_bytes(recent);
        return write_one(made.store(), one);
    };
    const auto kept = [&](std::string_view key = "k") {
        const auto found = read_one(made.store(), space, key);
        return std::string(as_text(found.recent));
    };
    CHECK(kept().empty());
    REQUIRE(write(put(space, "k", 0, 1, "a"), calls) == write_outcome::written);
    REQUIRE(write(put(space, "other", 0, 1, "b"), "") == write_outcome::written);
    CHECK(kept() == calls);
    CHECK(kept("other").empty());
    CHECK(write(put(space, "k", 7, 8, "c"), "of a conflict") == write_outcome::conflict);
    CHECK(write(put(space, "k", 0, 8, "c"), "of a conflict") == write_outcome::conflict);
    CHECK(kept() == calls);
    REQUIRE(write(put(space, "k", 1, 2, "d"), most) == write_outcome::written);
    REQUIRE(write(put(space, "other", 1, 2, ""), calls) == write_outcome::written);
    CHECK(kept() == most);
    CHECK(kept("other") == calls);
    CHECK(made.store().list(space, "k", "", 1).value().front().value_bytes == 1);
    REQUIRE(write(erase(space, "k", 2, 3), calls + calls) == write_outcome::written);
    for (int opened = 0; opened < 2; ++opened) {
        const auto found = read_one(made.store(), space, "k");
        CHECK_FALSE(found.present);
        CHECK(found.value.empty());
        CHECK(kept() == calls + calls);
        made.reopen();
        REQUIRE(made.store().open_space("s").value() == space);
    }
    REQUIRE(write(put(space, "k", 3, 4, "e"), "") == write_outcome::written);
    CHECK(kept().empty());
    CHECK(text_of(read_one(made.store(), space, "k")) == "e");
}

TEMPLATE_TEST_CASE("a store tells of an expired value as it is", "[store]", DUNLIN_STORE_CASES) {
    TestType made;
    auto& store = made.store();
    const auto space = store.open_space("s").value();
    auto one = put(space, "k", 0, 1, "old");
    one.expires_ms = 1000;  // 1970
    REQUIRE(write_one(store, one) == write_outcome::written);
    made.reopen();
    auto& again = made.store();
    REQUIRE(again.open_space("s").value() == space);
    const auto found = read_one(again, space, "k");
    CHECK(found.version == 1);
    CHECK(found.present);
    CHECK(found.expires_ms == 1000);
    CHECK(text_of(found) == "old");
    const auto listed = again.list(space, "", "", 10).value();
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].expires_ms == 1000);
    CHECK(write_one(again, put(space, "k", 0, 2, "new")) == write_outcome::conflict);
    CHECK(write_one(again, put(space, "k", 1, 2, "new")) == write_outcome::written);
    CHECK(read_one(again, space, "k").expires_ms == 0);
}

TEMPLATE_TEST_CASE("conflicts in a batch leave the rest of it alone", "[store]",
                   DUNLIN_STORE_CASES) {
    TestType made;
    auto& store = made.store();
    const auto s = store.open_space("s").value();
    const auto t = store.open_space("t").value();
    std::array<state_write, 3> first = {put(s, "a", 0, 1, "a1"), put(s, "b", 0, 1, "b1"),
                                        put(t, "a", 0, 1, "other a1")};
    store.write(first).value();
    for (const auto& each : first) CHECK(each.outcome == write_outcome::written);

    std::array<state_write, 5> second = {put(s, "b", 1, 2, "b2"), put(s, "a", 7, 8, "a8"),
                                         put(s, "c", 0, 1, "c1"), erase(t, "a", 1, 2),
                                         put(t, "b", 1, 2, "from nothing")};
    for (auto& each : second) each.outcome = write_outcome::conflict;  // the store says
    store.write(second).value();
    CHECK(second[0].outcome == write_outcome::written);
    CHECK(second[1].outcome == write_outcome::conflict);
    CHECK(second[2].outcome == write_outcome::written);
    CHECK(second[3].outcome == write_outcome::written);
    CHECK(second[4].outcome == write_outcome::conflict);

    std::array<state_read, 6> wanted{};
    const std::array<std::string_view, 6> names = {"a", "b", "c", "a", "b", "b"};
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        wanted[i].space = i < 3 ? s : t;
        wanted[i].key = as_bytes(names[i]);
    }
    store.read(wanted).value();
    CHECK(text_of(wanted[0].found) == "a1");
    CHECK(text_of(wanted[1].found) == "b2");
    CHECK(text_of(wanted[2].found) == "c1");
    CHECK(wanted[3].found.version == 2);
    CHECK_FALSE(wanted[3].found.present);
    CHECK(wanted[4].found.version == 0);
    CHECK(wanted[5].found.version == 0);  // asked for twice

    store.write({}).value();
    store.read({}).value();
}

TEMPLATE_TEST_CASE("a store takes batches of thousands", "[store]", DUNLIN_STORE_CASES) {
    constexpr std::size_t count = 3000;
    TestType made;
    auto& store = made.store();
    const auto space = store.open_space("s").value();
    keys names;
    for (std::size_t i = 0; i < count; ++i) names.push_back("key-" + std::to_string(i));
    for (std::uint64_t version = 1; version <= 3; ++version) {
        std::vector<state_write> batch;
        for (const auto& name : names)
            batch.push_back(put(space, name, version - 1, version, name));
        store.write(batch).value();
        for (const auto& each : batch) REQUIRE(each.outcome == write_outcome::written);
    }
    std::vector<state_read> wanted(count);
    for (std::size_t i = 0; i < count; ++i) {
        wanted[i].space = space;
        wanted[i].key = as_bytes(names[count - 1 - i]);
    }
    store.read(wanted).value();
    for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(wanted[i].found.version == 3);
        REQUIRE(text_of(wanted[i].found) == names[count - 1 - i]);
    }
}

TEMPLATE_TEST_CASE("keys are bytes, of any length up to 255", "[store]", DUNLIN_STORE_CASES) {
    TestType made;
    const keys odd = {"",
                      std::string(1, '\0'),
                      std::string("a\0b", 3),
                      std::string("a\0", 2),
                      "a",
                      "a ",
                      "\x7f",
                      "\x80",
                      "\xff",
                      "\xff\xff",
                      "\xc3\xa4",
                      "'; DROP TABLE state; --",
                      "{1,2}",
                      "\\x00",
                      std::string(255, 'k'),
                      std::string(254, 'k'),
                      std::string(255, '\xff')};
    {
        auto& store = made.store();
        const auto space = store.open_space("s").value();
        keys values;
        for (const auto& key : odd) values.push_back("of " + key);
        std::vector<state_write> batch;
        for (std::size_t i = 0; i < odd.size(); ++i)
            batch.push_back(put(space, odd[i], 0, 1, values[i]));
        store.write(batch).value();
        for (const auto& each : batch) CHECK(each.outcome == write_outcome::written);
    }
    for (int opened = 0; opened < 2; ++opened) {
        auto& store = made.store();
        const auto space = store.open_space("s").value();
        for (const auto& key : odd) CHECK(text_of(read_one(store, space, key)) == "of " + key);
        CHECK(read_one(store, space, std::string(253, 'k')).version == 0);
        CHECK(read_one(store, space, std::string("a\0c", 3)).version == 0);
        auto sorted = odd;
        std::sort(sorted.begin(), sorted.end());
        sorted.erase(sorted.begin());  // the empty key is not larger than ""
        CHECK(keys_of(store.list(space, "", "", 100).value()) == sorted);
        made.reopen();
    }
}

TEMPLATE_TEST_CASE("values are bytes, of none to 16 MiB", "[store]", DUNLIN_STORE_CASES) {
    TestType made;
    const std::vector<std::size_t> sizes = {0, 1, 41, 42, 4096, 65'537, 1u << 20, 16u << 20};
    const auto value_of = [](std::size_t size) {
        std::string value(size, '\0');
        std::uint32_t state = static_cast<std::uint32_t>(size) | 1;
        for (auto& c : value) {
            state = state * 1'664'525 + 1'013'904'223;
            c = static_cast<char>(state >> 24);
        }
        return value;
    };
    {
        auto& store = made.store();
        const auto space = store.open_space("s").value();
        for (const auto size : sizes) {
            const auto value = value_of(size);
            REQUIRE(write_one(store, put(space, std::to_string(size), 0, 1, value)) ==
                    write_outcome::written);
        }
    }
    for (int opened = 0; opened < 2; ++opened) {
        auto& store = made.store();
        const auto space = store.open_space("s").value();
        for (const auto size : sizes) {
            const auto found = read_one(store, space, std::to_string(size));
            CHECK(found.present);  // also without a byte
            CHECK((text_of(found) == value_of(size)));
        }
        const auto listed = store.list(space, "", "", 100).value();
        for (const auto& each : listed) CHECK(std::to_string(each.value_bytes) == each.key);
        made.reopen();
    }
}

TEMPLATE_TEST_CASE("a list goes by prefix and in pages, and leaves out what was erased", "[store]",
                   DUNLIN_STORE_CASES) {
    TestType made;
    auto& store = made.store();
    const auto space = store.open_space("s").value();
    const auto other = store.open_space("other").value();
    keys names;
    for (int i = 0; i < 25; ++i)
        names.push_back("user/" + std::string(1, static_cast<char>('a' + i)));
    for (const auto& name : names)
        REQUIRE(write_one(store, put(space, name, 0, 9, "value")) == write_outcome::written);
    for (const auto* name : {"user", "user0", "users", "a"})
        REQUIRE(write_one(store, put(space, name, 0, 1, "")) == write_outcome::written);
    REQUIRE(write_one(store, put(other, "user/zz", 0, 1, "")) == write_outcome::written);
    REQUIRE(write_one(store, erase(space, "user/c", 9, 10)) == write_outcome::written);
    names.erase(names.begin() + 2);

    const auto all = store.list(space, "user/", "", 100).value();
    CHECK(keys_of(all) == names);
    CHECK(all[0].version == 9);
    CHECK(all[0].value_bytes == 5);
    CHECK(all[0].expires_ms == 0);

    keys paged;
    for (std::string after;;) {
        const auto page = store.list(space, "user/", after, 7).value();
        CHECK(page.size() <= 7);
        if (page.empty()) break;
        for (const auto& each : page) paged.push_back(each.key);
        after = page.back().key;
    }
    CHECK(paged == names);

    CHECK(store.list(space, "user/", "user/x", 100).value().size() == 1);
    CHECK(store.list(space, "user/", "a", 1).value().front().key == "user/a");
    CHECK(store.list(space, "user/", "v", 100).value().empty());
    CHECK(store.list(space, "nobody", "", 100).value().empty());
    CHECK(store.list(space, "user/", "", 0).value().empty());
    CHECK(keys_of(store.list(space, "", "", 2).value()) == keys{"a", "user"});
    CHECK(keys_of(store.list(other, "", "", 9).value()) == keys{"user/zz"});
}

TEMPLATE_TEST_CASE("a list by a prefix of bytes that are largest ends", "[store]",
                   DUNLIN_STORE_CASES) {
    TestType made;
    auto& store = made.store();
    const auto space = store.open_space("s").value();
    const keys names = {"\xfe", "\xff", "\xff\x01", "\xff\xff", "\xff\xff\xff"};
    for (const auto& name : names)
        REQUIRE(write_one(store, put(space, name, 0, 1, "")) == write_outcome::written);
    CHECK(keys_of(store.list(space, "\xff\xff", "", 9).value()) ==
          keys{"\xff\xff", "\xff\xff\xff"});
    CHECK(keys_of(store.list(space, "\xff", "\xff", 9).value()) ==
          keys{"\xff\x01", "\xff\xff", "\xff\xff\xff"});
}

TEMPLATE_TEST_CASE("spaces are apart, and there may be many", "[store]", DUNLIN_STORE_CASES) {
    constexpr std::uint32_t count = 60;
    TestType made;
    std::vector<std::uint32_t> spaces;
    for (std::uint32_t i = 0; i < count; ++i)
        spaces.push_back(made.store().open_space("space-" + std::to_string(i)).value());
    CHECK(made.store().open_space("space-7").value() == spaces[7]);
    std::vector<std::string> values;
    for (std::uint32_t i = 0; i < count; ++i) values.push_back(std::to_string(i));
    std::vector<state_write> batch;
    for (std::uint32_t i = 0; i < count; ++i) batch.push_back(put(spaces[i], "k", 0, 1, values[i]));
    made.store().write(batch).value();
    for (std::uint32_t i = 0; i < count; ++i)
        REQUIRE(text_of(read_one(made.store(), spaces[i], "k")) == values[i]);

    made.reopen();
    // In another order, and with a new one: numbers are the store's own.
    CHECK(read_one(made.store(), made.store().open_space("new").value(), "k").version == 0);
    for (std::uint32_t i = count; i-- > 0;) {
        const auto again = made.store().open_space("space-" + std::to_string(i)).value();
        REQUIRE(text_of(read_one(made.store(), again, "k")) == values[i]);
    }
}

TEMPLATE_TEST_CASE("a store refuses names that no space may have, and spaces that are not open",
                   "[store]", DUNLIN_STORE_CASES) {
    TestType made;
    auto& store = made.store();
    CHECK(store.open_space("default").has_value());
    for (const std::string& name : {std::string(), std::string("Upper"), std::string("a b"),
                                    std::string("a/b"), std::string("a\n"), std::string(65, 'a')}) {
        const auto refused = store.open_space(name);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == errc::invalid_argument);
    }
    auto one = put(9, "k", 0, 1, "");
    CHECK_FALSE(store.write({&one, 1}).has_value());
    state_read wanted;
    wanted.space = 9;
    CHECK_FALSE(store.read({&wanted, 1}).has_value());
    CHECK_FALSE(store.list(9, "", "", 1).has_value());
}

TEMPLATE_TEST_CASE("versions and writers keep all of their bits", "[store]", DUNLIN_STORE_CASES) {
    TestType made;
    auto& store = made.store();
    const auto space = store.open_space("s").value();
    constexpr std::uint64_t large = (1ull << 62) + 12'345;
    auto one = put(space, "k", 0, large, "v");
    one.writer = {~0ull, ~0ull - 1};
    one.expires_ms = INT64_MAX;
    REQUIRE(write_one(store, one) == write_outcome::written);
    const auto found = read_one(store, space, "k");
    CHECK(found.version == large);
    CHECK(found.writer == call_name{~0ull, ~0ull - 1});
    CHECK(found.expires_ms == INT64_MAX);
    CHECK(write_one(store, put(space, "k", large, large + 1, "w")) == write_outcome::written);
}

TEMPLATE_TEST_CASE("a store says what it is", "[store]", DUNLIN_STORE_CASES) {
    TestType made;
    CHECK_FALSE(made.store().describe().empty());
}
