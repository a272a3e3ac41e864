// SPDX-License-Identifier: Apache-2.0
#include "client/waiter.hpp"

#include "tests/support/catch.hpp"

#include <type_traits>

using namespace dunlin;
using namespace dunlin::link;

static_assert(!std::is_copy_constructible_v<waiter> && !std::is_copy_constructible_v<waiter_list>);

TEST_CASE("waiting threads are promoted oldest first, and leave the list from anywhere") {
    waiter a;
    waiter b;
    waiter c;
    waiter_list waiting;
    for (waiter* each : {&a, &b, &c}) waiting.push_back(*each);
    CHECK(waiter_list::remove(b));
    CHECK_FALSE(waiter_list::remove(b));
    CHECK(waiting.pop_front() == &a);
    CHECK_FALSE(waiter_list::remove(a));
    waiting.push_back(b);
    CHECK(waiting.pop_front() == &c);
    CHECK(waiting.pop_front() == &b);
    CHECK(waiting.pop_front() == nullptr);
}

TEST_CASE("a thread that is promoted and answered learns of the promotion first") {
    waiter w;
    CHECK(w.wait_until({}) == waiter::outcome::timed_out);
    w.promote();
    w.deliver(bytes());
    CHECK(w.answered());
    CHECK(w.wait_until({}) == waiter::outcome::promoted);
    CHECK(w.wait_until({}) == waiter::outcome::answered);
    CHECK(w.take());
}
