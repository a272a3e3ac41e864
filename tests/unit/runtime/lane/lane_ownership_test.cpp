// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/lane_ownership.hpp"

#include "tests/support/actor_harness.hpp"
#include "tests/support/catch.hpp"

#include <future>
#include <vector>

using namespace dunlin;
using runtime::lane_ownership;
using runtime::lane_thread;

namespace {

/// A lane whose threads run one function each and then look whether they still have the lane.
struct owned_lane {
    testing::actor_harness harness;
    actors::pool& pool =
        harness.make_pool(harness.function("test/holds", [](testing::call_view) { return 0; }));
    actors::fair_jobs ready{actors::limits::lane_debt_ns_max};
    support::counter takeovers;
    /// One for each thread: it is in user code; it may come back.
    std::vector<std::promise<std::uint64_t>> entered = std::vector<std::promise<std::uint64_t>>(2);
    std::vector<std::promise<void>> back = std::vector<std::promise<void>>(2);
    std::vector<std::promise<bool>> lost = std::vector<std::promise<bool>>(2);
    std::atomic<std::size_t> threads{0};
    lane_ownership ownership{[this] { return serve(); }, takeovers};

    bool serve() {
        const auto number = threads.fetch_add(1);
        lane_thread unit(harness.system(), ownership, ready);
        ownership.acquire(unit);
        unit.stir();
        bool mine = ownership.owned_here();
        unit.enter_user_code(pool);
        entered[number].set_value(ownership.phase());
        back[number].get_future().wait();
        unit.leave_user_code();
        mine = mine && ownership.owned_here() != unit.lost();
        lost[number].set_value(unit.lost() || !mine);
        if (unit.lost()) return false;
        ownership.release();
        return true;
    }
};

}  // namespace

TEST_CASE("a thread that comes back from user code in time still has its lane") {
    owned_lane lane;
    lane.ownership.start();
    const auto phase = lane.entered[0].get_future().get();
    CHECK((phase & 1) == 1);
    lane.back[0].set_value();
    CHECK_FALSE(lane.lost[0].get_future().get());
    lane.ownership.join();
    CHECK_FALSE(lane.ownership.started());
    CHECK((lane.ownership.phase() & 1) == 0);
    CHECK(lane.takeovers.get() == 0);
    CHECK(lane.ownership.threads_lost() == 0);
}

TEST_CASE("a lane that is held in user code goes to another thread, and the first one is lost") {
    owned_lane lane;
    lane.ownership.start();
    const auto phase = lane.entered[0].get_future().get();
    REQUIRE(lane.ownership.take_over(phase, 1'000'000));
    const auto next = lane.entered[1].get_future().get();
    CHECK(next > phase);
    CHECK(lane.takeovers.get() == 1);
    CHECK(lane.ownership.threads_lost() == 1);

    lane.back[0].set_value();
    CHECK(lane.lost[0].get_future().get());
    lane.back[1].set_value();
    CHECK_FALSE(lane.lost[1].get_future().get());
    lane.ownership.join();
    // The lost thread takes itself off when it has touched everything for the last time.
    while (lane.ownership.threads_lost() != 0) std::this_thread::yield();
    CHECK(lane.ready.empty());
}

TEST_CASE("a lane is taken over only in the user code that was seen to hold it") {
    owned_lane lane;
    lane.ownership.start();
    const auto phase = lane.entered[0].get_future().get();
    CHECK_FALSE(lane.ownership.take_over(phase - 1, 1'000'000));  // the lane's own code
    CHECK_FALSE(lane.ownership.take_over(phase - 2, 1'000'000));  // a function before this one
    CHECK_FALSE(lane.ownership.take_over(phase + 2, 1'000'000));
    CHECK(lane.ownership.threads_lost() == 0);
    CHECK(lane.threads == 1);
    lane.back[0].set_value();
    CHECK_FALSE(lane.lost[0].get_future().get());
    lane.ownership.join();
}

TEST_CASE("other threads do not own a lane, and its end is one for them too") {
    owned_lane lane;
    CHECK_FALSE(lane.ownership.started());
    lane_thread unit(lane.harness.system(), lane.ownership, lane.ready);
    CHECK_FALSE(lane.ownership.owned_here());
    lane.ownership.acquire(unit);
    CHECK(lane.ownership.owned_here());
    CHECK_FALSE(std::async(std::launch::async, [&] { return lane.ownership.owned_here(); }).get());
    lane.ownership.release();
    CHECK_FALSE(lane.ownership.owned_here());
}
