// SPDX-License-Identifier: Apache-2.0
#include "runtime/module_loader.hpp"

#include "test_paths.hpp"
#include "tests/support/catch.hpp"

#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

std::int32_t run_nothing(void* /*self*/, const dunlin_host* /*host*/, dunlin_call* /*call*/,
                         const std::uint8_t* /*payload*/, std::size_t /*payload_size*/) {
    return DUNLIN_DONE;
}

/// A module's description of itself, right until a test makes it wrong.
struct description {
    std::vector<dunlin_function> functions;
    dunlin_module_info info{};

    description() {
        add("one");
        add("two");
        info.struct_size = sizeof info;
        info.abi_version = DUNLIN_ABI_VERSION;
        info.function_stride = sizeof(dunlin_function);
        info.name = "good";
        info.version = "1.2";
    }
    void add(const char* name) {
        dunlin_function function{};
        function.name = name;
        function.flags = DUNLIN_IDEMPOTENT;
        function.run = &run_nothing;
        functions.push_back(function);
    }
    result<loaded_module> read() {
        if (info.functions == nullptr) info.functions = functions.data();
        if (info.function_count == 0) info.function_count = functions.size();
        return read_module_info("x.so", &info);
    }
    std::string complaint() {
        const auto read_result = read();
        return read_result ? "" : read_result.error().detail;
    }
};

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// Only looked at by modules that check whom they talk to; no test calls a function.
const dunlin_host& silent_host() {
    static const dunlin_host host = [] {
        dunlin_host made{};
        made.struct_size = sizeof made;
        made.abi_version = DUNLIN_ABI_VERSION;
        return made;
    }();
    return host;
}

std::string load_complaint(const std::string& path) {
    const auto loaded = load_module(path, silent_host());
    return loaded ? "" : loaded.error().detail;
}

std::string test_module(const std::string& name) {
    return std::filesystem::canonical(DUNLIN_TEST_MODULES).string() + "/" + name + ".so";
}

// A shared object that every process has and that is no module.
std::string path_of_libc() {
    std::string path;
    ::dl_iterate_phdr(
        [](dl_phdr_info* object, std::size_t, void* to) {
            const std::string name = object->dlpi_name;
            if (name.find("libc.so") != std::string::npos) *static_cast<std::string*>(to) = name;
            return 0;
        },
        &path);
    return path;
}

}  // namespace

TEST_CASE("a module's description is copied with full names") {
    description module;
    module.functions[1].description = "does nothing";
    module.functions[1].input_schema = R"({"type":"null"})";
    const auto read = module.read();
    REQUIRE(read);
    CHECK(read->name == "good");
    CHECK(read->version == "1.2");
    CHECK(read->path == "x.so");
    REQUIRE(read->functions.size() == 2);
    CHECK(read->functions[0].name == "good/one");
    CHECK(read->functions[0].module_name == "good");
    CHECK(read->functions[0].idempotent());
    CHECK(read->functions[1].name == "good/two");
    CHECK(read->functions[1].description == "does nothing");
    CHECK(read->functions[1].input_schema == R"({"type":"null"})");
    CHECK(read->functions[1].output_schema.empty());
    CHECK(read->functions[1].run == &run_nothing);
}

TEST_CASE("a newer module whose functions are larger is read by its stride") {
    struct larger {
        dunlin_function function{};
        const char* later = "a field that this build does not know";
    };
    std::vector<larger> functions(2);
    functions[0].function.name = "one";
    functions[1].function.name = "two";
    for (auto& each : functions) each.function.run = &run_nothing;
    description module;
    module.info.function_stride = sizeof(larger);
    module.info.functions = &functions[0].function;
    module.info.function_count = 2;
    const auto read = module.read();
    REQUIRE(read);
    CHECK(read->functions[1].name == "good/two");
}

TEST_CASE("an older module, whose functions end before their scaling, is read by its stride") {
    constexpr std::size_t stride = offsetof(dunlin_function, activations_min);
    // Exactly as large as it says, so that a sanitizer sees a look behind it.
    const std::unique_ptr<std::byte[]> functions(new std::byte[2 * stride]);
    description module;
    for (auto& each : module.functions) each.weight = 7;  // not among what is copied
    for (std::size_t i = 0; i < 2; ++i)
        std::memcpy(functions.get() + i * stride, &module.functions[i], stride);
    module.info.function_stride = stride;
    module.info.functions = reinterpret_cast<const dunlin_function*>(functions.get());
    module.info.function_count = 2;
    const auto read = module.read();
    REQUIRE(read);
    CHECK(read->functions[1].name == "good/two");
    CHECK(read->functions[1].scale == actors::scale_wishes{});
}

TEST_CASE("what a function says of its scaling is taken over, and nothing is not said") {
    description module;
    auto& one = module.functions[0];
    one.activations_min = 2;
    one.activations_max = 64;
    one.target_wait_ns = 5'000'999;
    one.idle_ns = 10'000'000'000;
    one.priority = DUNLIN_PRIORITY_HIGH;
    one.weight = 1000;
    const auto read = module.read();
    REQUIRE(read);
    const auto& said = read->functions[0].scale;
    CHECK(said.min == 2U);
    CHECK(said.max == 64U);
    CHECK(said.target_wait == std::chrono::milliseconds(5));
    CHECK(said.idle == std::chrono::seconds(10));
    CHECK(said.priority == actors::function_priority::high);
    CHECK(said.weight == 1000U);
    CHECK(read->functions[1].scale == actors::scale_wishes{});
}

TEST_CASE("a module that asks for an impossible scaling is refused with function and reason") {
    const std::pair<void (*)(dunlin_function&), const char*> cases[] = {
        {[](auto& f) { f.activations_min = 3, f.activations_max = 2; }, "min 3 is above max 2"},
        {[](auto& f) { f.activations_min = 131'073; },
         "min: 131073 is out of range; between 0 and 131072 is possible"},
        {[](auto& f) { f.activations_max = 0xffff'ffff; },
         "max: 4294967295 is out of range; between 1 and 131072 is possible"},
        {[](auto& f) { f.target_wait_ns = -1; },
         "target_wait: -1us is out of range; between 1us and 1h is possible"},
        {[](auto& f) { f.target_wait_ns = 3'600'000'001'000; }, "target_wait: 3600000001us is out"},
        {[](auto& f) { f.idle_ns = std::numeric_limits<std::int64_t>::min(); }, "idle: -"},
        {[](auto& f) { f.idle_ns = std::numeric_limits<std::int64_t>::max(); },
         "between 0s and 24h is possible"},
        {[](auto& f) { f.priority = 4; }, "priority: 4 is the number of no priority"},
        {[](auto& f) { f.weight = 1001; },
         "weight: 1001 is out of range; between 1 and 1000 is possible"},
    };
    for (const auto& [spoil, why] : cases) {
        description module;
        spoil(module.functions[1]);
        CHECK_THAT(module.complaint(), Catch::Matchers::StartsWith(
                                           "module x.so cannot have its function two scaled: ") &&
                                           Catch::Contains(why));
    }
}

TEST_CASE("a module of another ABI version is refused with both versions") {
    description module;
    module.info.abi_version = 7;
    module.info.struct_size = 16;  // nothing behind the version may be looked at
    CHECK(module.complaint() ==
          "module x.so was built for ABI version 7, but this node speaks version 1; rebuild it "
          "with the headers of this Dunlin");
}

TEST_CASE("a module whose sizes cannot be right is refused") {
    const std::pair<void (*)(dunlin_module_info&), const char*> cases[] = {
        {[](auto& info) { info.struct_size = 24; },
         "describes itself in 24 bytes, but ABI version 1 takes at least"},
        {[](auto& info) { info.struct_size = 0; }, "too few for any version of the ABI"},
        {[](auto& info) { info.function_stride = 16; }, "has functions of 16 bytes each"},
        {[](auto& info) { info.function_stride = sizeof(dunlin_function) + 1; },
         "set function_stride"},
        {[](auto& info) { info.function_count = std::size_t{1} << 40; },
         "says it exports 1099511627776 functions"},
    };
    for (const auto& [spoil, said] : cases) {
        description module;
        spoil(module.info);
        CHECK_THAT(module.complaint(), Catch::Contains(said));
    }
}

TEST_CASE("a module that could not set itself up is refused with its own words") {
    description module;
    module.info.error = "no licence file";
    CHECK(module.complaint() == "module x.so could not set itself up: no licence file");
}

TEST_CASE("a module without a proper name or functions is refused") {
    CHECK(read_module_info("x.so", nullptr).error().detail ==
          "module x.so returned NULL from dunlin_module");
    static const std::string longest(64, 'n');
    static const auto longer = longest + "m";
    const std::pair<void (*)(description&), std::string> cases[] = {
        {[](auto& of) { of.info.name = nullptr; },
         "names itself ''; a name is 1 to 64 characters of a-z, 0-9, '_', '-' and '.'"},
        {[](auto& of) { of.info.name = "a/b"; }, "names itself 'a/b'; a name is 1 to"},
        {[](auto& of) { of.info.name = "Text"; }, "names itself 'Text'; a name is 1 to"},
        {[](auto& of) { of.functions[1].name = longer.c_str(); },
         "names its function 1 '" + longer + "'; a name is 1 to"},
        {[](auto& of) { of.info.name = "dunlin"; },
         "names itself 'dunlin', which is kept for the node's own functions"},
        {[](auto& of) { of.functions.clear(); }, "exports no function"},
        {[](auto& of) { of.functions[1].name = nullptr; }, "names its function 1 ''; a name"},
        {[](auto& of) { of.functions[1].run = nullptr; },
         "gives no code for its function two (run is NULL)"},
    };
    for (const auto& [spoil, said] : cases) {
        description module;
        spoil(module);
        CHECK_THAT(module.complaint(), Catch::Matchers::StartsWith("module x.so " + said));
    }
    description module;
    module.functions[1].name = longest.c_str();
    CHECK(module.complaint().empty());
}

TEST_CASE("a module with two functions of one name is refused") {
    description module;
    module.add("one");
    CHECK(module.complaint() ==
          "module x.so exports two functions named good/one (number 0 and 2); rename one");
}

TEST_CASE("two modules of one name are refused with both files") {
    const loaded_module text{"text", "", "/a/text.so", {}};
    const loaded_module other{"other", "", "/a/other.so", {}};
    const loaded_module twin{"text", "", "/b/text.so", {}};
    CHECK(check_distinct(std::vector{text, other}));
    CHECK(check_distinct(std::vector{text, other, twin}).error().detail ==
          "two modules are named text: /a/text.so and /b/text.so; leave one out");
    CHECK(check_distinct(std::vector{text, text}).error().detail ==
          "module /a/text.so is given twice; load it once");
}

TEST_CASE("a file that is missing or no shared object is refused") {
    CHECK(load_complaint("/nonexistent/x.so") == "module: no such file: /nonexistent/x.so");
    std::string name = (std::filesystem::temp_directory_path() / "dunlin-not-so-XXXXXX").string();
    const int fd = ::mkstemp(name.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    std::ofstream(name) << std::string(4096, 'x');
    CHECK_THAT(
        load_complaint(name),
        Catch::Matchers::StartsWith("module " + name + " cannot be loaded as a shared object: "));
    std::filesystem::remove(name);
}

TEST_CASE("a shared object that is no module is refused") {
    const auto libc = path_of_libc();
    REQUIRE_FALSE(libc.empty());
    CHECK(load_complaint(libc) ==
          "module " + libc +
              " does not export dunlin_module; is it a Dunlin module? C++ modules write "
              "DUNLIN_MODULE(name, m), C modules define the function of dunlin/abi.h");
}

// -- modules in files of their own, from tests/support/modules
// --------------------------------------

TEST_CASE("a module written in plain C is loaded") {
    const auto loaded = load_module(test_module("plain_c"), silent_host());
    REQUIRE(loaded);
    CHECK(loaded->path == test_module("plain_c"));
    const auto& said = loaded->functions[0].scale;
    CHECK(said.min == 1U);
    CHECK(said.max == 64U);
    CHECK(said.target_wait == std::chrono::milliseconds(2));
    CHECK(said.idle == std::chrono::seconds(30));
    CHECK(said.priority == actors::function_priority::high);
    CHECK(said.weight == 3U);
    CHECK(loaded->functions[1].scale == actors::scale_wishes{});
    REQUIRE_FALSE(loaded->functions.empty());
    CHECK(loaded->functions.front().name.starts_with(loaded->name + "/"));
}

TEST_CASE("each bad module is refused with what is bad about it") {
    const auto complaint_about = [](const std::string& name) {
        const auto path = test_module(name);
        const auto complaint = load_complaint(path);
        CHECK(complaint.starts_with("module " + path + " "));
        return complaint.substr(std::min(complaint.size(), path.size() + 8));
    };
    CHECK(contains(complaint_about("wrong_abi"), "was built for ABI version"));
    CHECK(contains(complaint_about("no_symbol"), "does not export dunlin_module"));
    CHECK(contains(complaint_about("twice_c"), "exports two functions named"));
    CHECK(complaint_about("twice") == "could not set itself up: function \"count\" is added twice");
    // throws_in_global ends its process, so it is tested with one of its own.
    CHECK(complaint_about("throws") == "could not set itself up: the model file is missing");
}
