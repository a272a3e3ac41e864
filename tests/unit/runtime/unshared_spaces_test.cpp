// SPDX-License-Identifier: Apache-2.0
#include "runtime/unshared_spaces.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

cluster_member serving(std::string name, const std::vector<std::string>& owned) {
    cluster_member made;
    made.instance = name.size();
    made.name = std::move(name);
    made.serves = cluster::served_set::of(owned);
    return made;
}

}  // namespace

TEST_CASE("a space that one member serves may be used, whatever the others serve") {
    cluster_view view;
    view.members = {serving("a", {"site/visit", "space:visitors"}), serving("b", {"site/visit"}),
                    serving("c", {"space:others"})};
    CHECK(why_unshared("visitors", "RocksDB in x", view).empty());
}

TEST_CASE("a space that two members serve without a store in common is refused with their names") {
    cluster_view view;
    view.members = {serving("a", {"space:visitors"}), serving("b", {"space:visitors"})};
    const auto why = why_unshared("visitors", "RocksDB in x", view);
    CHECK(why.find("space visitors is served by 2 nodes (a, b)") == 0);
    CHECK(why.find("RocksDB in x") != std::string::npos);
    view.members = {serving("a", {"space:v"}), serving("b", {"space:v"}), serving("c", {"space:v"}),
                    serving("d", {"space:v"})};
    CHECK(why_unshared("v", "x", view).find("4 nodes (a, b, c, ...)") != std::string::npos);
}

TEST_CASE("a member that does not tell what it serves keeps no state") {
    cluster_view view;
    view.members = {serving("a", {"space:visitors"}), cluster_member{}};
    CHECK(why_unshared("visitors", "x", view).empty());
}
