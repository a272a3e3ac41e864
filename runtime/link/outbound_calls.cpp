// SPDX-License-Identifier: Apache-2.0
#include "runtime/link/outbound_calls.hpp"

#include "actors/request_trace.hpp"
#include "runtime/link/function_route.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::runtime {

namespace {

std::uint32_t place_of(const function_route& route, const peer_link& link) noexcept {
    const auto found = std::find(route.links.begin() + 1, route.links.end(), &link);
    return static_cast<std::uint32_t>(found - route.links.begin());
}

}  // namespace

void outbound_calls::send(ledger_entry& entry, peer_link& to, std::int64_t now_ns) {
    const auto& call = entry.invocation();
    auto& route = *entry.route;
    entry.tried[entry.sends++] = to.instance;
    entry.via = &to;
    entry.place = place_of(route, to);
    ++to.in_flight;
    ++count_;
    sent_ns_ = now_ns;
    to.bytes_in_flight += call.payload.size();
    entry.sent_ns = now_ns;
    route.candidates[entry.place].sent(now_ns);
    route.health.sent(entry.place, now_ns);

    wire::invoke envelope;
    envelope.id = id_of(entry);
    envelope.function = route.name;
    // Deadline propagation: what is left of it goes along, never none.
    if (call.deadline_ns != actors::no_deadline)
        envelope.remaining_us = static_cast<std::uint64_t>(
            std::max<std::int64_t>((call.deadline_ns - now_ns) / 1000, 1));
    envelope.flags = wire::invoke_flags::forwarded | call.moves * wire::invoke_flags::one_move;
    envelope.attempt = call.attempt;
    envelope.retries_left = call.retries_left;
    envelope.key = call.key;
    envelope.trace = call.trace;
    envelope.payload = call.payload;
    // A call without a name gets one, which it keeps from here on.
    const auto name = actors::name_of(call, instance_);
    envelope.origin = name.origin;
    envelope.origin_id = name.id;
    envelope.losses = entry.losses.count();
    envelope.lost = entry.losses.first();
    if (now_ns - to.out_dated_ns >= wire::sent_every / std::chrono::nanoseconds(1)) {
        to.out_dated_ns = now_ns;
        wire::append(to.out, wire::sent{static_cast<std::uint64_t>(now_ns) / 1000});
    }
    wire::append(to.out, envelope);
    counters_.calls_forwarded.add();
    links_.appended(to);
}

ledger_entry* outbound_calls::find(const peer_link& link, std::uint64_t id) noexcept {
    constexpr auto slots = std::uint32_t{1} << slot_bits;
    auto* entry = calls_.find(
        {static_cast<std::uint32_t>(id & (slots - 1)), static_cast<std::uint32_t>(id >> 32)});
    return entry != nullptr && entry->via == &link && id_of(*entry) == id ? entry : nullptr;
}

void outbound_calls::withdraw(ledger_entry& entry) {
    auto& link = *entry.via;
    const auto id = id_of(entry);
    detach(entry);
    append_cancel(link, id);
}

void outbound_calls::detach(ledger_entry& entry) noexcept {
    auto& link = *std::exchange(entry.via, nullptr);
    --link.in_flight;
    --count_;
    link.bytes_in_flight -= entry.invocation().payload.size();
}

void outbound_calls::recall_all() {
    recalls_ = true;
    calls_.for_each_open([this](ledger_entry& entry) {
        if (entry.via != nullptr) append_cancel(*entry.via, id_of(entry));
    });
    links_.flush();
}

void outbound_calls::append_cancel(peer_link& link, std::uint64_t id) {
    if (link.lost || link.connection == nullptr) return;
    wire::append(link.out, wire::cancel{id});
    links_.appended(link);
}

}  // namespace dunlin::runtime
