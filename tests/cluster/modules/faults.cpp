// SPDX-License-Identifier: Apache-2.0
//
// Functions that go wrong in every way a function can, when a test wants it.
//
// Doors and events have names, and a test picks names of its own. A function that "never returns"
// waits at a door, which the test opens at its end. `wait_for` answers once an event has happened,
// so that tests wait in the node and never sleep.
#include <dunlin/client.hpp>
#include <dunlin/function.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

namespace {

/// Counts by name; any thread.
class events {
public:
    void happen(const std::string& name) {
        std::lock_guard lock(mutex_);
        ++counts_[name];
        happened_.notify_all();
    }
    bool wait(const std::string& name, int count = 1) {
        std::unique_lock lock(mutex_);
        return happened_.wait_for(lock, std::chrono::seconds(20),
                                  [&] { return counts_[name] >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable happened_;
    std::map<std::string, int> counts_;
};
events all;

/// A function of another node, and what to call it with.
struct elsewhere {
    std::string endpoint;
    std::string function;
    std::string input;
    std::uint64_t timeout_ms = 0;
    DUNLIN_FIELDS(endpoint, function, input, timeout_ms)
};

struct awaited {
    std::string name;
    int count = 1;
    DUNLIN_FIELDS(name, count)
};

struct page {
    std::string url;
    std::uint32_t size = 0;
    DUNLIN_FIELDS(url, size)
};

/// Says "NAME in" and "NAME out", and is inside until "NAME" happens.
std::string stay(const std::string& name) {
    all.happen(name + " in");
    all.wait(name);
    all.happen(name + " out");
    return name;
}

void happen(const std::string& name) { all.happen(name); }

bool wait_for(const awaited& what) { return all.wait(what.name, what.count); }

dunlin::task<std::string> nap_until_stopped(const std::string& name, dunlin::context& ctx) {
    all.happen(name + " in");
    const auto ended = co_await ctx.sleep_for(std::chrono::hours(1));
    all.happen(name + " out");
    co_return ended ? "slept" : ended.error().detail;
}

/// Calls itself so often.
dunlin::task<dunlin::result<int>> recur(int depth, dunlin::context& ctx) {
    if (depth == 0) co_return 0;
    const auto inner = co_await ctx.invoke<int>("faults/recur", depth - 1);
    if (!inner) co_return inner.error();
    co_return *inner + 1;
}

/// Its stop callback waits for "NAME": it says "NAME called" first, and "NAME left" at last.
dunlin::task<std::string> wait_in_stop_callback(const std::string& name, dunlin::context& ctx) {
    const std::stop_callback at_stop(ctx.stop_token(), [name] {
        all.happen(name + " called");
        all.wait(name);
        all.happen(name + " left");
    });
    all.happen(name + " in");
    static_cast<void>(co_await ctx.sleep_for(std::chrono::hours(1)));
    co_return name;
}

/// Holds its thread, which it has not declared, and no core.
void hold(std::uint32_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

int overflow_stack(int depth) {
    if (depth < 0) return depth;
    volatile char room[4096] = {};
    room[0] = static_cast<char>(depth);
    return overflow_stack(depth + 1) + room[0];
}

/// "memory", "stack" or "abort".
// Where a sanitizer watches for it, reading at address 0 is an error before it is a fault.
__attribute__((no_sanitize("undefined"))) int crash_by(const std::string& how) {
    if (how == "stack") return overflow_stack(0);
    if (how == "abort") std::abort();
    volatile int* nowhere = nullptr;
    return *nowhere;
}

std::uint32_t page_size(const page& p) { return p.size; }

void throw_error(const std::string& message) { throw std::runtime_error(message); }

dunlin::task<dunlin::result<std::string>> ask_elsewhere(const elsewhere& what,
                                                        dunlin::context& ctx) {
    auto client = dunlin::client::connect(what.endpoint);
    if (!client) co_return std::move(client.error());
    dunlin::call_options options;
    options.timeout = std::chrono::milliseconds(what.timeout_ms);
    co_return co_await client->async_invoke<std::string>(ctx, what.function, what.input, options);
}

std::string remaining(const std::string& unit, dunlin::context& ctx) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(ctx.remaining());
    return std::to_string(left.count()) + unit;
}

void swallow(const dunlin::raw&) {}

/// Takes its node with it.
void crash() { static_cast<void>(std::raise(SIGSEGV)); }

std::string large(std::uint32_t size) { return std::string(size, 'x'); }

}  // namespace

std::string trace_of(const std::string& name, dunlin::context& ctx) {
    ctx.log().warn("asked for the trace", {{"by", name}});
    return std::string(ctx.trace());
}

dunlin::task<dunlin::result<std::string>> trace_of_inner_call(const std::string& name,
                                                              dunlin::context& ctx) {
    co_return co_await ctx.invoke<std::string>("faults/trace_of", name);
}

std::string key_of(const std::string&, dunlin::context& ctx) {
    return std::string(dunlin::as_text(ctx.key()));
}

dunlin::task<dunlin::result<std::string>> key_of_inner_call(const std::string& name,
                                                            dunlin::context& ctx) {
    co_return co_await ctx.invoke<std::string>("faults/key_of", name, {.key = name});
}

/// A function of whichever node, and what to call it with.
struct inner_call {
    std::string function;
    std::string input;
    std::string key;
    DUNLIN_FIELDS(function, input, key)
};

dunlin::task<dunlin::result<std::string>> pass_on(const inner_call& what, dunlin::context& ctx) {
    co_return co_await ctx.invoke<std::string>(what.function, what.input, {.key = what.key});
}

/// As `order/note` takes it.
struct numbered_call {
    std::string list;
    int number = 0;
    std::string padding;
    DUNLIN_FIELDS(list, number, padding)
};

dunlin::task<void> note(const std::string& list, int number, dunlin::context& ctx) {
    const numbered_call call{list, number, ""};
    static_cast<void>(co_await ctx.invoke<void>("order/note", call, {.key = list}));
}

/// Goes on where another thread than that of its lane has answered.
dunlin::task<void> note_later(const std::string& list, int number, dunlin::context& ctx) {
    const auto door = list + " later";
    static_cast<void>(co_await ctx.invoke<std::string>("faults/block", door));
    co_await note(list, number, ctx);
}

/// Makes two calls whose key is the list's name, the second while the first may be under way. It
/// says "LIST later in" in between, and waits for "LIST later".
dunlin::task<void> note_two(const std::string& list, dunlin::context& ctx) {
    co_await dunlin::when_all(note(list, 1, ctx), note_later(list, 2, ctx));
}

DUNLIN_MODULE(faults, m) {
    m.function("note_two", note_two);
    m.function("pass_on", pass_on);
    m.function("key_of", key_of);
    m.function("key_of_inner_call", key_of_inner_call);
    m.function("wait_in_stop_callback", wait_in_stop_callback);
    m.function("trace_of", trace_of);
    m.function("trace_of_inner_call", trace_of_inner_call);
    m.function("stay", stay);
    m.function("stay_too", stay);  // has not turned out long yet when the other has
    m.function("block", stay).blocking();
    m.function("crash_by", crash_by);
    m.function("crash_by_blocking", crash_by).blocking();
    m.function("hold", hold);
    m.function("hold_too", hold);
    m.function("happen", happen);
    m.function("wait_for", wait_for).blocking();
    m.function("nap_until_stopped", nap_until_stopped);
    m.function("recur", recur);
    m.function("page_size", page_size);
    m.function("throw_error", throw_error);
    m.function("large", large);
    m.function("swallow", swallow);
    m.function("crash", crash).idempotent();
    m.function("ask_elsewhere", ask_elsewhere).blocking();
    m.function("remaining", remaining);
}
