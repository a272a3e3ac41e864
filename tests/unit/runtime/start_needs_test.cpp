// SPDX-License-Identifier: Apache-2.0
#include "runtime/start_needs.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/no_more_threads.hpp"

#include <dunlin/errc.hpp>

#include <sys/resource.h>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

node_config with_lanes(std::size_t lanes) {
    node_config config;
    config.lanes = lanes;
    config.scheduler_threads = 4;
    return config;
}

class fewer_descriptors {
public:
    explicit fewer_descriptors(rlim_t count) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit lower{count, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
    }
    fewer_descriptors(const fewer_descriptors&) = delete;
    fewer_descriptors& operator=(const fewer_descriptors&) = delete;
    ~fewer_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("what a node needs to start grows with its lanes, its key and its seeds") {
    const auto one = needs_of(with_lanes(1));
    const auto three = needs_of(with_lanes(3));
    CHECK(three.threads == one.threads + 6);
    CHECK(three.descriptors == one.descriptors + 40);
    auto more = with_lanes(1);
    more.key = "node.key";
    CHECK(needs_of(more).threads == one.threads + 1);
    CHECK(needs_of(more).descriptors > one.descriptors);
    more.join = {"tcp://127.0.0.1:1"};
    CHECK(needs_of(more).threads == one.threads + 3);
    CHECK(check_given(one));
}

TEST_CASE("a node that would get too few threads is told so before it has any") {
    const testing::no_more_threads exhausted;
    const auto given = check_given(needs_of(with_lanes(1)));
    REQUIRE_FALSE(given);
    CHECK(given.error().code == errc::unavailable);
    CHECK_THAT(given.error().detail,
               Catch::StartsWith("the node cannot start: it needs 13 threads and gets 0: "));
    CHECK_THAT(given.error().detail, Catch::Contains("ulimit -u"));
}

TEST_CASE("a node that would get too few descriptors is told so before it has any") {
    const fewer_descriptors limit(20);
    const auto given = check_given(needs_of(with_lanes(1)));
    REQUIRE_FALSE(given);
    CHECK(given.error().code == errc::unavailable);
    CHECK_THAT(given.error().detail, Catch::Contains("it needs 36 descriptors and gets "));
    CHECK_THAT(given.error().detail, Catch::Contains("ulimit -n"));
}

TEST_CASE("a node that would get too little address space is told so before it takes it") {
    auto needs = needs_of(with_lanes(1));
    needs.bytes = std::size_t{1} << 60;
    const auto given = check_given(needs);
    REQUIRE_FALSE(given);
    CHECK_THAT(given.error().detail, Catch::Contains("ulimit -v"));
}
