// SPDX-License-Identifier: Apache-2.0
//
// Functions whose every execution leaves a trace, so that what ran is known after a kill -9.
//
// Before it does anything else a call appends one line to a file of its process, with one write:
// once the write has returned the line survives the process. A call that was executed twice has two
// lines, wherever it ran. `mark` and `nap` are not idempotent, their twins are; `nap` takes time
// and holds no thread meanwhile, so that a node is slow without keeping a core from the others.
//
// The process is told by its environment:
//   DUNLIN_CHAOS_TRACE   the file; without it nothing is written
//   DUNLIN_CHAOS_NODE    the node's name, in the lines and in the replies
//   DUNLIN_CHAOS_SLOW    a factor for the time of every `nap`
#include "chaos_call.hpp"

#include <dunlin/function.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

using dunlin::chaos::order;
using dunlin::chaos::receipt;
using clock_type = std::chrono::steady_clock;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::int64_t us_since_boot(clock_type::time_point when) {
    return std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
}

/// Of this process; any thread.
class trace_file {
public:
    trace_file() : node_(environment("DUNLIN_CHAOS_NODE")) {
        const auto path = environment("DUNLIN_CHAOS_TRACE");
        if (path.empty()) return;
        fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd_ < 0) problem_ = path + ": " + std::strerror(errno);
    }

    [[nodiscard]] const std::string& node() const noexcept { return node_; }

    dunlin::result<void> append(const order& call, std::uint32_t attempt,
                                clock_type::time_point when) {
        if (!problem_.empty()) return {dunlin::errc::failed, problem_};
        if (fd_ < 0) return {};
        std::array<char, 256> line;
        const int made = std::snprintf(line.data(), line.size(), "%llu %u %lld %s\n",
                                       static_cast<unsigned long long>(call.id), attempt,
                                       static_cast<long long>(us_since_boot(when)), node_.c_str());
        const auto size = std::min(static_cast<std::size_t>(made), line.size() - 1);
        if (::write(fd_, line.data(), size) != static_cast<ssize_t>(size))
            return {dunlin::errc::failed, std::string("the trace: ") + std::strerror(errno)};
        return {};
    }

private:
    std::string node_;
    std::string problem_;
    int fd_ = -1;
};

// Never taken down: functions may still run while the process ends.
trace_file& trace() {
    static auto* file = new trace_file;
    return *file;
}

double slowness() {
    static const double factor = [] {
        const auto text = environment("DUNLIN_CHAOS_SLOW");
        return text.empty() ? 1.0 : std::max(0.0, std::atof(text.c_str()));
    }();
    return factor;
}

receipt receipt_for(const dunlin::context& ctx, clock_type::time_point began) {
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(clock_type::now() - began);
    return {trace().node(), ctx.attempt(), static_cast<std::uint64_t>(took.count())};
}

dunlin::result<receipt> mark(const order& call, dunlin::context& ctx) {
    const auto began = clock_type::now();
    if (auto done = trace().append(call, ctx.attempt(), began); !done) return done.error();
    return receipt_for(ctx, began);
}

dunlin::task<dunlin::result<receipt>> nap(const order& call, dunlin::context& ctx) {
    const auto began = clock_type::now();
    if (auto done = trace().append(call, ctx.attempt(), began); !done) co_return done.error();
    const std::chrono::duration<double, std::micro> time(static_cast<double>(call.us) * slowness());
    if (auto slept = co_await ctx.sleep_for(time); !slept) co_return slept.error();
    co_return receipt_for(ctx, began);
}

dunlin::result<receipt> doze(const order& call, dunlin::context& ctx) {
    const auto began = clock_type::now();
    if (auto done = trace().append(call, ctx.attempt(), began); !done) return done.error();
    std::this_thread::sleep_for(std::chrono::microseconds(call.us));
    return receipt_for(ctx, began);
}

dunlin::task<dunlin::result<receipt>> relay(const order& call, dunlin::context& ctx) {
    co_return co_await ctx.invoke<receipt>("chaos/nap_idempotent", call);
}

dunlin::result<receipt> poison(const order& call, dunlin::context& ctx) {
    const auto began = clock_type::now();
    if (auto done = trace().append(call, ctx.attempt(), began); !done) return done.error();
    std::abort();
}

}  // namespace

DUNLIN_MODULE(chaos, m) {
    m.function("mark", mark).description("Leaves its trace.");
    m.function("mark_idempotent", mark).idempotent().description("Leaves its trace.");
    m.function("nap", nap).description("Leaves its trace and waits, holding no thread.");
    m.function("nap_idempotent", nap)
        .idempotent()
        .description("Leaves its trace and waits, holding no thread.");
    m.function("doze", doze).description("Leaves its trace and waits, holding a thread.");
    m.function("doze_idempotent", doze)
        .idempotent()
        .description("Leaves its trace and waits, holding a thread.");
    m.function("relay_idempotent", relay)
        .idempotent()
        .description("Calls nap_idempotent, wherever that runs.");
    m.function("poison_idempotent", poison)
        .idempotent()
        .description("Leaves its trace and ends its process.");
}
