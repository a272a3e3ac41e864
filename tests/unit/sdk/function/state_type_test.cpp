// SPDX-License-Identifier: Apache-2.0
//
// What a node gets of a type of state: objects, bytes and sizes, through the C border.
#include "tests/support/catch.hpp"
#include "tests/support/fake_states.hpp"
#include "wire/frame_buffer.hpp"

#include <dunlin/state.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

using namespace dunlin;
using dunlin::testing::fake_states;

namespace {

struct visits {
    std::uint64_t count = 0;
    std::string last_page = "none";
    DUNLIN_FIELDS(count, last_page)
};

struct flat {
    std::array<std::uint64_t, 32> numbers{};
    DUNLIN_FIELDS(numbers)
};
struct too_flat {
    std::array<std::uint64_t, 33> numbers{};
    DUNLIN_FIELDS(numbers)
};

// What cannot be copied, or shares what it points to when it is.
struct tree {
    int value = 0;
    std::vector<std::unique_ptr<tree>> below;
    DUNLIN_FIELDS(value, below)
};
struct shared {
    std::shared_ptr<int> value;
    DUNLIN_FIELDS(value)
};

struct awkward {
    int value = 0;
};

}  // namespace

template <>
struct dunlin::codec<awkward> {
    static void encode(writer& to, const awkward& value) {
        to.integer(std::int64_t{value.value});
        if (value.value == 13) throw std::runtime_error("not thirteen");
    }
    static bool decode(reader& from, awkward& value) {
        std::int64_t number = 0;
        if (!from.integer(number)) return false;
        value.value = static_cast<int>(number);
        if (value.value == 14) throw std::runtime_error("not fourteen");
        if (value.value == 15) throw 15;
        return true;
    }
};

TEST_CASE("a type of state tells its schema, and whether it is cheap to copy") {
    const auto& type = detail::state_type<visits>();
    CHECK(type.struct_size == sizeof(dunlin_state_type));
    CHECK(std::string(type.schema) == schema_json<visits>());
    CHECK(type.flags == 0);
    CHECK(&detail::state_type<visits>() == &type);
    CHECK(detail::state_type<std::uint64_t>().flags == DUNLIN_STATE_CHEAP_COPY);
    CHECK(detail::state_type<flat>().flags == DUNLIN_STATE_CHEAP_COPY);
    CHECK(detail::state_type<too_flat>().flags == 0);
}

TEST_CASE("an object of state has no value until it is given one") {
    const auto& type = detail::state_type<visits>();
    void* const object = type.create();
    REQUIRE(object != nullptr);
    CHECK(type.has_value(object) == 0);
    wire::frame_buffer out;
    CHECK(type.encode(object, &out) != 0);
    CHECK(out.empty());
    const bytes stored = encode(visits{3, "/a"});
    const auto* data = reinterpret_cast<const std::uint8_t*>(stored.data());
    CHECK(type.decode(object, data, stored.size(), nullptr) == 0);
    CHECK(type.has_value(object) == 1);
    CHECK(type.encode(object, &out) == 0);
    CHECK(bytes(out.view()) == stored);
    // Appended, as the buffer may hold other values.
    CHECK(type.encode(object, &out) == 0);
    CHECK(out.size == 2 * stored.size());
    type.reset(object);
    CHECK(type.has_value(object) == 0);
    type.destroy(object);
}

TEST_CASE("a value is made anew from what is stored, not put over the one before") {
    fake_states::object object(detail::state_type<visits>());
    CHECK(object.load(encode(visits{3, "/a"})).empty());
    CHECK(object.load(encode(std::map<std::string, int>{{"count", 4}})).empty());
    const auto value = decode<visits>(object.encoded()).value();
    CHECK(value.count == 4);
    CHECK(value.last_page == "none");
}

TEST_CASE("state that does not fit its type tells the field and both types, and is no value") {
    fake_states::object object(detail::state_type<visits>());
    REQUIRE(object.load(encode(visits{})).empty());
    CHECK(object.load(encode(std::map<std::string, std::string>{{"count", "many"}})) ==
          "visits.count: expected integer, got string \"many\"");
    CHECK_FALSE(object.has_value());
    CHECK(object.load(as_bytes("\x80\x01")) == "visits: 1 byte follows the value");
    CHECK(object.load({}) == "visits: expected map, but the payload is empty");
    fake_states::object number(detail::state_type<std::uint8_t>());
    CHECK(number.load(encode(300)) == "state: expected integer from 0 to 255, got 300");
    CHECK(number.load(encode(5)).empty());
}

TEST_CASE("what a codec of state throws stays on its side of the border") {
    fake_states::object object(detail::state_type<awkward>());
    CHECK(object.load(encode(14)) == "not fourteen");
    CHECK(object.load(encode(15)) == "its codec threw something that is not a std::exception");
    CHECK_FALSE(object.has_value());
    CHECK(object.load(encode(13)).empty());
    wire::frame_buffer out;
    out.append(as_bytes("before"));
    CHECK(detail::state_type<awkward>().encode(object.get(), &out) != 0);
    CHECK(as_text(out.view()) == "before");
}

TEST_CASE("a state that does not fit into the buffer is no half of one") {
    fake_states::object object(detail::state_type<visits>());
    REQUIRE(object.load(encode(visits{1, std::string(100, 'x')})).empty());
    wire::frame_buffer out(50);
    CHECK(detail::state_type<visits>().encode(object.get(), &out) != 0);
    CHECK(out.size == 0);
}

TEMPLATE_TEST_CASE("an object takes another one's value, or its absence", "", visits, flat, tree,
                   shared) {
    const auto& type = detail::state_type<TestType>();
    fake_states::object from(type);
    fake_states::object to(type);
    REQUIRE(from.load(encode(TestType{})) == "");
    CHECK(type.assign(to.get(), from.get()) == 0);
    CHECK(to.encoded() == from.encoded());
    type.reset(from.get());
    CHECK(type.assign(to.get(), from.get()) == 0);
    CHECK_FALSE(to.has_value());
}

TEST_CASE("a copy shares nothing with what it is a copy of") {
    STATIC_REQUIRE(detail::copies_apart<visits>());
    STATIC_REQUIRE(detail::copies_apart<std::map<std::string, std::vector<visits>>>());
    STATIC_REQUIRE_FALSE(detail::copies_apart<tree>());
    STATIC_REQUIRE_FALSE(detail::copies_apart<std::vector<std::unique_ptr<int>>>());
    STATIC_REQUIRE_FALSE(detail::copies_apart<shared>());

    using objects = detail::state_objects<shared>;
    const auto& type = detail::state_type<shared>();
    fake_states::object now(type);
    fake_states::object before(type);
    objects::of(now.get()).emplace().value = std::make_shared<int>(1);
    REQUIRE(type.assign(before.get(), now.get()) == 0);
    *objects::of(now.get())->value = 2;
    CHECK(*objects::of(before.get())->value == 1);
}

TEST_CASE("a tree survives being copied") {
    using objects = detail::state_objects<tree>;
    const auto& type = detail::state_type<tree>();
    fake_states::object from(type);
    fake_states::object to(type);
    auto& root = objects::of(from.get()).emplace();
    root.below.push_back(std::make_unique<tree>());
    root.below[0]->value = 7;
    REQUIRE(type.assign(to.get(), from.get()) == 0);
    CHECK(objects::of(to.get())->below.at(0)->value == 7);
}

TEST_CASE("how much an object holds is about right for any container, and quickly told") {
    const auto held = [](const auto& value) { return detail::held_bytes(value); };
    CHECK(held(5) == 0);
    CHECK(held(std::string("short")) == 0);
    CHECK(held(std::string(1000, 'x')) >= 1000);
    CHECK(held(std::string(1000, 'x')) < 1100);
    CHECK(held(std::vector<std::byte>(64 << 10)) == 64 << 10);
    CHECK(held(bytes(std::string_view("0123456789"))) == 10);
    CHECK(held(std::vector<std::string>(100, std::string(1000, 'x'))) > 100'000);
    CHECK(held(std::vector<std::string>(100, std::string(1000, 'x'))) < 110'000);
    CHECK(held(std::map<int, std::string>{{1, std::string(1000, 'x')}, {2, ""}}) > 1000);
    CHECK(held(std::deque<int>(1000)) == 4000);
    CHECK(held(std::vector<bool>(8000)) >= 1000);
    CHECK(held(std::variant<int, std::string>(std::string(500, 'x'))) >= 500);
    CHECK(held(std::make_unique<std::string>(500, 'x')) >= 500);
    CHECK(held(std::unique_ptr<int>()) == 0);
    CHECK(held(std::optional(std::string(500, 'x'))) >= 500);
    CHECK(held(visits{1, std::string(500, 'x')}) >= 500);
    CHECK(held(std::array<std::string, 2>{std::string(500, 'x'), ""}) >= 500);
    // A value that lies deeper than the program's stack could follow.
    tree root;
    tree* at = &root;
    for (int i = 0; i < 50; ++i) {
        at->below.push_back(std::make_unique<tree>());
        at = at->below.back().get();
    }
    CHECK(held(root) > 0);

    fake_states::object object(detail::state_type<visits>());
    REQUIRE(object.load(encode(visits{1, std::string(5000, 'x')})).empty());
    CHECK(detail::state_type<visits>().memory_bytes(object.get()) > 5000 + sizeof(visits));
}
