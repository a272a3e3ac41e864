// SPDX-License-Identifier: Apache-2.0
#include "client/call_book.hpp"

#include "fake_channel.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::link;
using namespace std::chrono_literals;
using dunlin::tests::fake_channel;

namespace {

const call_book::time_point start{1h};

std::vector<call_book::outcome> take_due(call_book& book) {
    std::vector<call_book::outcome> due;
    book.take_due(due);
    return due;
}

void keep_hello(call_book& book, call& open) {
    book.keep(open, "key", "trace",
              [](wire::frame_buffer& payload) { payload.append(as_bytes("hello")); });
}

}  // namespace

TEST_CASE("a settled call gives back its place on both connections, its bytes and its timers") {
    call_book book(10, 2, start);
    fake_channel first(1);
    fake_channel second(2);
    call& open = book.open("t/f", 1s);
    book.start(open, start);
    keep_hello(book, open);
    CHECK(book.kept_bytes() == 5);
    CHECK(open.kept->retries_left == 2);
    open.on = &first;
    open.kept->second = &second;
    first.in_flight = second.in_flight = 1;
    waiter own;
    waiter_list followers;
    open.sync = &own;
    followers.push_back(own);

    const auto id = open.id;
    book.settle(open);
    CHECK(book.find(id) == nullptr);
    CHECK(first.in_flight == 0);
    CHECK(second.in_flight == 0);
    CHECK(book.kept_bytes() == 0);
    CHECK(book.in_flight() == 0);
    CHECK(book.failures() == 0);
    CHECK(followers.pop_front() == nullptr);
    book.expire(start + 1h, [](const call&) { return error{errc::deadline_exceeded, "late"}; });
    CHECK_FALSE(book.any_due());
}

TEST_CASE("a call expires at its deadline and not before, once") {
    call_book book(10, 2, start);
    call& open = book.open("t/f", 50ms);
    book.start(open, start);
    const auto expire = [&](std::chrono::milliseconds after) {
        book.expire(start + after, [](const call& late) {
            return error{errc::deadline_exceeded, "no answer from " + late.function};
        });
        return take_due(book);
    };
    CHECK(book.next_deadline() <= start + 52ms);
    CHECK(expire(49ms).empty());
    const auto due = expire(52ms);
    REQUIRE(due.size() == 1);
    CHECK(due.front().to == &open);
    CHECK(due.front().why == error{errc::deadline_exceeded, "no answer from t/f"});
    CHECK(book.failures() == 1);
    CHECK(expire(1h).empty());
}

TEST_CASE("the slot of a call is used again once its answer was handed over, not before") {
    call_book book(10, 2, start);
    call& open = book.open("t/f", 1s);
    const auto id = open.id;
    book.settle(open);
    call& another = book.open("t/f", 1s);
    CHECK(&another != &open);
    book.delivered(open);
    book.recycle();
    call& third = book.open("t/g", 1s);
    CHECK(&third == &open);
    CHECK(third.id != id);
    CHECK(third.function == "t/g");
    CHECK_FALSE(third.keeps());
}

TEST_CASE("a slot keeps its name for the next call of that function, and for no other") {
    using name = call_book::name;
    call_book book(10, 2, start);
    CHECK(book.next_name("t/f") == name::other);
    call& open = book.open("t/f", 1s);
    CHECK(book.next_name("t/f") == name::other);  // the next slot is another
    CHECK(book.next_name("") == name::other);     // which was never used
    book.drop(open);
    CHECK(book.next_name("t/g") == name::other);
    CHECK(book.next_name("t/fg") == name::other);
    REQUIRE(book.next_name("t/f") == name::there);
    CHECK(book.open("t/f", 1s, name::there).function == "t/f");
    book.drop(open);
    CHECK(book.open("t/g", 1s, book.next_name("t/g")).function == "t/g");
}

TEST_CASE("the end of a client cancels every call that has no answer, once each") {
    call_book book(10, 2, start);
    call& answered = book.open("t/a", 1s);
    call& open = book.open("t/b", 1s);
    book.settle(answered);
    book.cancel_all();
    book.cancel_all();
    const auto due = take_due(book);
    REQUIRE(due.size() == 1);
    CHECK(due.front().to == &open);
    CHECK(due.front().why.code == errc::cancelled);
    CHECK(book.in_flight() == 0);
}

TEST_CASE("a call that is dropped or refused counts as failed and is not delivered") {
    call_book book(1, 2, start);
    call& open = book.open("t/f", 1s);
    CHECK(book.full());
    book.drop(open);
    book.refused();
    CHECK(book.failures() == 2);
    CHECK_FALSE(book.any_due());
    CHECK(&book.open("t/f", 1s) == &open);
}

TEST_CASE("payloads are kept as long as calls may be sent again and there is room") {
    call_book book(10, 2, start);
    CHECK(book.may_keep(call_book::kept_bytes_max));
    CHECK_FALSE(book.may_keep(call_book::kept_bytes_max + 1));
    keep_hello(book, book.open("t/f", 1s));
    CHECK_FALSE(book.may_keep(call_book::kept_bytes_max - 4));
    CHECK(book.may_keep(call_book::kept_bytes_max - 5));
    CHECK_FALSE(call_book(10, 0, start).may_keep(1));
}

TEST_CASE("the window does not shrink while a frame of answers is being handled") {
    call_book book(10, 2, start);
    call& first = book.open("t/f", 1s);
    static_cast<void>(book.open("t/f", 1s));
    book.frame_begins();
    book.settle(first);
    CHECK(book.in_flight() == 1);
    CHECK(book.window() == 2);
    book.frames_end();
    CHECK(book.window() == 1);
}
