// SPDX-License-Identifier: Apache-2.0
#include "tests/support/allocations.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/module_harness.hpp"

#include <dunlin/function.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

struct page {
    std::string url;
    std::string text;
    DUNLIN_FIELDS(url, text)
    DUNLIN_REQUIRED(url)
};

std::uint64_t length(const page& p) { return p.text.size(); }
int next(int n) noexcept { return n + 1; }
std::string hello() { return "hello"; }
std::string moved(std::string&& text) { return std::move(text) + "!"; }
bytes_view middle(bytes_view whole) { return whole.subspan(1, whole.size() - 2); }
void nothing(const page&) {}
std::uint64_t id(context& ctx) { return ctx.invocation_id(); }
int next_with(int n, context&) { return n + 1; }

result<int> positive(int n) {
    if (n < 0) return error{errc::invalid_argument, "negative numbers have no place here"};
    if (n == 0) return {errc::conflict, {}};
    return n;
}
result<void> allow(int n) {
    if (n != 1) return error{errc::permission_denied, "only 1"};
    return {};
}

struct adder {
    int by = 0;
    int operator()(int n) const { return n + by; }
};

struct nameless : std::exception {
    const char* what() const noexcept override { return ""; }
};

int throws(int how) {
    switch (how) {
        case 0: throw std::runtime_error("the file is gone");
        case 1: throw call_error({errc::not_found, "no such page"});
        case 2: throw 42;
        case 3: throw nameless();
        default: return result<int>(errc::conflict, "someone was first").value();
    }
}

std::vector<int> too_many(int n) { return std::vector<int>(static_cast<std::size_t>(n), 1); }

void describe(module_builder& m) {
    m.function("length", length);
    m.function("next", next);
    m.function("hello", hello);
    m.function("moved", moved);
    m.function("middle", middle);
    m.function("nothing", nothing);
    m.function("id", id);
    m.function("next_with", next_with);
    m.function("positive", positive);
    m.function("allow", allow);
    m.function("adder", adder{5});
    m.function("lambda",
               [word = std::string("captured")](int n) { return word + " " + std::to_string(n); });
    m.function("wrapped", std::function<int(int)>(next));
    m.function("throws", throws);
    m.function("echo", [](const raw& any) { return any; });
    m.function("too_many", too_many);
}

}  // namespace

TEST_CASE("a function takes and gives values in every form that C++ has") {
    module_harness m(describe);
    CHECK(m.run("length", page{"u", "four"}).reply<std::uint64_t>().value() == 4);
    CHECK(m.run("next", 1).reply<int>().value() == 2);
    CHECK(m.run("moved", "text").reply<std::string>().value() == "text!");
    CHECK(as_text(m.run("middle", "[content]").reply<bytes>().value()) == "content");
    CHECK(m.run("id", nullptr).reply<std::uint64_t>().value() == 7);
    CHECK(m.run("next_with", 1).reply<int>().value() == 2);
    CHECK(m.run("positive", 3).reply<int>().value() == 3);
    CHECK(m.run("adder", 3).reply<int>().value() == 8);
    CHECK(m.run("lambda", 3).reply<std::string>().value() == "captured 3");
    CHECK(m.run("wrapped", 3).reply<int>().value() == 4);
}

TEST_CASE("a function without output answers nil") {
    module_harness m(describe);
    CHECK(m.run("nothing", page{"u", ""}).reply<std::monostate>());
    CHECK(m.run("allow", 1).reply<std::monostate>());
}

TEST_CASE("a function without input takes whatever is sent, even nothing") {
    module_harness m(describe);
    CHECK(m.run("hello", nullptr).reply<std::string>().value() == "hello");
    CHECK(m.run("hello", std::vector<int>{1}).reply<std::string>().value() == "hello");
    fake_call& empty = m.host.prepare_raw(bytes{});
    CHECK(m.host.start(m["hello"], empty).reply<std::string>().value() == "hello");
}

TEST_CASE("a payload of any type is given back byte for byte") {
    module_harness m(describe);
    for (const std::string& payload :
         {std::string("\xd3\0\0\0\0\0\0\0\x01", 9), std::string("\xc0"),
          std::string("\x82\x01\x02\xa1k\x90"), std::string("\xd6\xff\1\2\3\4")}) {
        fake_call& call = m.host.start(m["echo"], m.host.prepare_raw(bytes(payload)));
        CHECK(as_text(call.output.view()) == payload);
    }
}

TEST_CASE("a payload that does not fit is refused before the function runs") {
    module_harness m(describe);
    const auto refused = m.run("length", std::map<std::string, int>{{"url", 5}}).reply<int>();
    CHECK(refused.error() ==
          error{errc::invalid_argument, "page.url: expected string, got integer 5"});
    const auto missing =
        m.run("length", std::map<std::string, std::string>{{"text", "t"}}).reply<int>();
    CHECK(missing.error() ==
          error{errc::invalid_argument, "page: required field \"url\" is missing"});
    CHECK(m.run("next", "one").reply<int>().error() ==
          error{errc::invalid_argument,
                "payload: expected integer from -2147483648 to 2147483647, got string \"one\""});
    fake_call& empty = m.host.start(m["next"], m.host.prepare_raw(bytes{}));
    CHECK(empty.detail ==
          "payload: expected integer from -2147483648 to 2147483647, but the payload is empty");
    fake_call& garbage =
        m.host.start(m["echo"], m.host.prepare_raw(bytes(std::string_view("\xc1"))));
    CHECK(garbage.detail == "payload: expected a value, got a byte that msgpack does not use");
}

TEST_CASE("what a function throws reaches the caller as failed, with its message") {
    module_harness m(describe);
    const auto thrown = [&](int how) { return m.run("throws", how).reply<int>().error(); };
    CHECK(thrown(0) == error{errc::failed, "the file is gone"});
    CHECK(thrown(1) == error{errc::failed, "no such page"});
    CHECK(thrown(2) ==
          error{errc::failed, "the function threw something that is not a std::exception"});
    CHECK(thrown(3) == error{errc::failed, "the function threw an exception without a message"});
    CHECK(thrown(4) == error{errc::failed, "someone was first"});
}

TEST_CASE("an error that a function returns reaches the caller as failed, with its message") {
    module_harness m(describe);
    CHECK(m.run("positive", -1).reply<int>().error() ==
          error{errc::failed, "negative numbers have no place here"});
    CHECK(m.run("positive", 0).reply<int>().error() == error{errc::failed, "conflict"});
    CHECK(m.run("allow", 2).reply<int>().error() == error{errc::failed, "only 1"});
}

TEST_CASE("a reply beyond the limit is an error and not a cut reply") {
    module_harness m(describe);
    fake_call& call = m.host.prepare(5000);
    call.output = wire::frame_buffer(1000);
    CHECK(m.host.start(m["too_many"], call).reply<int>().error() ==
          error{errc::failed, "the encoded value is larger than the limit on payloads"});
}

TEST_CASE("a plain function allocates nothing and asks the host for its output alone") {
    module_harness m(describe);
    for (const char* name : {"next", "next_with", "middle", "echo"}) {
        const std::string_view function = name;
        fake_call& call =
            function.starts_with("next") ? m.host.prepare(300) : m.host.prepare("some text");
        static_cast<void>(call.output.reserve(64));
        const dunlin_function& entry = m[function];
        const std::size_t before = allocation_count();
        m.host.start(entry, call);
        const std::size_t allocated = allocation_count() - before;
        INFO(function);
        CHECK(allocated == 0);
        CHECK(call.touches == 1);
        CHECK_FALSE(call.failed);
    }
}
