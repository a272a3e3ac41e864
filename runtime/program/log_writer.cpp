// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/log_writer.hpp"

#include "runtime/log.hpp"
#include "support/signal_mask.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace dunlin::program {
namespace {

// A pipe that poll calls writable takes this much without waiting (PIPE_BUF on Linux). A larger
// write could wait for a reader that stopped, and then nothing could end this thread.
constexpr std::size_t bytes_a_write = 4096;
constexpr int look_again_ms = 100;

std::uint64_t lines_in(std::string_view text) {
    return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

void count_dropped(std::uint64_t lines) {
    runtime::log_counted().lines_dropped.fetch_add(lines, std::memory_order_relaxed);
}

}  // namespace

bool log_backlog::add(std::string_view line) {
    // Once one is missing, so are those behind it until the notice stands in their place.
    if (dropped_ != 0 || lines_.size() + line.size() > bytes_max_) {
        ++dropped_;
        return false;
    }
    lines_ += line;
    return true;
}

std::uint64_t log_backlog::take(std::string& batch) {
    batch.clear();
    batch.swap(lines_);
    return std::exchange(dropped_, 0);
}

// Shared with the thread, which is not waited for at the end: it may hang in a write to a device
// that takes nothing.
struct log_writer::state : std::enable_shared_from_this<log_writer::state> {
    state(int to, notice about, std::size_t bytes_max)
        : fd(to),
          about_dropped(std::move(about)),
          waiting(bytes_max) {}

    void add(std::string_view line);
    /// False when the machine has no thread for it.
    bool start() noexcept;
    void run();
    /// Waits for the reader until `closing`, or not at all.
    void write_out(std::string_view batch, bool waits);

    const int fd;
    const notice about_dropped;
    std::mutex mutex;
    std::condition_variable more;
    bool started = false;
    log_backlog waiting;
    std::atomic<bool> busy{false};  // something waits or is being written
    std::atomic<bool> closing{false};
};

// A node that logs nothing has no thread for it. And a healthy one has logged nothing before its
// modules are loaded, which is best done while there is no other thread.
bool log_writer::state::start() noexcept {
    try {
        const support::signals_blocked no_signals;
        std::thread([shared = shared_from_this()] { shared->run(); }).detach();
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

void log_writer::state::add(std::string_view line) {
    std::unique_lock lock(mutex);
    if (!waiting.add(line)) return count_dropped(1);
    busy.store(true, std::memory_order_relaxed);
    if (!started) started = start();
    if (started) return more.notify_one();
    // Then here and now, as far as there is room.
    std::string batch;
    static_cast<void>(waiting.take(batch));
    write_out(batch, false);
    busy.store(false, std::memory_order_release);
}

void log_writer::state::run() {
    std::string batch;
    std::unique_lock lock(mutex);
    for (;;) {
        if (waiting.empty()) busy.store(false, std::memory_order_release);
        more.wait(lock, [this] { return !waiting.empty() || closing.load(); });
        if (waiting.empty()) return;
        const auto dropped = waiting.take(batch);
        lock.unlock();
        if (dropped != 0) batch += about_dropped(dropped);
        write_out(batch, true);
        lock.lock();
    }
}

void log_writer::state::write_out(std::string_view batch, bool waits) {
    while (!batch.empty()) {
        pollfd ready{fd, POLLOUT, 0};
        if (::poll(&ready, 1, waits ? look_again_ms : 0) <= 0) {
            if (waits && !closing.load()) continue;
            return count_dropped(lines_in(batch));
        }
        const auto written = ::write(fd, batch.data(), std::min(batch.size(), bytes_a_write));
        if (written >= 0) {
            batch.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR && errno != EAGAIN) {
            return count_dropped(lines_in(batch));  // nobody is there, or the disk is full
        }
    }
}

log_writer::log_writer(int fd, notice about_dropped, std::size_t bytes_max)
    : state_(std::make_shared<state>(fd, std::move(about_dropped), bytes_max)) {}

log_writer::~log_writer() {
    const std::lock_guard lock(state_->mutex);
    state_->closing.store(true);
    state_->more.notify_one();
}

void log_writer::write(std::string_view line) { state_->add(line); }

bool log_writer::drain(std::chrono::milliseconds at_most) const noexcept {
    constexpr timespec a_millisecond{0, 1'000'000};
    for (auto left = at_most.count(); state_->busy.load(std::memory_order_acquire); --left) {
        if (left <= 0) return false;
        ::nanosleep(&a_millisecond, nullptr);
    }
    return true;
}

}  // namespace dunlin::program
