// SPDX-License-Identifier: Apache-2.0
#include "runtime/router/function_registry.hpp"

#include "actors/decision_log.hpp"
#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"

using namespace dunlin;
using namespace dunlin::runtime;
using namespace dunlin::testing;

namespace {

struct served {
    explicit served(actors::decision_log* decisions = nullptr) {
        auto env = h.env();
        env.decisions = decisions;
        for (const auto* name : {"text/count_words", "bench/echo", "bench/sleep"})
            functions.add(std::make_unique<actors::pool>(
                h.system(), env, h.function(name, [](call_view c) { return c.reply(""); }),
                actors::scale_settings{.max = 1}, 2));
    }
    ~served() {
        for (auto* pool : functions.pools()) pool->shut_down();
        h.run();
    }
    actor_harness h;
    function_registry functions;
};

}  // namespace

TEST_CASE("functions are found by their full name and listed in order") {
    served node;
    REQUIRE(node.functions.find("bench/echo") != nullptr);
    CHECK(node.functions.find("bench/echo")->info().name == "bench/echo");
    CHECK(node.functions.find("bench") == nullptr);
    CHECK(node.functions.find("") == nullptr);
    CHECK(node.functions.names() ==
          std::vector<std::string>{"bench/echo", "bench/sleep", "text/count_words"});
    CHECK(node.functions.pools().size() == 3);
}

TEST_CASE("an unknown function's error names the nearest one") {
    served node;
    const auto near = node.functions.unknown("bench/ehco");
    CHECK(near.code == errc::not_found);
    CHECK(near.detail == "no function bench/ehco on this node; did you mean bench/echo?");
}

TEST_CASE("an unknown function that resembles none is answered with where to look") {
    served node;
    CHECK(node.functions.unknown("zzzzzzzzzzzzzzzz/qqqqqqq").detail ==
          "no function zzzzzzzzzzzzzzzz/qqqqqqq on this node; `dunlin functions` lists those "
          "there are");
}

TEST_CASE("a node owns keys of its functions, and of each of their spaces once") {
    served node;
    CHECK(node.functions.owned_names() ==
          std::vector<std::string>{"bench/echo", "bench/sleep", "text/count_words"});
    for (const auto* name : {"site/visit", "site/show", "dunlin/own"}) {
        auto info = node.h.function(name, [](call_view c) { return c.reply(""); });
        info.module_name = std::string(name).substr(0, std::string_view(name).find('/'));
        info.space = "visitors";
        node.functions.add(std::make_unique<actors::pool>(
            node.h.system(), node.h.env(), std::move(info), actors::scale_settings{.max = 1}, 2));
    }
    CHECK(node.functions.owned_names() ==
          std::vector<std::string>{"bench/echo", "bench/sleep", "site/show", "site/visit",
                                   "text/count_words", "space:visitors"});
}
