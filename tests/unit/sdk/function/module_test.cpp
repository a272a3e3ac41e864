// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/module_harness.hpp"

#include <dunlin/function.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

struct page {
    std::string url;
    DUNLIN_FIELDS(url)
    DUNLIN_REQUIRED(url)
};

struct customer {
    std::int64_t number = 0;
    DUNLIN_FIELDS(number)
};

struct order {
    customer buyer;
    int hidden = 0;
    DUNLIN_FIELDS(buyer)
};

struct derived : page {
    std::optional<customer> maybe;
    DUNLIN_FIELDS(maybe)
    DUNLIN_BASE(page)
};

struct counter {
    std::uint64_t value = 0;
    DUNLIN_FIELDS(value)
};

std::string error_of(void (*describe)(module_builder& m)) {
    fake_host host;
    const module_builder module("test", host.abi(), describe);
    const dunlin_module_info& info = *module.info();
    if (info.error == nullptr) return "none";
    CHECK(info.function_count == 0);
    CHECK(info.struct_size == sizeof info);
    CHECK(info.abi_version == DUNLIN_ABI_VERSION);
    CHECK(std::string(info.name) == "test");
    return info.error;
}

void nothing(module_builder&) {}

}  // namespace

TEST_CASE("a module tells the node what it has") {
    module_harness m([](module_builder& b) {
        b.version("1.2.0");
        b.function("count", [](const page&) { return std::uint64_t{0}; })
            .description("Counts.")
            .idempotent();
        b.function("wait", [](int n) { return n; }).blocking();
        b.function("later", [](context& ctx) -> task<void> {
            (co_await ctx.sleep_for(std::chrono::seconds(1))).value();
        });
    });
    const dunlin_module_info& info = m.info();
    CHECK(info.error == nullptr);
    CHECK(info.struct_size == sizeof(dunlin_module_info));
    CHECK(info.abi_version == DUNLIN_ABI_VERSION);
    CHECK(info.function_stride == sizeof(dunlin_function));
    CHECK(std::string(info.name) == "test");
    CHECK(std::string(info.version) == "1.2.0");
    REQUIRE(info.function_count == 3);

    const dunlin_function& count = m["count"];
    CHECK(count.flags == DUNLIN_IDEMPOTENT);
    CHECK(std::string(count.description) == "Counts.");
    CHECK(std::string(count.input_schema) ==
          R"({"title":"page","type":"object","properties":{"url":{"type":"string"}},)"
          R"("required":["url"]})");
    CHECK(std::string(count.output_schema) == R"({"type":"integer","minimum":0})");
    CHECK(m["wait"].flags == DUNLIN_BLOCKING);
    CHECK(m["wait"].description == nullptr);
    CHECK(m["later"].flags == DUNLIN_ASYNC);
    CHECK(m["later"].input_schema == nullptr);
    CHECK(std::string(m["later"].output_schema) == R"({"type":"null"})");
}

TEST_CASE("a module that throws while it describes itself says why it cannot be loaded") {
    CHECK(error_of(nothing) == "none");
    CHECK(error_of([](module_builder&) { throw std::runtime_error("no licence key"); }) ==
          "no licence key");
    CHECK(error_of([](module_builder&) { throw std::runtime_error(""); }) ==
          "the module threw an exception without a message");
    CHECK(error_of([](module_builder&) { throw 5; }) ==
          "the module threw something that is not a std::exception");
}

TEST_CASE("what an author says of a function's scaling is told to the node") {
    module_harness m([](module_builder& b) {
        b.function("all", [](int n) { return n; })
            .scale({.min = 2,
                    .max = 256,
                    .target_wait = 5ms,
                    .idle = 10s,
                    .priority = priority::high,
                    .weight = 3});
        b.function("some", [](int n) { return n; }).scale({.min = 0, .max = 8});
        b.function("none", [](int n) { return n; });
        b.function("in_parts", [](int n) { return n; }).scale({.min = 4}).scale({.max = 4});
    });
    REQUIRE(m.info().error == nullptr);
    CHECK(m["all"].activations_min == 2);
    CHECK(m["all"].activations_max == 256);
    CHECK(m["all"].target_wait_ns == 5'000'000);
    CHECK(m["all"].idle_ns == 10'000'000'000);
    CHECK(m["all"].priority == DUNLIN_PRIORITY_HIGH);
    CHECK(m["all"].weight == 3);
    CHECK(m["some"].activations_min == 0);
    CHECK(m["some"].activations_max == 8);
    CHECK(m["in_parts"].activations_min == 4);
    CHECK(m["in_parts"].activations_max == 4);
    for (const char* name : {"some", "none"}) {
        CHECK(m[name].target_wait_ns == 0);
        CHECK(m[name].idle_ns == 0);
        CHECK(m[name].priority == 0);
        CHECK(m[name].weight == 0);
    }
    CHECK(m["none"].activations_max == 0);
}

TEST_CASE("a scaling that cannot be is why the module cannot be loaded, with function and reason") {
    const std::pair<scaling, const char*> mistakes[] = {
        {{.min = 3, .max = 2}, "min 3 is above max 2"},
        {{.min = -1}, "min -1 is not between 0 and 131072"},
        {{.max = 0}, "max 0 is not between 1 and 131072"},
        {{.max = 131'073}, "max 131073 is not between 1 and 131072"},
        {{.target_wait = 0ms}, "target_wait of 0 us is not between 1 us and 1 h"},
        {{.target_wait = -5ms}, "target_wait of -5000 us is not between 1 us and 1 h"},
        {{.target_wait = 2h}, "target_wait of 7200000000 us is not between 1 us and 1 h"},
        {{.idle = -1us}, "idle of -1 us is not between 0 and 24 h"},
        {{.idle = 25h}, "idle of 90000000000 us is not between 0 and 24 h"},
        {{.priority = static_cast<priority>(9)}, "its priority is none of low, normal and high"},
        {{.weight = 0}, "weight 0 is not between 1 and 1000"},
        {{.weight = 1001}, "weight 1001 is not between 1 and 1000"},
    };
    static const scaling* current;
    for (const auto& [wishes, why] : mistakes) {
        current = &wishes;
        CHECK(error_of([](module_builder& m) {
                  m.function("count", [](int n) { return n; }).scale(*current);
              }) == "function \"count\" cannot be scaled: " + std::string(why));
    }
    CHECK(error_of([](module_builder& m) {
              m.function("count", [](int n) { return n; }).scale({.max = 2}).scale({.min = 3});
          }) == "function \"count\" cannot be scaled: min 3 is above max 2");
}

TEST_CASE("what an author says of keys and state is told to the node") {
    module_harness m([](module_builder& b) {
        b.function("visit", [](const page&, counter& c) { return ++c.value; })
            .keyed_by(&page::url)
            .space("visitors")
            .relaxed();
        b.function("show", [](const page&, const counter& c) { return c; }).keyed_by("url");
        b.function("buy", [](const order&) {}).keyed_by(&order::buyer, &customer::number);
        b.function("pay", [](const order&) {}).keyed_by("buyer.number").space("buyers");
        b.function("in_turn", [](int) {}).space("turns");
        b.function("reset", [](std::optional<counter>& c) { c.reset(); }).ephemeral();
        b.function("plain", [](const page&) {});
    });
    REQUIRE(m.info().error == nullptr);
    const auto text = [](const char* of) { return std::string(of == nullptr ? "(none)" : of); };
    CHECK(text(m["visit"].key_field) == "url");
    CHECK(text(m["visit"].space) == "visitors");
    REQUIRE(m["visit"].state != nullptr);
    CHECK(text(m["visit"].state->schema) == schema_json<counter>());
    CHECK(m["visit"].state_access == DUNLIN_STATE_WRITE);
    CHECK(m["visit"].state_mode == DUNLIN_STATE_RELAXED);
    CHECK(text(m["show"].key_field) == "url");
    CHECK(text(m["show"].space) == "test.show");
    CHECK(m["show"].state == m["visit"].state);
    CHECK(m["show"].state_access == DUNLIN_STATE_READ);
    CHECK(m["show"].state_mode == 0);
    CHECK(text(m["buy"].key_field) == "buyer.number");
    CHECK(text(m["buy"].space) == "test.buy");
    CHECK(m["buy"].state == nullptr);
    CHECK(m["buy"].state_access == 0);
    CHECK(text(m["pay"].key_field) == "buyer.number");
    CHECK(text(m["pay"].space) == "buyers");
    CHECK(text(m["in_turn"].key_field) == "(none)");
    CHECK(text(m["in_turn"].space) == "turns");
    CHECK(m["reset"].state_access == DUNLIN_STATE_WRITE);
    CHECK(m["reset"].state_mode == DUNLIN_STATE_EPHEMERAL);
    CHECK(text(m["plain"].key_field) == "(none)");
    CHECK(text(m["plain"].space) == "(none)");
    CHECK(m["plain"].state == nullptr);
}

TEST_CASE("a key may be in a base's field, and in an optional struct") {
    module_harness m([](module_builder& b) {
        b.function("inherited", [](const derived&) {}).keyed_by(&derived::url);
        b.function("optional", [](const derived&) {}).keyed_by("maybe.number");
        b.function("any", [](const raw&) {}).keyed_by("whatever.is.sent");
    });
    REQUIRE(m.info().error == nullptr);
    CHECK(std::string(m["inherited"].key_field) == "url");
    CHECK(std::string(m["optional"].key_field) == "maybe.number");
    CHECK(std::string(m["any"].key_field) == "whatever.is.sent");
}

TEST_CASE("a key or a state that cannot be is why the module cannot be loaded") {
    using entry = function_entry;
    const std::pair<void (*)(entry&), std::string> mistakes[] = {
        {[](entry& f) { f.keyed_by("visitor"); },
         "cannot be keyed by \"visitor\": its input has no such field"},
        {[](entry& f) { f.keyed_by(""); }, "cannot be keyed by \"\": its input has no such field"},
        {[](entry& f) { f.keyed_by("buyer."); },
         "cannot be keyed by \"buyer.\": its input has no such field"},
        {[](entry& f) { f.keyed_by("buyer.number.x"); },
         "cannot be keyed by \"buyer.number.x\": its input has no such field"},
        {[](entry& f) { f.keyed_by("buyer"); },
         "cannot be keyed by \"buyer\": a key is text, bytes or an integer, and this field is not"},
        // Of another struct than the function's input.
        {[](entry& f) { f.keyed_by(&page::url); },
         "cannot be keyed by \"url\": its input has no such field"},
        {[](entry& f) { f.space("Buyers"); },
         "cannot be in space \"Buyers\": a space's name is 1 to 64 characters of a-z, 0-9, '_', "
         "'-' and '.'"},
        {[](entry& f) { f.relaxed().durable(); },
         "says that its state is relaxed, and that it is durable"},
        {[](entry& f) { f.space("buyers").ephemeral(); },
         "has no state that could be ephemeral: it has to take its state, as State& or const "
         "State&"},
    };
    static void (*current)(entry&);
    for (const auto& [mistake, why] : mistakes) {
        current = mistake;
        CHECK(error_of([](module_builder& m) {
                  current(m.function("buy", [](const order&) {}));
              }) == "function \"buy\" " + why);
    }
    CHECK(error_of([](module_builder& m) {
              m.function("count", [](counter&) {}).keyed_by("value");
          }) == "function \"count\" cannot be keyed by \"value\": it takes no input");
    CHECK(error_of([](module_builder& m) {
              m.function("buy", [](const order&) {}).keyed_by(&order::hidden);
          }) == "keyed_by names a member of order that is no field: name it in DUNLIN_FIELDS, too");
    CHECK(error_of([](module_builder& m) { m.function(std::string(60, 'f'), [](counter&) {}); }) ==
          "function \"" + std::string(60, 'f') + "\" has no space of its own, as the name \"test." +
              std::string(60, 'f') + "\" is too long for one: give it .space(\"...\")");
}

TEST_CASE("two functions of one name are refused") {
    CHECK(error_of([](module_builder& m) {
              m.function("count", [](int n) { return n; });
              m.function("count", [](double n) { return n; });
          }) == "function \"count\" is added twice");
}

TEST_CASE("names that could not be called are refused") {
    CHECK(error_of([](module_builder& m) { m.function("", [] { return 1; }); }) ==
          "function \"\" is not a name: 1 to 64 characters of a-z, 0-9, '_', '-' and '.' are");
    for (const char* name : {"Count", "a/b", "a b", "\xc3\xa9", "a\n"}) {
        static const char* current;
        current = name;
        CHECK(error_of([](module_builder& m) {
                  m.function(current, [] { return 1; });
              }).find("is not a name") != std::string::npos);
    }
    CHECK(error_of([](module_builder& m) { m.function(std::string(64, 'a'), [] { return 1; }); }) ==
          "none");
    CHECK(error_of([](module_builder& m) { m.function(std::string(65, 'a'), [] { return 1; }); }) !=
          "none");
    fake_host host;
    const module_builder odd("No Name", host.abi(), nothing);
    CHECK(std::string(odd.info()->error).starts_with("module \"No Name\" is not a name"));
}

TEST_CASE("a module refuses a node of another ABI") {
    fake_host host;
    dunlin_host other = *host.abi();
    other.abi_version = 2;
    CHECK(std::string(module_builder("test", &other, nothing).info()->error) ==
          "the module speaks ABI version 1, the node version 2");
    other = *host.abi();
    other.struct_size = offsetof(dunlin_host, begin) - 1;
    CHECK(std::string(module_builder("test", &other, nothing).info()->error) ==
          "the module needs a newer node: it uses more of the ABI than this one offers");
    // What came later than that is asked for when it is needed.
    other.struct_size = offsetof(dunlin_host, begin);
    CHECK(module_builder("test", &other, nothing).info()->error == nullptr);
    other.struct_size = sizeof(dunlin_host) + 64;
    CHECK(module_builder("test", &other, nothing).info()->error == nullptr);
    CHECK(std::string(module_builder("test", nullptr, nothing).info()->error) ==
          "the node offers nothing to the module");
}
