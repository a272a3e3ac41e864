// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/connection_table.hpp"

#include "runtime/lane/memory_budget.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <map>

using namespace dunlin::runtime;

namespace {

/// The kernel's counts, as a test wants them.
struct fake_kernel {
    std::map<int, traffic> of;

    void sweep(connection_table& table) {
        static_cast<void>(
            table.sweep(table.size(), [this](const accepted_connection& at, traffic& now) {
                now = of[at.fd];
                return true;
            }));
    }
};

constexpr std::int64_t second_ns = 1'000'000'000;

}  // namespace

TEST_CASE("what a connection has sent and the lane has not read is what the kernel counts more") {
    reply_budget replies(1 << 20);
    connection_table table(replies);
    fake_kernel kernel;
    auto& flood = table.accepted(7, 1, 0);
    kernel.of[7].received = 100'000;
    kernel.sweep(table);
    CHECK(flood.unread == 100'000);
    CHECK(table.unread() == 100'000);
    // Frames that the lane takes count with their heads, at once.
    CHECK(table.took(flood, 40'000 - 9));
    CHECK(flood.unread == 60'000);
    kernel.of[7].received = 110'000;
    kernel.sweep(table);
    CHECK(flood.unread == 70'000);
    CHECK(table.most_unread() == &flood);
}

TEST_CASE("what is no frame is forgiven once the lane has read all frames there were") {
    reply_budget replies(1 << 20);
    connection_table table(replies);
    fake_kernel kernel;
    auto& pings = table.accepted(7, 1, 0);
    for (int look = 0; look < 100; ++look) {
        kernel.of[7].received += 1000 + 102;  // pings of ZeroMQ's, and a frame
        static_cast<void>(table.took(pings, 100));
        kernel.sweep(table);
        table.saw_nothing();
    }
    CHECK(pings.unread < 3000);
}

TEST_CASE("parts of a message without an end are never forgiven") {
    reply_budget replies(1 << 20);
    connection_table table(replies);
    fake_kernel kernel;
    auto& endless = table.accepted(7, 1, 0);
    auto& other = table.accepted(8, 2, 0);
    for (int look = 0; look < 100; ++look) {
        kernel.of[7].received += 1000;
        kernel.of[8].received += 102;
        static_cast<void>(table.took(other, 100));  // the lane goes on, and sees no end of it
        kernel.sweep(table);
        table.saw_nothing();
    }
    CHECK(endless.unread == 100'000);
    CHECK(other.unread < 1000);
    CHECK(table.most_unread() == &endless);
    table.closed(endless);
    CHECK(table.unread() >= 100'000);  // until it has read what was whole of it
    table.saw_nothing();
    CHECK(table.unread() < 1000);
}

TEST_CASE("replies that a peer does not read count for its connection, whoever speaks on it") {
    reply_budget replies(1 << 20);
    connection_table table(replies);
    fake_kernel kernel;
    auto& deaf = table.accepted(7, 1, 0);
    deaf.unsent->add(600'000);
    kernel.of[7] = {0, 1000, false};
    connection_table::gave(deaf, 600'000);
    for (int small = 0; small < 500; ++small) connection_table::gave(deaf, 998);
    kernel.sweep(table);
    CHECK(connection_table::unsent_of(deaf) == 600'009 + 500 * (998 + 9) - 1000);
    CHECK(replies.bytes_held() == connection_table::unsent_of(deaf));
    CHECK(replies.over());
    // Given up: it is counted until it is gone, but nobody else has to go for it.
    deaf.ended = true;
    deaf.leaving = connection_table::unsent_of(deaf);
    replies.leaving(deaf.leaving);
    CHECK_FALSE(replies.over());
    CHECK(table.most_unsent() == nullptr);
    deaf.unsent->give_back(600'000);
    table.closed(deaf);
    CHECK(replies.bytes_held() == 0);
    CHECK_FALSE(replies.over());
}

TEST_CASE("connections that do not say hello are told once, the others never") {
    reply_budget replies(1 << 20);
    connection_table table(replies);
    auto* some_peer = reinterpret_cast<peer*>(&table);  // never looked into
    auto& silent = table.accepted(7, 1, 0);
    auto& spoke = table.accepted(8, 2, 0);
    static_cast<void>(table.accepted(9, 3, 0));
    table.spoken_for(spoke, some_peer, second_ns);
    table.closed(*table.find(9));
    static_cast<void>(table.accepted(9, 4, 5 * second_ns));  // another under its descriptor
    CHECK(table.without_speaker() == 2);
    std::vector<int> told;
    const auto tell = [&](accepted_connection& each) { told.push_back(each.fd); };
    table.speechless(second_ns, tell);
    CHECK(told == std::vector{silent.fd});
    table.speechless(second_ns, tell);
    CHECK(told.size() == 1);
    // A bye starts the clock anew.
    table.spoken_for(spoke, nullptr, 8 * second_ns);
    table.speechless(7 * second_ns, tell);
    CHECK(told == std::vector{7, 9});
    table.speechless(8 * second_ns, tell);
    CHECK(told == std::vector{7, 9, 8});
}

TEST_CASE("ten thousand connections that end at once are found one by one, not by looking at all") {
    reply_budget replies(1 << 20);
    connection_table table(replies);
    constexpr int count = 10'000;
    for (int fd = 0; fd < count; ++fd)
        static_cast<void>(table.accepted(fd, static_cast<std::uint64_t>(fd) + 1, 0));
    const auto began = std::chrono::steady_clock::now();
    for (int fd = 0; fd < count; ++fd) table.closed(*table.find(fd));
    const auto took = std::chrono::steady_clock::now() - began;
    CHECK(table.size() == 0);
    CHECK(table.without_speaker() == 0);
    // A look at all for each would be fifty million; this is some milliseconds.
    CHECK(took < std::chrono::milliseconds(200));
}

TEST_CASE("frames that lanes have not read leave less room for calls") {
    memory_budget frames(1000);
    using verdict = byte_shares::verdict;
    CHECK(frames.take(500, {}) == verdict::fits);
    frames.unread_changed(0, 370);
    CHECK(frames.take(20, {}) == verdict::fits);
    CHECK(frames.take(200, {}) == verdict::full);
    CHECK_FALSE(frames.unread_too_much(0));
    frames.unread_changed(370, 700);
    CHECK(frames.unread_too_much(0));
    CHECK_FALSE(frames.unread_too_much(200));
    frames.unread_changed(700, 0);
    CHECK(frames.bytes_unread() == 0);
}
