// SPDX-License-Identifier: Apache-2.0
//
// What the loader makes of what modules say of keys and state.
#include "runtime/module_state.hpp"

#include "test_paths.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <dunlin/state.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

struct visits {
    std::uint64_t count = 0;
    DUNLIN_FIELDS(count)
};

std::int32_t run_nothing(void* /*self*/, const dunlin_host* /*host*/, dunlin_call* /*call*/,
                         const std::uint8_t* /*payload*/, std::size_t /*payload_size*/) {
    return DUNLIN_DONE;
}

constexpr const char* page_schema =
    R"({"title":"page","type":"object","properties":{)"
    R"("visitor":{"type":"string"},"number":{"type":"integer"},"share":{"type":"number"},)"
    R"("maybe":{"anyOf":[{"type":"string"},{"type":"null"}]},"open":true,)"
    R"("next":{"$ref":"#"},"buyer":{"$ref":"#/$defs/buyer"},"lost":{"$ref":"#/$defs/none"}},)"
    R"("$defs":{"buyer":{"type":"object","properties":{"id":{"type":"integer"}}}}})";

/// A module with one function, right until a test makes it wrong.
struct description {
    dunlin_function function{};
    dunlin_state_type type = detail::state_type<visits>();
    dunlin_module_info info{};

    description() {
        function.name = "visit";
        function.run = &run_nothing;
        function.input_schema = page_schema;
        function.key_field = "visitor";
        function.space = "visitors";
        function.state = &type;
        function.state_access = DUNLIN_STATE_WRITE;
        info.struct_size = sizeof info;
        info.abi_version = DUNLIN_ABI_VERSION;
        info.function_stride = sizeof(dunlin_function);
        info.name = "site";
        info.function_count = 1;
    }
    description(const description&) = delete;
    description& operator=(const description&) = delete;

    result<loaded_module> read() {
        info.functions = &function;
        return read_module_info("x.so", &info);
    }
    std::string complaint() {
        const auto found = read();
        return found ? "" : found.error().detail;
    }
};

std::string test_module(const std::string& name) {
    return std::filesystem::canonical(DUNLIN_TEST_MODULES).string() + "/" + name + ".so";
}

actors::function_info with_state(const std::string& name, const dunlin_state_type& type,
                                 std::uint32_t mode, const std::string& space = "visitors") {
    actors::function_info made;
    made.name = name;
    made.space = space;
    made.state = &type;
    made.state_mode = mode;
    return made;
}

std::string settle_complaint(std::vector<loaded_module> modules) {
    const auto settled = settle_spaces(modules);
    return settled ? "" : settled.error().detail;
}

}  // namespace

TEST_CASE("what a function says of its key and its state is taken over") {
    description module;
    module.function.state_mode = DUNLIN_STATE_RELAXED;
    const auto read = module.read();
    REQUIRE(read);
    const auto& function = read->functions[0];
    CHECK(function.key_field == "visitor");
    CHECK(function.space == "visitors");
    CHECK(function.state == &module.type);
    CHECK(function.writes_state);
    CHECK(function.state_mode == DUNLIN_STATE_RELAXED);
    CHECK(function.keyed());
    module.function.state_access = DUNLIN_STATE_READ;
    CHECK_FALSE(module.read()->functions[0].writes_state);
}

TEST_CASE("a function may take turns without state, and be called with keys without turns") {
    description module;
    module.function.state = nullptr;
    module.function.state_access = 0;
    auto read = module.read();
    REQUIRE(read);
    CHECK(read->functions[0].keyed());
    CHECK(read->functions[0].state == nullptr);
    module.function.space = nullptr;
    read = module.read();
    REQUIRE(read);
    CHECK_FALSE(read->functions[0].keyed());
    CHECK(read->functions[0].key_field == "visitor");
}

TEST_CASE("an older module, whose functions end before their keys, is read by its stride") {
    constexpr std::size_t stride = offsetof(dunlin_function, key_field);
    description module;
    // Exactly as large as it says, so that a sanitizer sees a look behind it.
    const std::unique_ptr<std::byte[]> functions(new std::byte[stride]);
    std::memcpy(functions.get(), &module.function, stride);
    module.info.function_stride = stride;
    module.info.functions = reinterpret_cast<const dunlin_function*>(functions.get());
    const auto read = read_module_info("x.so", &module.info);
    REQUIRE(read);
    CHECK(read->functions[0].key_field.empty());
    CHECK_FALSE(read->functions[0].keyed());
    CHECK(read->functions[0].state == nullptr);
}

TEST_CASE("a newer module's type of state is larger than this build knows it") {
    struct larger {
        dunlin_state_type type;
        const char* later = "a field that this build does not know";
    };
    description module;
    module.type.struct_size = sizeof(larger);
    const larger type{module.type};
    module.function.state = &type.type;
    CHECK(module.complaint().empty());
}

TEST_CASE("a key that no input can have is refused with field and function") {
    const std::pair<const char*, std::string> cases[] = {
        {"visitor", ""},
        {"number", ""},
        {"open", ""},
        {"open.more", ""},
        {"next.next.visitor", ""},
        {"buyer.id", ""},
        {"lost.id", ""},
        {"visiter", "its key_field 'visiter' is no field of its input's schema"},
        {"buyer.name", "its key_field 'buyer.name' is no field of its input's schema"},
        {"visitor.id", "its key_field 'visitor.id' is in no object of its input's schema"},
        {"share",
         "its key_field 'share' is neither text nor bytes nor an integer, says its input's schema"},
        {"maybe",
         "its key_field 'maybe' is neither text nor bytes nor an integer, says its input's schema"},
        {"buyer",
         "its key_field 'buyer' is neither text nor bytes nor an integer, says its input's schema"},
        {"", "its key_field is empty; NULL has callers give the key"},
    };
    for (const auto& [path, why] : cases) {
        description module;
        module.function.key_field = path;
        CHECK(module.complaint() ==
              (why.empty()
                   ? ""
                   : "module x.so describes keys and state of its function visit wrongly: " + why));
    }
    description module;
    const std::string long_path(256, 'a');
    module.function.key_field = long_path.c_str();
    CHECK_THAT(module.complaint(), Catch::EndsWith("its key_field is longer than 255 bytes"));
    // A schema that says nothing, or cannot be read, leaves it open.
    for (const char* schema : {static_cast<const char*>(nullptr), "true", "{", "{\"$ref\":5}",
                               R"({"$ref":"#"})", R"({"type":"object"})"}) {
        description open;
        open.function.input_schema = schema;
        CHECK(open.complaint().empty());
    }
}

TEST_CASE("a description of state that is incomplete or makes no sense is refused") {
    const std::pair<void (*)(description&), std::string> cases[] = {
        {[](auto& of) { of.function.space = "Visitors"; },
         "its space is 'Visitors'; a space's name is 1 to 64 characters"},
        {[](auto& of) { of.function.space = ""; }, "its space is ''; a space's name is"},
        {[](auto& of) { of.function.space = nullptr; },
         "it has state, but no space to keep it in (space is NULL)"},
        {[](auto& of) { of.function.state_access = 0; },
         "its state_access 0 is neither DUNLIN_STATE_READ nor DUNLIN_STATE_WRITE"},
        {[](auto& of) { of.function.state_access = 3; }, "its state_access 3 is neither"},
        {[](auto& of) { of.function.state = nullptr; },
         "it says how it uses its state, but has none"},
        {[](auto& of) {
             of.function.state = nullptr;
             of.function.state_access = 0;
             of.function.state_mode = DUNLIN_STATE_DURABLE;
         },
         "it says how its state is kept, but has none"},
        {[](auto& of) { of.function.state_mode = 4; },
         "its state_mode 4 is none of DUNLIN_STATE_DURABLE, _RELAXED and _EPHEMERAL"},
        {[](auto& of) { of.type.struct_size = 24; },
         "its type of state describes itself in 24 bytes, but ABI version 1 takes at least"},
        {[](auto& of) { of.type.create = nullptr; },
         "its type of state has no code for create (create is NULL)"},
        {[](auto& of) { of.type.destroy = nullptr; }, "its type of state has no code for destroy"},
        {[](auto& of) { of.type.has_value = nullptr; }, "no code for has_value"},
        {[](auto& of) { of.type.reset = nullptr; }, "no code for reset"},
        {[](auto& of) { of.type.decode = nullptr; }, "no code for decode"},
        {[](auto& of) { of.type.encode = nullptr; }, "no code for encode"},
        {[](auto& of) { of.type.assign = nullptr; }, "no code for assign"},
        {[](auto& of) { of.type.memory_bytes = nullptr; }, "no code for memory_bytes"},
    };
    for (const auto& [spoil, why] : cases) {
        description module;
        spoil(module);
        CHECK_THAT(module.complaint(),
                   Catch::StartsWith(
                       "module x.so describes keys and state of its function visit wrongly: ") &&
                       Catch::Contains(why));
    }
}

TEST_CASE("a space has the mode that one of its functions says, and is durable if none does") {
    const auto& type = detail::state_type<visits>();
    std::vector<loaded_module> modules{
        {"a", "", "/a.so", {with_state("a/one", type, 0), with_state("a/two", type, 0, "others")}},
        {"b", "", "/b.so", {with_state("b/one", type, DUNLIN_STATE_EPHEMERAL), {}}},
        {"c", "", "/c.so", {with_state("c/one", type, DUNLIN_STATE_EPHEMERAL)}}};
    REQUIRE(settle_spaces(modules));
    CHECK(modules[0].functions[0].state_mode == DUNLIN_STATE_EPHEMERAL);
    CHECK(modules[0].functions[1].state_mode == DUNLIN_STATE_DURABLE);
    CHECK(modules[1].functions[0].state_mode == DUNLIN_STATE_EPHEMERAL);
    CHECK(modules[1].functions[1].state_mode == 0);  // it has no state
}

TEST_CASE("modules that mean different state by one space are refused with both functions") {
    const auto& type = detail::state_type<visits>();
    const auto& other = detail::state_type<std::uint64_t>();
    CHECK(settle_complaint({{"a", "", "/a.so", {with_state("a/one", type, 0)}},
                            {"b", "", "/b.so", {with_state("b/one", other, 0)}}}) ==
          "module /b.so keeps state in space visitors of another type (b/one) than module /a.so "
          "does (a/one): a space has one type of state; name another space for one of them, or let "
          "both modules have the type's present version");
    CHECK(settle_complaint({{"a",
                             "",
                             "/a.so",
                             {with_state("a/one", type, DUNLIN_STATE_DURABLE),
                              with_state("a/two", type, DUNLIN_STATE_RELAXED)}}}) ==
          "module /a.so keeps state in space visitors in another way (a/two) than for a/one: that "
          "one is durable, this one relaxed; all functions of a space say the same, or nothing");
    // The same type of two modules, and one that tells no schema.
    dunlin_state_type twin = type;
    const std::string schema = twin.schema;
    twin.schema = schema.c_str();
    dunlin_state_type silent = other;
    silent.schema = nullptr;
    CHECK(settle_complaint({{"a", "", "/a.so", {with_state("a/one", silent, 0)}},
                            {"b", "", "/b.so", {with_state("b/one", type, 0)}},
                            {"c", "", "/c.so", {with_state("c/one", twin, 0)}}})
              .empty());
}

// -- modules in files of their own, from tests/support/modules ----------------------------------

TEST_CASE("modules with state are loaded, with the modes of their spaces") {
    const testing::fake_host host;
    const std::vector<std::string> files{test_module("visits"), test_module("state_c")};
    const auto loaded = load_modules(files, *host.abi());
    REQUIRE(loaded);
    const auto& cpp = loaded->at(0).functions;
    REQUIRE(cpp.size() == 8);
    CHECK(cpp[0].key_field == "visitor");
    CHECK(cpp[0].space == "visitors");
    CHECK(cpp[0].writes_state);
    CHECK(cpp[0].state_mode == DUNLIN_STATE_RELAXED);  // as another function says
    CHECK_FALSE(cpp[1].writes_state);
    CHECK(cpp[2].key_field.empty());
    CHECK(cpp[2].state_mode == DUNLIN_STATE_DURABLE);
    CHECK_FALSE(cpp[3].writes_state);
    CHECK(cpp[4].writes_state);
    CHECK(cpp[5].keyed());
    CHECK(cpp[5].state == nullptr);
    const auto& c = loaded->at(1).functions;
    REQUIRE(c.size() == 3);
    CHECK(c[0].space == "numbers");
    CHECK(c[0].writes_state);
    CHECK(c[1].state_mode == DUNLIN_STATE_RELAXED);
    CHECK(c[1].state == c[0].state);
}

TEST_CASE("two modules that keep different state in one space are not loaded together") {
    const testing::fake_host host;
    const std::vector<std::string> files{test_module("visits"), test_module("visits_twice")};
    const auto loaded = load_modules(files, *host.abi());
    REQUIRE_FALSE(loaded);
    CHECK_THAT(loaded.error().detail,
               Catch::StartsWith("module " + files[1] +
                                 " keeps state in space counters of another "
                                 "type (visits_twice/decrement) than module " +
                                 files[0] + " does (visits/increment): "));
}

TEST_CASE("a module in C keeps its state through the border") {
    testing::fake_host host;
    const auto loaded = load_module(test_module("state_c"), *host.abi());
    REQUIRE(loaded);
    const auto function_of = [&](std::size_t place) {
        const auto& info = loaded->functions[place];
        dunlin_function raw{};
        raw.self = info.self;
        raw.run = info.run;
        raw.space = info.space.c_str();
        raw.state = info.state;
        raw.state_access = info.writes_state ? DUNLIN_STATE_WRITE : DUNLIN_STATE_READ;
        return raw;
    };
    const auto answer = [&](std::size_t place, const std::string& key) {
        auto& call = host.prepare(nullptr);
        call.key = key;
        const auto function = function_of(place);
        return host.start(function, call).reply<std::optional<std::uint64_t>>().value();
    };
    CHECK(answer(1, "k") == std::nullopt);
    CHECK(answer(0, "k") == 1U);
    CHECK(answer(0, "k") == 2U);
    CHECK(answer(0, "other") == 1U);
    CHECK(answer(1, "k") == 2U);
    CHECK(answer(2, "k") == std::nullopt);
    CHECK(answer(1, "k") == std::nullopt);
    auto& object = host.states.of(function_of(0), "k");
    CHECK(object.load(encode("text")) == "expected a msgpack integer of eight bytes");
    host.forget_state();
    CHECK(host.start(function_of(0), host.prepare(nullptr)).detail ==
          "this node is older than state");
    CHECK(host.violations.empty());
}
