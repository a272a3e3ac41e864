// SPDX-License-Identifier: Apache-2.0
//
// Everything that can reach a module across the C border, in any order.
//
// The input is a script. Each step takes a few bytes: it starts a call of some function with a
// payload from the script, completes one of the waiting operations with a reply, garbage or an
// error, moves the clock, or stops a call. At the end every operation is completed, as a node
// does. Then every call must have been answered exactly once and the fake host must have seen no
// breach of the border's rules; a sanitizer watches the memory: replies and payloads lie in blocks
// of exactly their size that are freed when the border says so.
#include "tests/support/fake_host.hpp"

#include <dunlin/function.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace dunlin;

struct order {
    std::string function = "fuzz/any";
    std::vector<std::int32_t> numbers = {};
    bytes content = {};
    DUNLIN_FIELDS(function, numbers, content)
    DUNLIN_REQUIRED(numbers)
};

std::int64_t sum(const order& o) {
    std::int64_t total = 0;
    for (const std::int32_t n : o.numbers) total += n;
    if (total == 13) throw std::runtime_error("thirteen");
    return total;
}
result<bytes> content(const order& o, context& ctx) {
    if (ctx.stop_requested()) return {errc::cancelled, "stopped"};
    if (o.content.empty()) return {errc::failed, {}};
    return o.content;
}
task<std::int64_t> chain(const order& o, context& ctx) {
    std::int64_t last = 0;
    for (const std::int32_t n : o.numbers) {
        last = (co_await ctx.invoke<std::int64_t>(o.function, n)).value();
    }
    co_return last;
}
task<std::size_t> fan(order o, context& ctx) {
    std::vector<task<std::int64_t>> parts;
    for (std::size_t i = 0; i < std::min<std::size_t>(o.numbers.size(), 16); ++i) {
        parts.push_back(chain(o, ctx));
    }
    co_return (co_await when_all(std::move(parts))).size();
}
task<result<std::string>> timed(std::string_view text, context& ctx) {
    const auto token = ctx.stop_token();
    const auto [slept, reply] =
        co_await when_all(ctx.sleep_for(std::chrono::microseconds(text.size())),
                          ctx.invoke<std::string>("fuzz/any", text, {.key = text}));
    if (!slept) co_return slept.error();
    if (token.stop_requested()) co_return {errc::cancelled, "stopped"};
    co_return reply;
}

std::uint64_t visit(const order& o, order& last) {
    const auto before = last.numbers.size();
    last = o;
    if (o.numbers.size() == 3) throw std::runtime_error("three");
    return before;
}
task<result<std::size_t>> remember(std::string_view text, std::optional<order>& last,
                                   context& ctx) {
    if (text.empty()) last.reset();
    if (text.size() > 1) last.emplace().function = text;
    if (const auto stored = co_await ctx.commit(); !stored) co_return stored.error();
    if (text.size() > 3) last->content = bytes(text);
    const auto other = co_await ctx.read<order>("orders", text, {.max_age = ctx.remaining()});
    if (!other) co_return other.error();
    ctx.expire_after(std::chrono::seconds(text.size()));
    co_return other->has_value() ? (*other)->numbers.size() : text.size();
}

void describe(module_builder& m) {
    m.function("sum", sum);
    m.function("content", content);
    m.function("chain", chain);
    m.function("fan", fan);
    m.function("timed", timed);
    m.function("echo", [](const raw& any) { return any; });
    m.function("visit", visit).space("orders");
    m.function("remember", remember).space("orders");
}

/// Takes the script apart; after its end everything is zero.
class script {
public:
    script(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
    [[nodiscard]] bool ended() const { return at_ == end_; }
    std::size_t number() { return ended() ? 0 : *at_++; }
    std::string_view text() {
        const std::size_t left = static_cast<std::size_t>(end_ - at_);
        const std::size_t size = std::min(number(), left > 0 ? left - 1 : 0);
        const std::string_view out(reinterpret_cast<const char*>(at_), size);
        at_ += size;
        return out;
    }

private:
    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

bytes payload_for(script& from) {
    switch (from.number() % 4) {
        case 0: return bytes(from.text());
        case 1: return encode(from.text());
        case 2: return encode(order{.content = bytes(from.text())});
        default: {
            order o;
            for (std::size_t i = from.number() % 8; i > 0; --i) {
                o.numbers.push_back(static_cast<std::int32_t>(from.number()));
            }
            return encode(o);
        }
    }
}

void complete_one(testing::fake_host& host, script& from) {
    if (host.operations.empty()) return;
    const std::size_t index = from.number() % host.operations.size();
    switch (from.number() % 4) {
        case 0: return host.complete(index, static_cast<std::int64_t>(from.number()));
        case 1: return host.complete(index, from.text());
        case 2: return host.complete_raw(index, 0, from.text());
        default:
            return host.complete_raw(index, static_cast<std::int32_t>(from.number()) - 1,
                                     from.text());
    }
}

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    testing::fake_host host;
    const module_builder module("fuzz", host.abi(), describe);
    require(module.info()->error == nullptr);
    std::vector<testing::fake_call*> calls;
    script from(data, size);

    while (!from.ended() && calls.size() < 64) {
        switch (from.number() % 4) {
            case 0: {
                const std::size_t which = from.number() % module.info()->function_count;
                testing::fake_call& call = host.prepare_raw(payload_for(from));
                if (from.number() % 8 == 0) call.output = wire::frame_buffer(4);
                // Each its own, as calls of one key take turns on a node.
                call.key = std::to_string(calls.size());
                calls.push_back(&host.start(module.info()->functions[which], call));
                break;
            }
            case 1: complete_one(host, from); break;
            case 2: host.advance(std::chrono::microseconds(from.number())); break;
            default:
                if (!calls.empty()) {
                    testing::fake_call& call = *calls[from.number() % calls.size()];
                    if (!call.answered) host.request_stop(call);
                }
        }
    }
    while (!host.operations.empty()) {
        host.complete_error(host.operations.size() - 1, errc::unavailable, "the node stops");
    }
    for (const testing::fake_call* call : calls) require(call->answered);
    require(host.violations.empty());
    return 0;
}
