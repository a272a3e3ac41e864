// SPDX-License-Identifier: Apache-2.0
#include "runtime/start_needs.hpp"

#include "support/signal_mask.hpp"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <semaphore>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace dunlin::runtime {

namespace {

/// One that serves, and two of ZeroMQ.
constexpr std::size_t threads_of_lane = 3;
/// The watchdog, the keeper of the threads, one that gives memory back, and one that writes the log
/// once its reader is slow. CAF makes none: the scheduler is the node's own.
constexpr std::size_t threads_of_node = 4;
/// One waits, one looks names up.
constexpr std::size_t threads_of_seeds = 2;
/// One for the second signal, one for what blocks or holds its lane.
constexpr std::size_t threads_spare = 2;
/// Sockets, their mailboxes and the inbox, as counted, and those that it keeps aside.
constexpr std::size_t descriptors_of_lane = 20;
constexpr std::size_t descriptors_of_keyed_lane = 3;
/// For the first peers, and whatever a module opens.
constexpr std::size_t descriptors_spare = 16;
constexpr std::size_t bytes_spare = std::size_t{64} << 20;

constexpr const char* threads_hint =
    "raise the limit of threads (ulimit -u, TasksMax of a systemd unit, the pids limit of a "
    "container) or that of memory (ulimit -v), or set fewer --lanes or --scheduler-threads";

error refused(const std::string& what, const std::string& why, const std::string& hint) {
    return {errc::unavailable, "the node cannot start: " + what + ": " + why + "; " + hint};
}

result<void> check_descriptors(std::size_t count) {
    std::vector<int> taken;
    taken.reserve(count);
    int failure = 0;
    while (taken.size() < count && failure == 0) {
        const int descriptor = ::eventfd(0, EFD_CLOEXEC);
        if (descriptor < 0)
            failure = errno;
        else
            taken.push_back(descriptor);
    }
    for (const int each : taken) ::close(each);
    if (failure == 0) return {};
    return refused("it needs " + std::to_string(count) + " descriptors and gets " +
                       std::to_string(taken.size()),
                   std::strerror(failure),
                   "raise the limit (ulimit -n, LimitNOFILE of a systemd unit)");
}

/// Threads that are all there at the same time, each with what malloc gives a thread. They begin
/// one after another: what malloc takes in passing must not make the next one fail by chance.
class trial_threads {
public:
    explicit trial_threads(std::size_t count) {
        threads_.reserve(count);
        const support::signals_blocked no_signals;
        try {
            while (threads_.size() < count) {
                threads_.emplace_back([this] { wait(); });
                begun_.acquire();
            }
        } catch (const std::system_error& why) {
            refused_ = why.code().message();
        }
    }
    trial_threads(const trial_threads&) = delete;
    trial_threads& operator=(const trial_threads&) = delete;
    ~trial_threads() {
        ended_.count_down();
        for (auto& each : threads_) each.join();
    }

    [[nodiscard]] std::size_t count() const noexcept { return threads_.size(); }
    /// Empty: all were made.
    [[nodiscard]] const std::string& problem() const noexcept { return refused_; }

private:
    // A thread's first allocation reserves address space for those to come, which later threads
    // inherit. The atomic keeps the compiler from seeing that nobody needs it.
    void wait() {
        std::atomic<void*> first(std::malloc(1));
        begun_.release();
        ended_.wait();
        std::free(first.load());
    }

    std::binary_semaphore begun_{0};
    std::latch ended_{1};
    std::vector<std::thread> threads_;
    std::string refused_;
};

result<void> check_space(std::size_t bytes) {
    auto* space =
        ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED)
        return refused("there is too little memory", std::strerror(errno),
                       "raise the limit of its address space (ulimit -v)");
    ::munmap(space, bytes);
    return {};
}

}  // namespace

start_needs needs_of(const node_config& config) {
    start_needs needs;
    needs.threads =
        config.lanes * threads_of_lane + config.scheduler_threads + threads_of_node + threads_spare;
    needs.descriptors = config.lanes * descriptors_of_lane + descriptors_spare;
    needs.bytes = bytes_spare;
    if (!config.key.empty()) {
        ++needs.threads;  // the gate
        needs.descriptors += config.lanes * descriptors_of_keyed_lane;
    }
    if (!config.join.empty()) needs.threads += threads_of_seeds;
    return needs;
}

result<void> check_given(const start_needs& needs) {
    if (auto descriptors = check_descriptors(needs.descriptors); !descriptors) return descriptors;
    const trial_threads threads(needs.threads);
    if (!threads.problem().empty())
        return refused("it needs " + std::to_string(needs.threads) + " threads and gets " +
                           std::to_string(threads.count()),
                       threads.problem(), threads_hint);
    return check_space(needs.bytes);
}

error refused_by_system(std::string_view why) {
    return {errc::unavailable, "the node cannot start: " + std::string(why) +
                                   "; look at the limits of threads, descriptors and memory "
                                   "(ulimit -u, -n, -v)"};
}

}  // namespace dunlin::runtime
