// SPDX-License-Identifier: Apache-2.0
#include "runtime/unshared_spaces.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/state_harness.hpp"

#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

constexpr std::uint64_t shop_store = 77;
constexpr std::uint64_t other_store = 78;

cluster_member member(std::uint64_t instance, std::string name, std::uint64_t store,
                      const std::vector<std::string>& owned = {"space:visitors"}) {
    cluster_member made;
    made.instance = instance;
    made.name = std::move(name);
    made.store = store;
    made.serves = cluster::served_set::of(owned);
    return made;
}

// Why node a, which is the first of them, must not serve the space.
std::string why(std::vector<cluster_member> members) {
    const own_store own{members.front().instance, members.front().name, "RocksDB in x",
                        members.front().store};
    cluster_view view;
    view.members = std::move(members);
    return why_unshared("visitors", own, view);
}

}  // namespace

TEST_CASE("a space that one member serves may be used, whatever the others serve") {
    CHECK(why({member(1, "a", 0, {"site/visit", "space:visitors"}),
               member(2, "b", 0, {"site/visit"}), member(3, "c", 0, {"space:others"})})
              .empty());
}

TEST_CASE("members that share a store may all serve the space") {
    CHECK(why({member(1, "a", shop_store), member(2, "b", shop_store), member(3, "c", shop_store)})
              .empty());
}

TEST_CASE("a space that two members serve from stores of their own is refused at both") {
    const auto told = why({member(1, "a", 0), member(2, "b", 0)});
    CHECK_THAT(told,
               Catch::StartsWith("space visitors is served by node a from RocksDB in x and by "
                                 "node b from another store"));
    CHECK_THAT(told, Catch::Contains("--store postgres://..., or load the modules"));
    CHECK_THAT(why({member(2, "b", 0), member(1, "a", 0)}), Catch::Contains("by node a from"));
}

TEST_CASE("a space that members serve from different shared stores is refused at both") {
    CHECK_THAT(why({member(1, "a", shop_store), member(2, "b", other_store)}),
               Catch::Contains("give all of them the same --store"));
    CHECK_THAT(why({member(2, "b", other_store), member(1, "a", shop_store)}),
               Catch::Contains("node a from another store"));
}

TEST_CASE(
    "a member with a store of its own gives way to those that share one, and not they to it") {
    CHECK(why({member(1, "a", shop_store), member(2, "b", 0), member(3, "c", shop_store)}).empty());
    const auto told = why({member(2, "b", 0), member(1, "a", shop_store), member(4, "d", 0)});
    CHECK_THAT(told, Catch::Contains("nodes a, d from other stores") &&
                         Catch::Contains("start node b with their --store"));
}

TEST_CASE("no more members are named than a sentence has room for") {
    CHECK_THAT(why({member(1, "a", 0), member(2, "b", 0), member(3, "c", 0), member(4, "d", 0),
                    member(5, "e", 0)}),
               Catch::Contains("nodes b, c, d, ... from other stores"));
}

TEST_CASE("a member that does not tell what it serves keeps no state") {
    CHECK(why({member(1, "a", 0), cluster_member{}}).empty());
}

namespace {

// Of node a, which has a store of its own: a durable space, and one that is in memory only.
struct two_spaces {
    testing::actor_harness h;
    actors::function_info stored = testing::keyed_function(
        h, "test/stored", [](testing::call_view c) { return c.reply(""); }, "visitors");
    actors::function_info cached = ephemeral();
    testing::manual_state state{{&stored, &cached}};
    given_up_spaces given_up;
    std::vector<std::string> told;

    actors::function_info ephemeral() {
        auto made = testing::keyed_function(
            h, "test/cached", [](testing::call_view c) { return c.reply(""); }, "cached");
        made.state_mode = DUNLIN_STATE_EPHEMERAL;
        return made;
    }
    // What is told when these are the members beside node a.
    std::vector<std::string> see(std::vector<cluster_member> others) {
        told.clear();
        const std::vector<std::string> owned{"space:visitors", "space:cached"};
        others.push_back(member(1, "a", 0, owned));
        for (auto& each : others) each.serves = cluster::served_set::of(owned);
        cluster_view view;
        view.members = std::move(others);
        refuse_unshared_spaces(state, {1, "a", "RocksDB in x", 0}, view, given_up,
                               [this](const std::string& space, const std::string& why) {
                                   told.push_back(space + (why.empty() ? " taken" : " refused"));
                               });
        return told;
    }
    [[nodiscard]] std::string refused() const { return state.space("visitors")->look().refused; }
};

using told = std::vector<std::string>;

}  // namespace

TEST_CASE("a space in memory only may be served by all, and each change is told once") {
    two_spaces s;
    CHECK(s.see({}).empty());
    CHECK(s.see({member(2, "b", 0)}) == told{"visitors refused"});
    CHECK(s.see({member(2, "b", 0), member(3, "c", 0)}).empty());
    CHECK_THAT(s.refused(), Catch::Contains("nodes b, c"));
    CHECK(s.see({}) == told{"visitors taken"});
    CHECK(s.refused().empty());
    CHECK(s.state.space("cached")->look().refused.empty());
}

TEST_CASE("who has met nodes that share a store serves their space no more") {
    two_spaces s;
    CHECK(s.see({member(2, "b", shop_store)}) == told{"visitors refused"});
    CHECK(s.given_up.contains("visitors"));
    CHECK(s.see({}).empty());
    CHECK_THAT(s.refused(), Catch::Contains("start node a with their --store"));
    CHECK(s.see({member(3, "c", 0)}).empty());
    CHECK_THAT(s.refused(), Catch::Contains("node b from another store"));
}
