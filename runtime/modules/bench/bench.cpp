// SPDX-License-Identifier: Apache-2.0
//
// Functions with a known cost, for benchmarks and for tests of what goes wrong.
//
// `echo` measures the path of a call and nothing else; `sleep`, `spin` and `nap` take time in the
// three ways there are (a waiting thread, a busy thread, no thread); `relay` calls another
// function from inside the node; `increment` and `peek` work with durable state under the caller's
// key; `fail` throws.
#include <dunlin/function.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using clock_type = std::chrono::steady_clock;

struct pause {
    std::chrono::microseconds us{0};
    DUNLIN_FIELDS(us)
};

struct complaint {
    std::string message;
    DUNLIN_FIELDS(message)
};

struct relay_plan {
    std::string function = "bench/echo";
    std::uint32_t calls = 1;
    std::uint32_t payload = 64;
    DUNLIN_FIELDS(function, calls, payload)
};

struct relay_report {
    double ns_per_call = 0;
    std::uint32_t calls = 0;
    std::uint32_t errors = 0;
    DUNLIN_FIELDS(ns_per_call, calls, errors)
};

dunlin::raw echo(const dunlin::raw& value) { return value; }

void sleep_here(const pause& p) { std::this_thread::sleep_for(p.us); }

void spin(const pause& p) {
    const auto end = clock_type::now() + p.us;
    while (clock_type::now() < end) {
    }
}

dunlin::task<dunlin::result<void>> nap(const pause& p, dunlin::context& ctx) {
    co_return co_await ctx.sleep_for(p.us);
}

dunlin::task<relay_report> relay(const relay_plan& plan, dunlin::context& ctx) {
    const std::string content(plan.payload, 'x');
    const dunlin::bytes payload(content);
    relay_report report;
    const auto start = clock_type::now();
    for (; report.calls < plan.calls && !ctx.stop_requested(); ++report.calls) {
        const auto reply = co_await ctx.invoke<void>(plan.function, payload);
        if (!reply) ++report.errors;
    }
    const std::chrono::duration<double, std::nano> taken = clock_type::now() - start;
    if (report.calls > 0) report.ns_per_call = taken.count() / report.calls;
    co_return report;
}

struct counter {
    std::uint64_t value = 0;
    DUNLIN_FIELDS(value)
};

std::uint64_t increment(counter& c) { return ++c.value; }
std::uint64_t peek(dunlin::no_input, const counter& c) { return c.value; }

void fail(const complaint& c) { throw std::runtime_error(c.message); }

}  // namespace

DUNLIN_MODULE(bench, m) {
    m.function("echo", echo).idempotent().description("Returns its payload, byte for byte.");
    m.function("sleep", sleep_here)
        .blocking()
        .idempotent()
        .description("Sleeps for us microseconds.");
    m.function("spin", spin).idempotent().description("Keeps a core busy for us microseconds.");
    m.function("grind", spin)
        .idempotent()
        .description("Keeps a core busy as spin does: another function, to see them side by side.");
    m.function("nap", nap)
        .idempotent()
        .description("Waits for us microseconds without holding a thread.");
    m.function("relay", relay)
        .description("Calls a function, one call after another, and reports what a call took.");
    m.function("increment", increment)
        .space("bench.counters")
        .description("Adds 1 to the counter under the caller's key; durable. Returns it.");
    m.function("peek", peek)
        .space("bench.counters")
        .description("Returns the counter under the caller's key.");
    m.function("fail", fail).idempotent().description("Throws the message.");
}
