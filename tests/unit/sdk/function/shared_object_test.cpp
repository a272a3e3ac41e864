// SPDX-License-Identifier: Apache-2.0
//
// Modules as shared objects, through the one symbol they export. Needs tests/support/modules.
#include "test_paths.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_host.hpp"

#include <dlfcn.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using namespace std::chrono_literals;

namespace {

/// A module from the test modules' folder, loaded until the program ends.
struct shared_object {
    fake_host host;
    const dunlin_module_info* info = nullptr;

    explicit shared_object(const std::string& name) {
        const std::string path = std::string(DUNLIN_TEST_MODULES) + "/" + name + ".so";
        void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr) throw std::runtime_error(::dlerror());
        auto* const entry =
            reinterpret_cast<decltype(&dunlin_module)>(::dlsym(handle, "dunlin_module"));
        if (entry == nullptr) throw std::runtime_error(name + " exports no dunlin_module");
        info = entry(host.abi());
    }
    template <class In>
    fake_call& run(const char* name, const In& in) {
        return host.run(*find_function(*info, name), in);
    }
};

using object = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("a module in plain C serves calls") {
    shared_object m("plain_c");
    REQUIRE(m.info->error == nullptr);
    CHECK(std::string(m.info->name) == "plainc");
    for (const std::size_t size : {0u, 1u, 255u, 256u, 65536u}) {
        std::string text;
        for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i * 7);
        const auto reply = m.run("reverse", bytes(text)).reply<bytes>().value();
        CHECK(as_text(reply) == std::string(text.rbegin(), text.rend()));
    }
    CHECK(m.run("reverse", "text").reply<bytes>().error() ==
          error{errc::invalid_argument, "payload: expected binary"});
    CHECK(m.run("refuse", nullptr).reply<bytes>().error() ==
          error{errc::failed, "refused, in plain C"});
    CHECK(m.host.violations.empty());
}

TEST_CASE("a module in plain C may answer later") {
    shared_object m("plain_c");
    fake_call& call = m.run("nap", nullptr);
    m.host.advance(999us);
    CHECK_FALSE(call.answered);
    m.host.advance(1us);
    CHECK(call.reply<std::monostate>());
    fake_call& stopped = m.run("nap", nullptr);
    m.host.complete_error(0, errc::cancelled, "the node stops");
    CHECK(stopped.reply<std::monostate>().error() == error{errc::cancelled, "the node stops"});
    CHECK(m.host.violations.empty());
}

TEST_CASE("a reply of a C function that does not fit is an error") {
    shared_object m("plain_c");
    fake_call& call = m.host.prepare(bytes(std::string(5000, 'x')));
    call.output = wire::frame_buffer(1000);
    m.host.start(*find_function(*m.info, "reverse"), call);
    CHECK(call.detail == "the reply is larger than the limit");
}

TEST_CASE("modules that cannot set themselves up say why") {
    CHECK(std::string(shared_object("twice").info->error) == "function \"count\" is added twice");
    CHECK(std::string(shared_object("throws").info->error) == "the model file is missing");
    CHECK(shared_object("wrong_abi").info->abi_version != DUNLIN_ABI_VERSION);
    CHECK_THROWS_WITH(shared_object("no_symbol"), "no_symbol exports no dunlin_module");
}

TEST_CASE("the functions of the types module do what their names say") {
    shared_object m("types");
    REQUIRE(m.info->error == nullptr);
    CHECK(m.run("describe", object{{"url", "u"}, {"text", "t"}})
              .reply<std::map<std::string, raw>>()
              ->size() == 4);
    CHECK(m.run("describe", object{{"url", "u"}}).detail ==
          "page: required field \"text\" is missing");
    CHECK(m.run("area", std::tuple{2, std::map<std::string, int>{{"width", 2}, {"height", 3}}})
              .reply<double>()
              .value() == 6);
    CHECK(m.run("count_words", "a b a").reply<std::map<std::string, int>>()->at("a") == 2);
    CHECK(m.run("positive", 0).detail == "only positive numbers, please");
    CHECK(m.run("throw_number", nullptr).detail ==
          "the function threw something that is not a std::exception");

    fake_call& twice = m.run("next_twice", 1);
    m.host.complete(0, 2);
    m.host.complete(0, 3);
    CHECK(twice.reply<int>().value() == 3);
    fake_call& fan = m.run("fan_out", std::map<std::string, int>{{"calls", 3}});
    for (int i = 0; i < 3; ++i) m.host.complete(m.host.operations.size() - 1, i);
    CHECK(fan.reply<std::vector<int>>().value() == std::vector<int>{2, 1, 0});
    fake_call& late = m.run("throw_late", "too late");
    m.host.advance(1ms);
    CHECK(late.reply<int>().error() == error{errc::failed, "too late"});
    CHECK(m.host.violations.empty());
}
