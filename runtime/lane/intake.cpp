// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/intake.hpp"

#include <zmq.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::runtime {

namespace {

std::string_view text_of(const zmq::message_t& message) {
    return {static_cast<const char*>(message.data()), message.size()};
}

int descriptor_of(zmq::message_t& message) { return zmq_msg_get(message.handle(), ZMQ_SRCFD); }

}  // namespace

intake::intake(router_socket& socket, connection_keeper& keeper, outlet& out,
               runtime::handshake& greets, runtime::departures& leaving,
               runtime::neighbours& others, open_calls& calls, admission& admits,
               memory_budget& budget, support::busy_poll& load, lane_counters& counters,
               turn_clock& clock, std::size_t frame_bytes_max)
    : socket_(socket),
      keeper_(keeper),
      outlet_(out),
      handshake_(greets),
      departures_(leaving),
      neighbours_(others),
      calls_(calls),
      admission_(admits),
      budget_(budget),
      busy_poll_(load),
      counters_(counters),
      clock_(clock),
      frame_bytes_max_(frame_bytes_max) {}

// -- frames ----------------------------------------------------------------------------------

bool intake::receive() {
    router_socket::arrival next;
    if (!socket_.receive(next)) {
        keeper_.saw_nothing();
        return false;
    }
    counters_.frames_received.add();
    take_frame(text_of(next.routing_id), std::move(next.frame), next.bytes, next.single);
    return true;
}

void intake::take_frame(std::string_view routing_id, zmq::message_t frame, std::size_t bytes,
                        bool single) {
    if (authorizer_ != nullptr && authorizer_->outdated()) departures_.renew_access();
    auto* from = outlet_.peers().find(routing_id);
    // Routing ids are free to choose once their last connection is gone, which may be before we
    // heard of its end. Then this is somebody else, and has to say hello.
    if (authorizer_ != nullptr && from != nullptr &&
        authorizer_->is_another(*from, authorizer::key_of(frame))) {
        departures_.remove(*from, "its routing id has another connection");
        from = nullptr;
    }
    if (from == nullptr) {
        if (keeper_.turn_away(routing_id, frame, bytes)) return;
    } else {
        keeper_.took(*from, bytes);
        if (single && (from->bulk || frame.size() >= bulk_bytes_min)) {
            from->heard_ns = clock_.peek();
            return keeper_.put_off(*from, std::move(frame), from->heard_ns);
        }
    }
    if (!single) {
        counters_.frames_malformed.add();
        if (from == nullptr)
            handshake_.refuse_stranger(routing_id);
        else
            outlet_.reply_error(
                *from, 0,
                {errc::invalid_argument, "a frame is one message part; this had several"});
        return;
    }
    read_frame(from, routing_id, std::move(frame));
}

void intake::read_frame(peer* from, std::string_view routing_id, zmq::message_t frame) {
    const auto now_ns = clock_.read();  // deadlines count from here
    if (from != nullptr) from->heard_ns = now_ns;
    if (frame.size() > frame_bytes_max_) {
        if (from != nullptr) return refuse_oversized(*from, frame.size());
        counters_.frames_oversized.add();
        return handshake_.refuse_stranger(routing_id);
    }
    handshake::sender by;
    if (from != nullptr) from->late_ns = 0;
    if (from == nullptr) by.fd = descriptor_of(frame);
    if (from == nullptr && authorizer_ != nullptr) by.key = authorizer::key_of(frame);
    frame_reading reading(std::move(frame), budget_,
                          from == nullptr ? frame_owner{} : from->owner(), now_ns);
    busy_poll_.received(reading.rest.size());
    if (!read_slice(from, routing_id, reading, by)) return;
    from->bulk = std::make_unique<bulk_frames>();
    from->bulk->begun.emplace(std::move(reading));
    keeper_.queue_bulky(*from);
}

void intake::refuse_oversized(peer& from, std::size_t bytes) {
    counters_.frames_oversized.add();
    outlet_.reply_error(from, 0,
                        {errc::invalid_argument,
                         "a frame of " + std::to_string(bytes) + " bytes exceeds the limit of " +
                             std::to_string(frame_bytes_max_) + "; it was dropped whole"});
}

// -- what is in them -------------------------------------------------------------------------

bool intake::read_slice(peer*& from, std::string_view routing_id, frame_reading& of,
                        const handshake::sender& by) {
    wire::frame_reader reader(of.rest);
    gathering gathered{*of.memory};
    gathered.envelopes_expected = of.rest.size() / 64 + 1;
    std::size_t envelopes = 0;
    bool reading = true;
    while (reading && (envelopes < envelopes_per_slice || from == nullptr)) {
        ++envelopes;
        const auto status = reader.next();
        switch (status) {
            case wire::read_status::end: reading = false; continue;
            case wire::read_status::skipped:
                if (from != nullptr) continue;
                break;
            case wire::read_status::malformed:
                counters_.frames_malformed.add();
                if (from == nullptr) break;
                outlet_.reply_error(*from, 0, {errc::invalid_argument, reader.problem()});
                reading = false;
                continue;
            case wire::read_status::envelope: break;
        }
        if (from == nullptr) {
            if (status != wire::read_status::envelope || reader.kind() != wire::kind::hello) {
                handshake_.refuse_stranger(routing_id, reader.problem());
                return false;
            }
            from = handshake_.greet(routing_id, reader.hello(), by);
            of.welcomed = true;
            if (from == nullptr) return false;
            from->open_account(budget_.accounts());
            of.memory->belongs_to(from->owner());
            continue;
        }
        switch (reader.kind()) {
            case wire::kind::invoke: admission_.take(*from, reader.invoke(), gathered); break;
            case wire::kind::bye:
                admission_.submit(gathered);
                say_bye(*from);
                from = nullptr;
                return false;
            default: read_control(*from, reader, of, gathered);
        }
    }
    admission_.submit(gathered);
    of.rest = reader.rest();
    return reading;
}

void intake::read_control(peer& from, const wire::frame_reader& reader, frame_reading& of,
                          gathering& gathered) {
    switch (reader.kind()) {
        case wire::kind::hello:
            if (!std::exchange(of.welcomed, true)) handshake_.welcome(from);
            break;
        case wire::kind::cancel:
            admission_.submit(gathered);  // it may be about a call in this very frame
            calls_.cancel(from, reader.id_or_token());
            break;
        case wire::kind::ping: outlet_.say(from, wire::pong{reader.id_or_token()}); break;
        case wire::kind::sent:
            from.late_ns = from.delay.late_ns(reader.id_or_token(), clock_.now_ns());
            break;
        case wire::kind::pong:
            from.probes_left = 0;
            if (reader.id_or_token() == farewell_token) from.farewell_due = false;
            if (reader.id_or_token() == drain_token) {
                admission_.submit(gathered);
                from.drain_due = false;
            }
            break;
        case wire::kind::gossip:
            if (from.role == wire::peer_role::node)
                neighbours_.gossiped(from, reader.gossip().message);
            else if (authorizer_ != nullptr)
                authorizer_->pretended(from, 0, "gossip");
            break;
        case wire::kind::load:
            if (from.role == wire::peer_role::node)
                neighbours_.told_load(from, reader.items());
            else if (authorizer_ != nullptr)
                authorizer_->pretended(from, 0, "the load of a node");
            break;
        case wire::kind::offer:
            if (from.role == wire::peer_role::node)
                take_offer(reader.items());
            else if (authorizer_ != nullptr)
                authorizer_->pretended(from, 0, "an offer of keys");
            break;
        default: break;  // what only nodes send to those who connect: nothing to do
    }
}

void intake::take_offer(wire::item_list keys) const {
    if (offers_ == nullptr) return;
    std::vector<std::string_view> names;
    for (wire::key_item each; take(keys, each);) names.push_back(as_text(each.key));
    offers_->came(keys.space, names);
}

// -- what is too much to be read in one go ---------------------------------------------------

void intake::read_bulk() {
    auto* from = &keeper_.next_bulky();
    auto& bulk = *from->bulk;
    const auto now_ns = clock_.read();
    if (!bulk.begun) {
        auto next = keeper_.begin_bulk(*from);
        const auto bytes = next.message.size();
        from->late_ns = 0;
        if (bytes > frame_bytes_max_)
            refuse_oversized(*from, bytes);
        else
            bulk.begun.emplace(std::move(next.message), budget_, from->owner(), next.came_ns);
    }
    if (bulk.begun) {
        // What it lay here counts against its calls, as it would in a buffer of the network.
        from->late_ns += now_ns - std::exchange(bulk.begun->since_ns, now_ns);
        busy_poll_.received(bulk.begun->rest.size());
        frame_reading reading = std::move(*bulk.begun);
        bulk.begun.reset();
        const std::string routing_id = from->routing_id;
        const bool goes_on = read_slice(from, routing_id, reading, {});
        if (from == nullptr) return;  // it has said bye
        if (goes_on) from->bulk->begun.emplace(std::move(reading));
    }
    if (from->bulk->empty())
        from->bulk.reset();
    else
        keeper_.queue_bulky(*from);
}

// Frames that came behind it may begin with a new hello.
void intake::say_bye(peer& leaving) {
    const auto behind = keeper_.take_bulk(leaving);
    const std::string routing_id = leaving.routing_id;
    departures_.remove(leaving, "said bye");
    if (!behind) return;
    constexpr std::size_t counted_before = 0;
    for (auto& [frame, came_ns] : behind->later)
        take_frame(routing_id, std::move(frame), counted_before, true);
}

}  // namespace dunlin::runtime
