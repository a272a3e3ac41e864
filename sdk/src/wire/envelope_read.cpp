// SPDX-License-Identifier: Apache-2.0
#include "support/utf8.hpp"
#include "wire/envelope.hpp"
#include "wire/item_list_read.hpp"
#include "wire/msgpack_cursor.hpp"

#include <memory>

namespace dunlin::wire {
namespace {

constexpr const char* truncated = "the frame ends inside an envelope";

// What one envelope's elements are read through. `left` counts those that are still unread.
struct elements {
    msgpack_cursor in;
    std::uint32_t left;

    // Whether the sender wrote the next element: it may be older than the field.
    [[nodiscard]] bool more() noexcept { return left != 0 && left-- != 0; }

    [[nodiscard]] bool has(std::uint32_t required) noexcept {
        if (left < required) return false;
        left -= required;
        return true;
    }
};

[[nodiscard]] bool read_text(msgpack_cursor& in, std::size_t bytes_max,
                             std::string_view& out) noexcept {
    std::string_view text;
    if (!in.read_str(text) || text.size() > bytes_max) return false;
    out = text;
    return true;
}

[[nodiscard]] bool read_utf8(msgpack_cursor& in, std::size_t bytes_max,
                             std::string_view& out) noexcept {
    return read_text(in, bytes_max, out) && support::is_utf8(out);
}

// Each of these reads the elements after the kind. It returns what is wrong, or null.

const char* read(elements& from, invoke& out) noexcept {
    auto& in = from.in;
    if (!from.has(9)) return "invoke: fewer than its 10 elements";
    if (!in.read_uint(out.id)) return "invoke: the id is not an unsigned integer";
    if (out.id == 0) return "invoke: the id 0 is reserved";
    if (!read_text(in, name_bytes_max, out.function)) {
        return "invoke: the function is not a string of at most 255 bytes";
    }
    if (!in.read_uint(out.remaining_us)) {
        return "invoke: remaining_us is not an unsigned integer";
    }
    if (!in.read_uint(out.flags)) return "invoke: flags is not a 32-bit unsigned integer";
    if (!in.read_uint(out.attempt)) return "invoke: attempt is not a 32-bit unsigned integer";
    if (!in.read_uint(out.retries_left)) {
        return "invoke: retries_left is not a 32-bit unsigned integer";
    }
    out.key = {};
    if (!in.take_nil()) {
        bytes_view key;
        if (!in.read_bin(key) || key.size() > name_bytes_max) {
            return "invoke: the key is neither nil nor a bin of at most 255 bytes";
        }
        out.key = key;
    }
    out.trace = {};
    if (!in.take_nil() && !read_text(in, trace_bytes_max, out.trace)) {
        return "invoke: the trace is neither nil nor a string of at most 512 bytes";
    }
    if (!in.read_bin(out.payload)) return "invoke: the payload is not a bin";
    out.origin = 0;
    if (from.more() && !in.read_uint(out.origin)) {
        return "invoke: the origin is not an unsigned integer";
    }
    out.origin_id = out.id;
    if (from.more() && !in.read_uint(out.origin_id)) {
        return "invoke: the origin's id is not an unsigned integer";
    }
    out.losses = 0;
    if (from.more() && !in.read_uint(out.losses)) {
        return "invoke: losses is not a 32-bit unsigned integer";
    }
    out.lost = 0;
    if (from.more() && !in.read_uint(out.lost)) {
        return "invoke: the instance that was lost is not an unsigned integer";
    }
    return nullptr;
}

const char* read(elements& from, reply& out) noexcept {
    if (!from.has(2)) return "reply: fewer than its 3 elements";
    if (!from.in.read_uint(out.id)) return "reply: the id is not an unsigned integer";
    if (!from.in.read_bin(out.payload)) return "reply: the payload is not a bin";
    return nullptr;
}

const char* read(elements& from, failure& out) noexcept {
    auto& in = from.in;
    out = {};
    if (!from.has(2)) return "failure: no id or no code";
    if (!in.read_uint(out.id)) return "failure: the id is not an unsigned integer";
    if (!in.read_int(out.code)) return "failure: the code is not an integer";
    if (from.more()) {
        std::string_view detail;
        if (!in.read_str(detail)) return "failure: the detail is not a string";
        out.detail = cut_detail(detail);
    }
    if (from.more() && !in.read_uint(out.retry_after_us)) {
        return "failure: retry_after_us is not an unsigned integer";
    }
    if (from.more() && !in.read_bool(out.did_not_run)) {
        return "failure: did_not_run is not a boolean";
    }
    if (from.more() && !in.read_uint(out.losses)) {
        return "failure: losses is not a 32-bit unsigned integer";
    }
    if (from.more() && !in.read_bool(out.whole_node)) {
        return "failure: whole_node is not a boolean";
    }
    return nullptr;
}

const char* read(elements& from, hello& out) noexcept {
    auto& in = from.in;
    out = {};
    if (!from.has(3)) return "hello: no protocol name or no versions";
    std::string_view protocol;
    if (!in.read_str(protocol) || protocol != protocol_name) {
        return "hello: does not begin with the string dunlin";
    }
    if (!in.read_uint(out.version_min) || !in.read_uint(out.version_max)) {
        return "hello: a version is not a 32-bit unsigned integer";
    }
    // What follows means what it means in the versions that the sender speaks: without one of ours
    // among them only these elements can be judged, and they are enough to say that nothing fits.
    if (out.version_min > protocol_version || out.version_max < protocol_version) return nullptr;
    if (from.more() && !in.read_uint(out.features)) {
        return "hello: features is not an unsigned integer";
    }
    if (from.more()) {
        std::uint64_t role = 0;
        if (!in.read_uint(role)) return "hello: the role is not an unsigned integer";
        // A role of a newer protocol may do what every peer may do, no more.
        out.role = role <= static_cast<std::uint64_t>(peer_role::operator_)
                       ? static_cast<peer_role>(role)
                       : peer_role::client;
    }
    if (from.more() && !read_utf8(in, name_bytes_max, out.name)) {
        return "hello: the name is not a string of at most 255 bytes of UTF-8";
    }
    if (from.more() && !read_utf8(in, name_bytes_max, out.cluster)) {
        return "hello: the cluster is not a string of at most 255 bytes of UTF-8";
    }
    if (from.more() && !in.read_uint(out.instance)) {
        return "hello: the instance is not an unsigned integer";
    }
    return nullptr;
}

const char* read(elements& from, welcome& out) noexcept {
    auto& in = from.in;
    if (!from.has(1)) return "welcome: no version";
    if (!in.read_uint(out.version)) return "welcome: the version is not a 32-bit unsigned integer";
    if (from.more() && !in.read_uint(out.features)) {
        return "welcome: features is not an unsigned integer";
    }
    if (from.more() && !read_text(in, name_bytes_max, out.node)) {
        return "welcome: the node is not a string of at most 255 bytes";
    }
    if (from.more() && !in.read_uint(out.payload_bytes_max)) {
        return "welcome: payload_bytes_max is not an unsigned integer";
    }
    if (from.more() && !in.read_uint(out.in_flight_max)) {
        return "welcome: in_flight_max is not an unsigned integer";
    }
    if (from.more()) {
        std::uint32_t count = 0;
        if (!in.read_array(count) || count > endpoints_max) {
            return "welcome: endpoints is not an array of at most 64 strings";
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            if (!read_text(in, name_bytes_max, out.endpoints[i])) {
                return "welcome: an endpoint is not a string of at most 255 bytes";
            }
        }
        out.endpoint_count = count;
    }
    if (from.more() && !read_text(in, name_bytes_max, out.cluster)) {
        return "welcome: the cluster is not a string of at most 255 bytes";
    }
    if (from.more() && !in.read_uint(out.instance)) {
        return "welcome: the instance is not an unsigned integer";
    }
    return nullptr;
}

const char* read(elements& from, goaway& out) noexcept {
    out = {};
    if (!from.has(1)) return "goaway: no code";
    if (!from.in.read_int(out.code)) return "goaway: the code is not an integer";
    if (from.more()) {
        std::string_view detail;
        if (!from.in.read_str(detail)) return "goaway: the detail is not a string";
        out.detail = cut_detail(detail);
    }
    return nullptr;
}

const char* read(elements& from, gossip& out) noexcept {
    if (!from.has(1)) return "gossip: no message";
    if (!from.in.read_bin(out.message) || out.message.size() > gossip_bytes_max) {
        return "gossip: the message is not a bin of at most 256 KiB";
    }
    return nullptr;
}

const char* read(elements& from, kind which, item_list& out) noexcept {
    out = {};
    switch (which) {
        case kind::load:
            return from.has(1) ? read_loads(from.in, out) : "load: fewer than its 2 elements";
        case kind::catalog:
            return from.has(3) ? read_catalog(from.in, out) : "catalog: fewer than its 4 elements";
        case kind::offer:
            return from.has(2) ? read_offer(from.in, out) : "offer: fewer than its 3 elements";
        default:
            return from.has(4) ? read_members(from.in, out) : "members: fewer than its 5 elements";
    }
}

// cancel, ping, pong and sent
const char* read(elements& from, std::uint64_t& id_or_token) noexcept {
    if (!from.has(1)) return "cancel, ping, pong or sent: fewer than its 2 elements";
    if (!from.in.read_uint(id_or_token)) {
        return "cancel, ping, pong or sent: the number is not an unsigned integer";
    }
    return nullptr;
}

// Nearly all envelopes are invokes and replies. For these two everything is inlined, over a cursor
// that nobody else can see and that so stays in registers. An invoke of 12 elements takes 220
// instructions for 340 (callgrind).
template <class Envelope>
[[gnu::flatten]] const char* read_inlined(elements& from, Envelope& out) noexcept {
    elements mine = from;
    const char* problem = read(mine, out);
    from = mine;
    return problem;
}

}  // namespace

read_status frame_reader::stop(const char* problem) noexcept {
    at_ = end_;
    problem_ = problem;
    return read_status::malformed;
}

read_status frame_reader::next() noexcept {
    if (at_ == end_) return *problem_ == '\0' ? read_status::end : read_status::malformed;
    if (count_ == envelopes_per_frame_max) return stop("more envelopes than a frame may hold");
    ++count_;

    elements from{msgpack_cursor({at_, end_}), 0};
    std::uint64_t number = 0;
    const char* problem = nullptr;
    auto status = read_status::envelope;
    if (!from.in.read_array(from.left)) {
        problem = "an envelope is not an array";
    } else if (!from.has(1)) {
        problem = "an envelope is an empty array";
    } else if (!from.in.read_uint(number)) {
        problem = "an envelope's kind is not an unsigned integer";
    } else {
        switch (number) {
            case static_cast<std::uint64_t>(kind::invoke):
                problem = read_inlined(from, invoke_);
                break;
            case static_cast<std::uint64_t>(kind::reply):
                problem = read_inlined(from, reply_);
                break;
            case static_cast<std::uint64_t>(kind::failure): problem = read(from, failure_); break;
            case static_cast<std::uint64_t>(kind::cancel):
            case static_cast<std::uint64_t>(kind::ping):
            case static_cast<std::uint64_t>(kind::pong):
            case static_cast<std::uint64_t>(kind::sent):
            case static_cast<std::uint64_t>(kind::cold): problem = read(from, id_); break;
            case static_cast<std::uint64_t>(kind::hello): problem = read(from, hello_); break;
            case static_cast<std::uint64_t>(kind::welcome):
                problem = read(from, *std::construct_at(&welcome_));
                break;
            case static_cast<std::uint64_t>(kind::goaway): problem = read(from, goaway_); break;
            case static_cast<std::uint64_t>(kind::bye): break;
            case static_cast<std::uint64_t>(kind::gossip): problem = read(from, gossip_); break;
            case static_cast<std::uint64_t>(kind::load):
            case static_cast<std::uint64_t>(kind::catalog):
            case static_cast<std::uint64_t>(kind::members):
            case static_cast<std::uint64_t>(kind::offer):
                problem = read(from, static_cast<wire::kind>(number), items_);
                break;
            default: status = read_status::skipped;
        }
    }
    // What a newer sender appended. An array's count was checked against the bytes that are
    // left, so this ends.
    while (problem == nullptr && from.left != 0) {
        --from.left;
        if (!from.in.skip()) problem = "an element that this version ignores is not msgpack";
    }
    if (problem != nullptr) {
        if (from.in.fault() == msgpack_fault::truncated) problem = truncated;
        if (from.in.fault() == msgpack_fault::depth) problem = "a value is nested too deeply";
        return stop(problem);
    }
    if (status == read_status::envelope) kind_ = static_cast<wire::kind>(number);
    at_ = from.in.position();
    return status;
}

}  // namespace dunlin::wire
