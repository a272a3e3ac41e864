// SPDX-License-Identifier: Apache-2.0
//
// How calls begin, and how the threads that start them wait.
#include "client/checks.hpp"
#include "client/driver.hpp"
#include "client/withdrawal.hpp"
#include "wire/key_field.hpp"

#include <dunlin/codec/writer.hpp>

#include <algorithm>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

namespace dunlin::link {
namespace {

constexpr std::chrono::microseconds timeout_max = std::chrono::hours(24 * 365);
// The thread that drives answers at the deadline; only if it is kept busy, the caller does so.
constexpr std::chrono::milliseconds follower_grace{2};

/// What inputs that keys are taken from may take between calls.
constexpr std::size_t keyed_input_bytes_kept = 64u << 10;

void append_encoded(dunlin_buffer& to, const void* input) {
    writer(to).raw(static_cast<const wire::frame_buffer*>(input)->view());
}

error cannot_encode(std::string_view function, std::string_view reason) {
    return {errc::invalid_argument,
            "cannot encode the input of " + std::string(function) + ": " + std::string(reason)};
}

// Runs the codec of a type we do not know, so anything may be thrown.
bool encode_payload(const request& what, dunlin_buffer& to, error& why) {
    try {
        what.encode(to, what.in);
        return true;
    } catch (const call_error& e) {
        why = e.why();
    } catch (const std::exception& e) {
        why = cannot_encode(what.function, e.what());
    } catch (...) {
        why = cannot_encode(what.function, "it threw something unknown");
    }
    return false;
}

}  // namespace

// Null when the call cannot start; `why` is its answer then.
call* driver::open_call(const request& what, time_point now, error& why) {
    ++stats_.calls;
    if (what.options.info != nullptr) *what.options.info = {};
    auto timeout = what.options.timeout;
    if (timeout.count() == 0) timeout = options_.timeout;
    const auto name = book_.next_name(what.function);
    if (name == call_book::name::other && !good_function_name(what.function)) {
        why = bad_function_name(what.function);
    } else if (what.options.key.size() > wire::name_bytes_max) {
        why = {errc::invalid_argument, "a key has at most " + std::to_string(wire::name_bytes_max) +
                                           " bytes, this one has " +
                                           std::to_string(what.options.key.size())};
    } else if (timeout.count() < 0) {
        why = {errc::deadline_exceeded,
               std::string(what.function) + " did not run: its deadline had passed already"};
    } else if (what.options.stop.stop_requested()) {
        why = {errc::cancelled,
               std::string(what.function) + " did not run: its caller stopped before it was sent"};
    } else if (leadership_.stopping()) {
        why = {errc::cancelled, "the client is being destroyed"};
    } else if (book_.full()) {
        why = {errc::overloaded, "this client has its limit of " +
                                     std::to_string(book_.in_flight_max()) +
                                     " calls in flight already"};
    } else {
        call& opened = book_.open(what.function, std::min(timeout, timeout_max), name);
        opened.info = what.options.info;
        if (start_call(opened, what, now, why)) {
            book_.start(opened, now);
            return &opened;
        }
        book_.drop(opened);
        return nullptr;
    }
    book_.refused();
    return nullptr;
}

bool driver::start_call(call& opened, const request& what, time_point now, error& why) {
    const std::string* key_field = fleet_.paths().key_field(what.function);
    if (key_field != nullptr) [[unlikely]]
        return start_keyed(opened, what, *key_field, now, why);
    return start_encoded(opened, what, now, why);
}

// The input has to be there before a node can be chosen. From then on the call is one with a key,
// and a payload that only has to be copied. A key that the caller gave does not count: others would
// look for the call's state under that of the field.
bool driver::start_keyed(call& opened, const request& what, const std::string& key_field,
                         time_point now, error& why) {
    keyed_input_.reset(keyed_input_bytes_kept);
    if (!encode_payload(what, keyed_input_, why)) return false;
    wire::key_digits digits;
    const auto found = wire::find_key(keyed_input_.view(), key_field, digits);
    if (found.problem != wire::key_problem::none) {
        why = {errc::invalid_argument, std::string(what.function) + " did not run: " +
                                           wire::describe(found.problem, key_field)};
        return false;
    }
    call_options options = what.options;
    options.key = as_text(found.key);
    return start_encoded(opened, {what.function, &append_encoded, &keyed_input_, options}, now,
                         why);
}

bool driver::start_encoded(call& opened, const request& what, time_point now, error& why) {
    const auto to = fleet_.pick(what.function, what.options.key, nullptr, now);
    if (to.on == nullptr) {
        if (fleet_.live() == 0) return hold_call(opened, what, why);
        why = fleet_.full();
        return false;
    }
    if (!encode_call(*to.on, opened, what, now, why)) return false;
    if (!fleet_.many()) return true;
    const bool hedge = what.options.hedge || options_.hedge;
    attempts_.sent(opened, to, hedge ? attempts::copies::wanted : attempts::copies::unwanted, now);
    return true;
}

bool driver::encode_call(channel& on, call& opened, const request& what, time_point now,
                         error& why) {
    auto& frame = on.out.open();
    const std::size_t before = frame.size;
    on.out.date(now);
    wire::invoke envelope;
    envelope.id = opened.id;
    envelope.function = what.function;
    envelope.remaining_us = static_cast<std::uint64_t>(opened.timeout.count());
    envelope.key = as_bytes(what.options.key);
    if (fleet_.all()) envelope.flags = wire::invoke_flags::chosen;
    envelope.trace = what.options.trace;
    // For the nodes behind this one, which know which functions may run again.
    envelope.retries_left = options_.retries_max;
    // What has a name costs its node more. With one node nothing is sent over two ways.
    if (on.clustered && fleet_.many()) {
        envelope.origin = origin_;
        envelope.origin_id = opened.id;
    }
    const std::size_t mark = begin_invoke(frame, envelope);
    bool encoded = encode_payload(what, frame, why);
    if (encoded && frame.size - mark > on.payload_bytes_max) {
        why = too_large(frame.size - mark, on.payload_bytes_max);
        encoded = false;
    }
    if (!encoded) {
        frame.size = before;
        if (before == 0) frame = wire::frame_buffer();
        return false;
    }
    if (fleet_.many()) {
        attempts_.keep(opened, on, frame.view().subspan(mark), what.options.key,
                       what.options.trace);
    }
    end_payload(frame, mark, envelope);
    opened.on = &on;
    fleet_.appended(on, book_.window());
    return true;
}

bool driver::hold_call(call& opened, const request& what, error& why) {
    bool encoded = false;
    book_.keep(opened, what.options.key, what.options.trace,
               [&](wire::frame_buffer& payload) { encoded = encode_payload(what, payload, why); });
    if (encoded) attempts_.hold(opened);
    return encoded;
}

call_ticket driver::call_async(const request& what, detail::callback&& done) {
    const auto now = clock::now();
    const auto& stop = what.options.stop;
    withdrawal<driver>* at_stop = nullptr;
    if (stop.stop_possible()) {
        auto watching = std::make_unique<withdrawal<driver>>(*this, stop);
        at_stop = watching.get();  // for as long as the call is open
        done = [watching = std::move(watching),
                done = std::move(done)](result<bytes>&& ended) mutable {
            watching.reset();
            done(std::move(ended));
        };
    }
    error why;
    lock held(mutex_);
    call* opened = open_call(what, now, why);
    if (opened == nullptr) {
        held.unlock();
        done(result<bytes>(std::move(why)));
        return {};
    }
    opened->done = std::move(done);
    const call_ticket ticket{opened->id};
    if (at_stop != nullptr && at_stop->watch(ticket.id)) attempts_.withdraw(*opened);
    if (leadership_.here()) {
        // In a callback: this thread sends when the frame is handled, but a full one at once.
        channel* on = opened->on;
        const bool send = on != nullptr && on->out.has_cut();
        held.unlock();
        if (send) send_cut(static_cast<connection&>(*on));
    } else {
        leadership_.notify(held);
    }
    return ticket;
}

result<bytes> driver::call_and_wait(const request& what) {
    const auto now = clock::now();
    const auto& stop = what.options.stop;
    std::optional<withdrawal<driver>> at_stop;
    if (stop.stop_possible()) at_stop.emplace(*this, stop);
    error why;
    waiter own;
    lock held(mutex_);
    if (leadership_.here()) {
        return {errc::invalid_argument,
                "invoke waits, so a callback of the same client cannot use it; start the call "
                "with async_invoke"};
    }
    call* opened = open_call(what, now, why);
    if (opened == nullptr) return why;
    opened->sync = &own;
    const auto id = opened->id;
    const auto deadline = opened->deadline;
    if (at_stop && at_stop->watch(id)) attempts_.withdraw(*opened);
    if (!leadership_.led()) {
        leadership_.drive(own, held);
        held.unlock();
        return own.take();
    }
    // One that is withdrawn already only waits for its answer to be delivered.
    if (book_.find(id) != nullptr) leadership_.follow(own);
    leadership_.notify(held);
    return follow(own, id, deadline);
}

result<bytes> driver::follow(waiter& own, std::uint64_t id, time_point deadline) {
    auto until = deadline + follower_grace;
    while (leadership_.wait(own, until) == waiter::outcome::timed_out) {
        const lock held(mutex_);
        call* late = book_.find(id);
        // Otherwise its answer, or a promotion, is on its way to this thread.
        if (late != nullptr && waiter_list::remove(own)) {
            error why = expiry(*late);
            book_.drop(*late);
            return why;
        }
        until = time_point::max();
    }
    return own.take();
}

void driver::cancel(call_ticket ticket) {
    lock held(mutex_);
    call* withdrawn = book_.find(ticket.id);
    if (withdrawn == nullptr) return;
    attempts_.withdraw(*withdrawn);
    leadership_.notify(held);
}

client_stats driver::stats() {
    const lock held(mutex_);
    client_stats now = stats_;
    now.failures = book_.failures();
    now.retries = attempts_.retries();
    now.hedges = attempts_.hedges();
    now.in_flight = book_.in_flight();
    now.reconnects = fleet_.reconnects();
    now.nodes = fleet_.nodes();
    return now;
}

std::string driver::node() {
    const lock held(mutex_);
    return fleet_.name();
}

}  // namespace dunlin::link
