// SPDX-License-Identifier: Apache-2.0
//
// The part of a lane that recognises calls which arrive again.
//
// A call whose caller gave it a name has a place in the node's window from before anything is
// decided about it until it is answered; every way in which an entry can end passes through here.
// A call that was not run leaves no trace: a repeat of it is a first call.
#include "actors/activation.hpp"
#include "runtime/lane/gathering.hpp"
#include "runtime/lane/lane.hpp"

#include <array>
#include <cstring>
#include <functional>
#include <memory>

namespace dunlin::runtime {

namespace {

// What stands in front of a kept answer: how the rest is to be read.
constexpr std::byte kept_value{0};
constexpr std::byte kept_failure{1};

/// A repeat that waits needs no memory of the frame it came in.
class no_memory final : public actors::frame_memory {};

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

// A node that sends on a call without a name, or one that a function made, says that the call is
// its own and gives an id that several may have.
bool lane::has_name(const peer& from, const wire::invoke& call) const noexcept {
    return call.origin != 0 && call.origin != from.instance && named_calls_.enabled();
}

bool lane::take_repeat(peer& from, const wire::invoke& call, gathering& into) {
    // One that has too many calls already is told so, whatever this one is.
    if (from.in_flight >= options_.in_flight_max) return false;
    const cluster::call_name name{
        from.origin_of(call.origin), call.origin_id, call.attempt,
        static_cast<std::uint32_t>(std::hash<std::string_view>{}(call.function))};
    auto begun = named_calls_.begin(name, now_ns_, [&](call_window::ticket running) {
        return call_window::waiter{this, attach(from, call, running).address()};
    });
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

// No function sees this invocation: it is what the deadline, a cancel and the end of the node find.
ledger_entry& lane::attach(peer& from, const wire::invoke& call, call_window::ticket running) {
    auto* nothing = new no_memory;
    turn_work_.push_back(actors::bundle::create(1, *nothing));
    nothing->release();
    auto& entry = enter(from, call, *turn_work_.back());
    auto& invocation = entry.invocation();
    invocation.payload = {};
    invocation.key = {};
    invocation.trace = {};
    entry.pool = functions_.find(call.function);
    entry.plays = ledger_entry::part::attached;
    entry.named = running;
    return entry;
}

void lane::answer_again(peer& to, std::uint64_t call_id, bytes_view kept) {
    const auto content = kept.subspan(1);
    if (kept.front() == kept_value) return outlet_.reply_copy(to, call_id, content);
    wire::frame_reader reader(content);
    static_cast<void>(reader.next());
    auto failure = reader.failure();
    failure.id = call_id;
    counters_.failures_sent.add();
    outlet_.say(to, failure);
}

// The call was refused before it had an entry. Repeats can have come to other lanes meanwhile.
void lane::not_taken(gathering& into) {
    error why{errc::unavailable, "node " + options_.node_name +
                                     " refused this call when it came first; it did not run"};
    why.did_not_run = true;
    give_error(named_calls_.withdraw(std::exchange(into.named, {})), why);
}

void lane::remember_value(ledger_entry& entry, bytes_view payload) {
    const auto call = std::exchange(entry.named, {});
    for (const auto& each : keep(named_calls_, call, kept_value, payload, now_ns_)) {
        actors::output_buffer copy;
        copy.append(payload.data(), payload.size());
        if (copy.size == payload.size())
            each.port->answer_value(each.address, copy);
        else
            each.port->answer_error(each.address, {errc::internal, "out of memory for a reply"});
    }
}

void lane::remember_error(ledger_entry& entry, const error& why) {
    const auto call = std::exchange(entry.named, {});
    // Who asks again did not withdraw it, and would not know what to make of that.
    if (why.code == errc::cancelled && why.did_not_run) {
        error unstarted{errc::unavailable, "the call was withdrawn as its repeat came; " +
                                               function_of(entry) + " did not run"};
        unstarted.did_not_run = true;
        return give_error(named_calls_.withdraw(call), unstarted);
    }
    if (left_no_trace(why)) return give_error(named_calls_.withdraw(call), why);
    if (why.code == errc::cancelled) {
        const auto waiting = named_calls_.finish(call, now_ns_);
        return give_error(waiting,
                          {errc::unavailable, "the call was withdrawn as its repeat came; " +
                                                  function_of(entry) + " may have run"});
    }
    wire::frame_buffer failure;
    wire::append(failure, wire::failure{1, static_cast<std::int64_t>(why.code), why.detail,
                                        static_cast<std::uint64_t>(why.retry_after.count()),
                                        why.did_not_run, entry.losses});
    give_error(keep(named_calls_, call, kept_failure, failure.view(), now_ns_), why);
}

void lane::give_error(const std::vector<call_window::waiter>& to, const error& why) {
    for (const auto& each : to) each.port->answer_error(each.address, why);
}

bool lane::leave_to_repeats(ledger_entry& entry) {
    if (entry.plays != ledger_entry::part::first ||
        !named_calls_.orphaned(entry.named, {this, entry.address()}))
        return false;
    auto& asker = *std::exchange(entry.asker, &nobody_);
    --asker.in_flight;
    ++nobody_.in_flight;
    asker.settled.erase(entry);
    entry.plays = ledger_entry::part::orphan;
    return true;
}

// The entry is about to be closed.
void lane::leave_window(ledger_entry& entry) {
    const auto call = std::exchange(entry.named, {});
    const auto played = std::exchange(entry.plays, ledger_entry::part::none);
    if (!call) return;  // it was answered, and remembered then
    if (played == ledger_entry::part::attached) {
        const auto orphan = named_calls_.leave(call, {this, entry.address()});
        if (orphan) orphan->carrier->withdraw(orphan->address, errc::cancelled);
        return;
    }
    give_error(named_calls_.finish(call, now_ns_),
               {errc::unavailable, "the first copy of this call was withdrawn; it may have run"});
}

}  // namespace dunlin::runtime
