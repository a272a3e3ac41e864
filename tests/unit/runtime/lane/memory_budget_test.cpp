// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/memory_budget.hpp"

#include "runtime/lane/budgeted_frame.hpp"
#include "tests/support/catch.hpp"

#include <cstddef>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

using verdict = byte_shares::verdict;
constexpr std::size_t kib = std::size_t{1} << 10;

}  // namespace

TEST_CASE("what frames, replies and actors hold is one sum") {
    memory_budget budget(1000 * kib);
    reply_budget replies(500 * kib);
    budget.count(replies);
    CHECK(budget.take(100 * kib, {}) == verdict::fits);
    CHECK(budget.bytes_held() == 100 * kib);
    replies.add(200 * kib);
    budget.actor_memory().add(300 * kib);
    CHECK(budget.bytes_held() == 600 * kib);
    budget.unread_changed(0, 50 * kib);
    CHECK(budget.bytes_held() == 650 * kib);
    CHECK(budget.frames_held() == 100 * kib);
    // Each of them leaves less room to others.
    CHECK(budget.take(240 * kib, {}) == verdict::beyond_share);
    budget.give_back(240 * kib, nullptr);
    replies.give_back(200 * kib);
    CHECK(budget.take(240 * kib, {}) == verdict::fits);
    budget.actor_memory().give_back(300 * kib);
    budget.give_back(340 * kib, nullptr);
    budget.unread_changed(50 * kib, 0);
    CHECK(budget.bytes_held() == 0);
}

TEST_CASE("a caller that does not read its replies has used its share with them") {
    memory_budget budget(1000 * kib);
    reply_budget replies(500 * kib);
    budget.count(replies);
    const auto reads = budget.accounts().open(std::nullopt);
    const auto reads_not = budget.accounts().open(std::nullopt);
    unsent_frames unsent(replies);
    unsent.add(450 * kib);
    budget.actor_memory().add(370 * kib);
    CHECK(budget.take(20 * kib, {reads.get(), 1, nullptr}) == verdict::fits);
    CHECK(budget.take(20 * kib, {reads_not.get(), 1, &unsent}) == verdict::beyond_share);
    budget.give_back(20 * kib, reads.get());
    budget.give_back(20 * kib, reads_not.get());
    unsent.give_back(450 * kib);
}

TEST_CASE("the largest frame alone fits, whatever else is held by nobody's calls") {
    memory_budget budget(1000 * kib);
    CHECK(budget.take(1000 * kib, {}) == verdict::fits);
    budget.give_back(1000 * kib, nullptr);
    CHECK(budget.take(1000 * kib + 1, {}) == verdict::full);
    budget.give_back(1000 * kib + 1, nullptr);
}

TEST_CASE("a frame counts with what its calls take, for the caller that has said hello in it") {
    memory_budget budget(1000 * kib);
    const auto caller = budget.accounts().open(7);
    auto* frame = new budgeted_frame(zmq::message_t(100), budget);
    const auto alone = budget.frames_held();
    CHECK(alone > 100);
    CHECK(caller->held() == 0);
    frame->belongs_to({caller.get(), 1, nullptr});
    CHECK(caller->held() == alone);
    CHECK(frame->fits());
    {
        // One call was counted in advance.
        auto one = actors::bundle::create(1, *frame);
        (void)one->add();
        frame->carries(*one);
        CHECK(budget.frames_held() == alone);
        auto many = actors::bundle::create(64, *frame);
        for (int i = 0; i < 64; ++i) (void)many->add();
        frame->carries(*many);
        CHECK(budget.frames_held() > alone + 62 * sizeof(actors::invocation));
        CHECK(caller->held() == budget.frames_held());
        frame->release();
        CHECK(budget.frames_held() > alone);
    }
    CHECK(budget.frames_held() == 0);
    CHECK(caller->held() == 0);
}

TEST_CASE("a caller that leaves keeps its share until its frames are gone") {
    memory_budget budget(1000 * kib);
    auto caller = budget.accounts().open(7);
    auto* frame = new budgeted_frame(zmq::message_t(600 * kib), budget, {caller.get(), 1, nullptr});
    caller.reset();
    // Under another connection it is the same caller.
    caller = budget.accounts().open(7);
    CHECK(budget.take(250 * kib, {caller.get(), 1, nullptr}) == verdict::beyond_share);
    budget.give_back(250 * kib, caller.get());
    caller.reset();
    CHECK(budget.accounts().keys() == 1);
    frame->release();
    CHECK(budget.accounts().keys() == 0);
    CHECK(budget.frames_held() == 0);
}
