// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/repeats.hpp"

#include "actors/pool.hpp"
#include "runtime/link/function_route.hpp"

#include <array>
#include <cstring>
#include <functional>
#include <memory>

namespace dunlin::runtime {

namespace {

// What stands in front of a kept answer: how the rest is to be read.
constexpr std::byte kept_value{0};
constexpr std::byte kept_failure{1};
constexpr std::byte kept_cold_value{2};  // its call paid for the start of an activation

/// Ends a call with an answer that is kept.
std::vector<call_window::waiter> keep(call_window& window, call_window::ticket call, std::byte what,
                                      bytes_view content, std::int64_t now_ns) {
    const auto size = content.size() + 1;
    const auto fill = [&](std::byte* memory) {
        memory[0] = what;
        if (!content.empty()) std::memcpy(memory + 1, content.data(), content.size());
        return bytes_view(memory, size);
    };
    if (!window.keeps(size)) return window.finish_too_large(call, now_ns);
    std::array<std::byte, cluster::dedupe_window::small_bytes_max> small;
    if (size <= small.size()) return window.finish_small(call, fill(small.data()), now_ns);
    auto memory = std::make_shared_for_overwrite<std::byte[]>(size);
    const auto view = fill(memory.get());
    return window.finish(call, {std::move(memory), view}, now_ns);
}

/// Whether it is known from the error that the function did not run, and may run yet.
bool left_no_trace(const error& why) noexcept {
    switch (why.code) {
        case errc::overloaded:
        case errc::not_found:
        case errc::permission_denied:
        case errc::unauthenticated: return true;
        default: return why.did_not_run;
    }
}

}  // namespace

std::string function_of(const ledger_entry& entry) {
    if (entry.pool != nullptr) return entry.pool->info().name;
    // A repeat may wait for a function that is served elsewhere only.
    return entry.route != nullptr ? entry.route->name : "the function";
}

cluster::call_name repeats::name_of(const peer& from, const wire::invoke& call) {
    return {from.origin_of(call.origin), call.origin_id, call.attempt,
            static_cast<std::uint32_t>(std::hash<std::string_view>{}(call.function))};
}

bool repeats::took(peer& from, const wire::invoke& call, gathering& into,
                   const call_window::begun& begun) {
    using verdict = call_window::verdict;
    switch (begun.what) {
        case verdict::fresh: into.named = begun.call; return false;
        case verdict::unprotected: return false;
        case verdict::running: return true;
        case verdict::done: answer_again(from, call.id, begun.reply.view()); return true;
        case verdict::ran: break;
    }
    outlet_.reply_error(
        from, call.id,
        {errc::unavailable,
         "this attempt of the call has run on node " + options_.node_name +
             " already, or was stopped, and its answer was not kept; a further attempt "
             "runs it again"});
    return true;
}

void repeats::answer_again(peer& to, std::uint64_t call_id, bytes_view kept) {
    const auto content = kept.subspan(1);
    if (kept.front() == kept_cold_value) outlet_.say(to, wire::cold{call_id});
    if (kept.front() != kept_failure) return outlet_.reply_copy(to, call_id, content);
    wire::frame_reader reader(content);
    static_cast<void>(reader.next());
    auto failure = reader.failure();
    failure.id = call_id;
    outlet_.reply_failure(to, failure);
}

// The call was refused before it had an entry. Repeats can have come to other lanes meanwhile.
void repeats::not_taken(gathering& into) {
    error why{errc::unavailable, "node " + options_.node_name +
                                     " refused this call when it came first; it did not run"};
    why.did_not_run = true;
    give_error(window_.withdraw(std::exchange(into.named, {})), why);
}

void repeats::remember_value(ledger_entry& entry, bytes_view payload) {
    const auto call = std::exchange(entry.named, {});
    const bool cold = entry.paid_for_start();
    for (const auto& each :
         keep(window_, call, cold ? kept_cold_value : kept_value, payload, now_ns_)) {
        if (cold) each.port->started_cold(each.address);
        actors::output_buffer copy;
        if (copy.try_append(payload.data(), payload.size()))
            each.port->answer_value(each.address, copy);
        else
            each.port->answer_error(each.address, {errc::internal, "out of memory for a reply"});
    }
}

void repeats::remember_error(ledger_entry& entry, const error& why) {
    const auto call = std::exchange(entry.named, {});
    // Who asks again did not withdraw it, and would not know what to make of that.
    if (why.code == errc::cancelled && why.did_not_run) {
        error unstarted{errc::unavailable, "the call was withdrawn as its repeat came; " +
                                               function_of(entry) + " did not run"};
        unstarted.did_not_run = true;
        return give_error(window_.withdraw(call), unstarted);
    }
    if (left_no_trace(why)) return give_error(window_.withdraw(call), why);
    if (why.code == errc::cancelled) {
        const auto waiting = window_.finish(call, now_ns_);
        return give_error(waiting,
                          {errc::unavailable, "the call was withdrawn as its repeat came; " +
                                                  function_of(entry) + " may have run"});
    }
    wire::frame_buffer failure;
    wire::append(failure, wire::failure{1, static_cast<std::int64_t>(why.code), why.detail,
                                        static_cast<std::uint64_t>(why.retry_after.count()),
                                        why.did_not_run, entry.losses.count()});
    give_error(keep(window_, call, kept_failure, failure.view(), now_ns_), why);
}

void repeats::give_error(const std::vector<call_window::waiter>& to, const error& why) {
    for (const auto& each : to) each.port->answer_error(each.address, why);
}

bool repeats::leave_to_repeats(ledger_entry& entry) {
    if (entry.plays != ledger_entry::part::first ||
        !window_.orphaned(entry.named, {carrier_, entry.address()}))
        return false;
    auto& asker = *std::exchange(entry.asker, &nobody_);
    asker.ended();
    nobody_.began();
    asker.settled.erase(entry);
    entry.plays = ledger_entry::part::orphan;
    return true;
}

// The entry is about to be closed.
void repeats::leave(ledger_entry& entry) {
    const auto call = std::exchange(entry.named, {});
    const auto played = std::exchange(entry.plays, ledger_entry::part::none);
    if (!call) return;  // it was answered, and remembered then
    if (played == ledger_entry::part::attached) {
        const auto orphan = window_.leave(call, {port_, entry.address()});
        if (orphan) orphan->carrier->withdraw(orphan->address, errc::cancelled);
        return;
    }
    give_error(window_.finish(call, now_ns_),
               {errc::unavailable, "the first copy of this call was withdrawn; it may have run"});
}

}  // namespace dunlin::runtime
