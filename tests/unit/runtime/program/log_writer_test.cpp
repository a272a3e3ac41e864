// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/log_writer.hpp"

#include "runtime/log.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/no_more_threads.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

using namespace dunlin::program;
using namespace std::chrono_literals;

namespace {

/// Standard error of somebody who reads only when told to.
struct pipe_ends {
    pipe_ends() {
        REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
        REQUIRE(::fcntl(fds[1], F_SETPIPE_SZ, 4096) >= 4096);
    }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;
    ~pipe_ends() {
        close_reader();
        ::close(fds[1]);
    }
    void close_reader() {
        if (fds[0] >= 0) ::close(std::exchange(fds[0], -1));
    }
    void read_more(std::string& text) const {
        std::array<char, 65536> part{};
        pollfd ready{fds[0], POLLIN, 0};
        if (::poll(&ready, 1, 30'000) != 1) FAIL("nothing more came after " << text.size());
        const auto size = ::read(fds[0], part.data(), part.size());
        REQUIRE(size > 0);
        text.append(part.data(), static_cast<std::size_t>(size));
    }
    /// What comes until `last` does.
    std::string read_until(std::string_view last) const {
        std::string text;
        while (text.find(last) == std::string::npos) read_more(text);
        return text;
    }
    std::array<int, 2> fds{-1, -1};
};

std::string missing(std::uint64_t lines) { return "missing " + std::to_string(lines) + "\n"; }

std::uint64_t dropped() { return dunlin::runtime::log_counted().lines_dropped.load(); }

std::string numbered(int i) { return "line " + std::to_string(i) + std::string(90, '.') + "\n"; }

struct told {
    int next = 0;  // the number of the line that comes next
    std::uint64_t missing = 0;
    bool in_order = true;
};

/// What a text of numbered lines and notices tells, as far as its lines are whole.
told read_lines(const std::string& text) {
    told all;
    std::size_t begin = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
        const auto line = text.substr(begin, end + 1 - begin);
        begin = end + 1;
        if (line.starts_with("missing ")) {
            const auto count = std::stoi(line.substr(8));
            all.missing += static_cast<std::uint64_t>(count);
            all.next += count;
        } else {
            all.in_order = all.in_order && line == numbered(all.next++);
        }
    }
    return all;
}

}  // namespace

TEST_CASE("the newest log lines are dropped until those before them are taken") {
    log_backlog backlog(8);
    std::string batch = "old";
    CHECK(backlog.empty());
    CHECK(backlog.add("abc\n"));
    CHECK(backlog.add("def\n"));
    CHECK_FALSE(backlog.add("g\n"));
    CHECK(backlog.take(batch) == 1);
    CHECK(batch == "abc\ndef\n");
    CHECK(backlog.empty());
    CHECK(backlog.add("abcdef\n"));
    CHECK_FALSE(backlog.add("hi\n"));
    CHECK_FALSE(backlog.add("\n"));  // there is room, but one before it is missing
    CHECK(backlog.take(batch) == 2);
    CHECK(batch == "abcdef\n");
    CHECK(backlog.take(batch) == 0);
    CHECK(batch.empty());
}

TEST_CASE("log lines that nobody reads hold nobody up, and their number is said in their place") {
    pipe_ends ends;
    const auto before = dropped();
    constexpr std::size_t backlog_bytes = 10'000;
    log_writer writer(ends.fds[1], missing, backlog_bytes);
    int written = 0;
    while (dropped() == before && written < 100'000) writer.write(numbered(written++));
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i) writer.write(numbered(written++));
    CHECK(std::chrono::steady_clock::now() - began < 10s);
    const auto lost = dropped() - before;
    // When the first was dropped the thread may not have taken those before it yet; then as many
    // fit once more.
    CHECK(lost >= 1000 - backlog_bytes / numbered(0).size());
    CHECK_FALSE(writer.drain(20ms));

    std::string text;
    auto seen = read_lines(text);
    for (; seen.next < written; seen = read_lines(text)) ends.read_more(text);
    CHECK(seen.in_order);
    CHECK(seen.next == written);
    CHECK(seen.missing == lost);
    CHECK(writer.drain(30s));
    writer.write("after\n");
    CHECK(ends.read_until("after\n") == "after\n");
    CHECK(writer.drain(30s));
}

TEST_CASE("log lines to a reader that went away are counted, and nothing waits for it") {
    pipe_ends ends;
    const auto before = dropped();
    log_writer writer(ends.fds[1], missing);
    ends.close_reader();
    writer.write("nobody\nreads this\n");
    CHECK(writer.drain(30s));
    CHECK(dropped() == before + 2);
}

TEST_CASE("without a thread for them, log lines are written at once as far as there is room") {
    pipe_ends ends;
    const auto before = dropped();
    log_writer writer(ends.fds[1], missing);
    {
        const dunlin::testing::no_more_threads full;
        writer.write("first\n");
        CHECK(writer.drain(0ms));
        CHECK(ends.read_until("\n") == "first\n");
        for (int i = 0; i < 200; ++i) writer.write(numbered(i));
        CHECK(writer.drain(0ms));
        CHECK(dropped() > before);
    }
    writer.write("last\n");
    CHECK(ends.read_until("last\n").ends_with("last\n"));  // what is in the pipe comes first
    CHECK(writer.drain(30s));
}
