// SPDX-License-Identifier: Apache-2.0
#include "cluster/served_set.hpp"
#include "support/utf8.hpp"
#include "wire/envelope.hpp"
#include "wire/msgpack_put.hpp"

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

namespace dunlin::wire {
namespace {

// The head of the array, the kind, and a head or a number for each other element.
constexpr std::size_t heads_bytes_max(std::size_t elements) {
    return 2 + (elements - 1) * msgpack_head_bytes_max;
}

constexpr std::size_t invoke_heads_bytes_max = heads_bytes_max(14);
constexpr std::size_t reply_heads_bytes_max = heads_bytes_max(3);

static_assert(invoke_heads_bytes_max + 2 * name_bytes_max + trace_bytes_max <=
              envelope_overhead_bytes_max);
static_assert(reply_heads_bytes_max <= envelope_overhead_bytes_max);

[[noreturn]] void over_limit(const char* what) {
    std::fprintf(stderr, "dunlin: %s is longer than the protocol allows\n", what);
    std::abort();
}

// The other side would drop the rest of the frame, other callers' envelopes with it.
void require(bool within_limit, const char* what) {
    if (!within_limit) [[unlikely]]
        over_limit(what);
}

std::uint8_t* put_kind(std::uint8_t* at, kind which, std::uint32_t elements) noexcept {
    at = put_array(at, elements);
    *at = static_cast<std::uint8_t>(which);
    return at + 1;
}

void commit(frame_buffer& frame, const std::uint8_t* at) noexcept {
    frame.size = static_cast<std::size_t>(at - frame.data);
}

// What nobody has to tell is left off, and only at the end.
std::uint32_t invoke_elements(const invoke& envelope) noexcept {
    if (envelope.losses != 0) return 14;
    return envelope.origin != 0 ? 12 : 10;
}

// The elements behind the payload.
std::uint8_t* put_tail(std::uint8_t* at, const invoke& envelope) noexcept {
    const auto elements = invoke_elements(envelope);
    if (elements > 10) {
        at = put_uint(at, envelope.origin);
        at = put_uint(at, envelope.origin == 0 ? envelope.id : envelope.origin_id);
    }
    return elements > 12 ? put_uint(put_uint(at, envelope.losses), envelope.lost) : at;
}

// An invoke up to its payload; the buffer has room for the payload and its head too.
std::uint8_t* put_invoke(frame_buffer& frame, const invoke& envelope, std::size_t payload_bytes) {
    require(envelope.function.size() <= name_bytes_max, "a function's name");
    require(envelope.key.size() <= name_bytes_max, "a key");
    const bool traced = !envelope.trace.empty() && envelope.trace.size() <= trace_bytes_max;

    auto* at = frame.reserve(envelope_overhead_bytes_max + payload_bytes);
    // The origin stands behind the payload: it is appended when the payload ends.
    at = put_kind(at, kind::invoke, invoke_elements(envelope));
    at = put_uint(at, envelope.id);
    at = put_str(at, envelope.function);
    at = put_uint(at, envelope.remaining_us);
    at = put_uint(at, envelope.flags);
    at = put_uint(at, envelope.attempt);
    at = put_uint(at, envelope.retries_left);
    at = envelope.key.empty() ? put_nil(at) : put_bin(at, envelope.key);
    return traced ? put_str(at, envelope.trace) : put_nil(at);
}

std::uint8_t* put_reply(frame_buffer& frame, std::uint64_t id, std::size_t payload_bytes) {
    auto* at = frame.reserve(reply_heads_bytes_max + payload_bytes);
    return put_uint(put_kind(at, kind::reply, 3), id);
}

void append_number(frame_buffer& frame, kind which, std::uint64_t number) {
    auto* at = frame.reserve(heads_bytes_max(2));
    commit(frame, put_uint(put_kind(at, which, 2), number));
}

/// The part of an error's text that travels. What others sent stands in it, the name of a function
/// that there is not or what a function threw, and a strict reader drops a frame with such bytes:
/// with all answers that travel in it. `mended` keeps the text where it had to be changed.
std::string_view detail_to_send(std::string_view detail, std::string& mended) {
    detail = cut_detail(detail);
    if (support::is_utf8(detail)) return detail;
    mended = support::as_utf8(detail);
    return cut_detail(mended);
}

void require_payload(bytes_view payload) {
    require(payload.size() <= std::numeric_limits<std::uint32_t>::max(), "a payload");
}

}  // namespace

std::string_view cut_detail(std::string_view detail) noexcept {
    if (detail.size() <= detail_bytes_max) return detail;
    std::size_t size = detail_bytes_max;
    // Back over the bytes of a UTF-8 character that would be torn, which are at most three.
    for (int torn = 0; torn < 3 && (static_cast<std::uint8_t>(detail[size]) & 0xc0u) == 0x80u;
         ++torn) {
        --size;
    }
    return detail.substr(0, size);
}

void append(frame_buffer& frame, const hello& envelope) {
    require(envelope.name.size() <= name_bytes_max, "a peer's name");
    require(envelope.cluster.size() <= name_bytes_max, "a cluster's name");
    const bool clustered = !envelope.cluster.empty() || envelope.instance != 0;
    auto* at = frame.reserve(heads_bytes_max(9) + protocol_name.size() + envelope.name.size() +
                             envelope.cluster.size());
    at = put_kind(at, kind::hello, clustered ? 9 : 7);
    at = put_str(at, protocol_name);
    at = put_uint(at, envelope.version_min);
    at = put_uint(at, envelope.version_max);
    at = put_uint(at, envelope.features);
    at = put_uint(at, static_cast<std::uint8_t>(envelope.role));
    at = put_str(at, envelope.name);
    if (clustered) at = put_uint(put_str(at, envelope.cluster), envelope.instance);
    commit(frame, at);
}

void append(frame_buffer& frame, const welcome& envelope) {
    require(envelope.node.size() <= name_bytes_max, "a node's name");
    require(envelope.endpoint_count <= endpoints_max, "a welcome's list of endpoints");
    require(envelope.cluster.size() <= name_bytes_max, "a cluster's name");
    const bool clustered = !envelope.cluster.empty() || envelope.instance != 0;
    std::size_t text_bytes = envelope.node.size() + envelope.cluster.size();
    for (std::size_t i = 0; i < envelope.endpoint_count; ++i) {
        require(envelope.endpoints[i].size() <= name_bytes_max, "an endpoint");
        text_bytes += envelope.endpoints[i].size();
    }
    auto* at = frame.reserve(heads_bytes_max(9 + envelope.endpoint_count) + text_bytes);
    at = put_kind(at, kind::welcome, clustered ? 9 : 7);
    at = put_uint(at, envelope.version);
    at = put_uint(at, envelope.features);
    at = put_str(at, envelope.node);
    at = put_uint(at, envelope.payload_bytes_max);
    at = put_uint(at, envelope.in_flight_max);
    at = put_array(at, static_cast<std::uint32_t>(envelope.endpoint_count));
    for (std::size_t i = 0; i < envelope.endpoint_count; ++i) {
        at = put_str(at, envelope.endpoints[i]);
    }
    if (clustered) at = put_uint(put_str(at, envelope.cluster), envelope.instance);
    commit(frame, at);
}

void append(frame_buffer& frame, const invoke& envelope) {
    require_payload(envelope.payload);
    auto* at = put_invoke(frame, envelope, envelope.payload.size());
    at = put_bin(at, envelope.payload);
    commit(frame, put_tail(at, envelope));
}

void append(frame_buffer& frame, const reply& envelope) {
    require_payload(envelope.payload);
    auto* at = put_reply(frame, envelope.id, envelope.payload.size());
    commit(frame, put_bin(at, envelope.payload));
}

void append(frame_buffer& frame, const failure& envelope) {
    std::string mended;
    const auto detail = detail_to_send(envelope.detail, mended);
    const unsigned elements = envelope.whole_node    ? 8
                              : envelope.losses != 0 ? 7
                              : envelope.did_not_run ? 6
                                                     : 5;
    auto* at = frame.reserve(heads_bytes_max(8) + detail.size());
    at = put_kind(at, kind::failure, elements);
    at = put_uint(at, envelope.id);
    at = put_int(at, envelope.code);
    at = put_str(at, detail);
    at = put_uint(at, envelope.retry_after_us);
    if (elements > 5) at = put_bool(at, envelope.did_not_run);
    if (elements > 6) at = put_uint(at, envelope.losses);
    if (elements > 7) at = put_bool(at, envelope.whole_node);
    commit(frame, at);
}

void append(frame_buffer& frame, const cancel& envelope) {
    append_number(frame, kind::cancel, envelope.id);
}

void append(frame_buffer& frame, const ping& envelope) {
    append_number(frame, kind::ping, envelope.token);
}

void append(frame_buffer& frame, const pong& envelope) {
    append_number(frame, kind::pong, envelope.token);
}

void append(frame_buffer& frame, const sent& envelope) {
    append_number(frame, kind::sent, envelope.us);
}

void append(frame_buffer& frame, const cold& envelope) {
    append_number(frame, kind::cold, envelope.id);
}

void append(frame_buffer& frame, const goaway& envelope) {
    std::string mended;
    const auto detail = detail_to_send(envelope.detail, mended);
    auto* at = frame.reserve(heads_bytes_max(3) + detail.size());
    at = put_kind(at, kind::goaway, 3);
    at = put_int(at, envelope.code);
    at = put_str(at, detail);
    commit(frame, at);
}

void append(frame_buffer& frame, const bye&) {
    auto* at = frame.reserve(heads_bytes_max(1));
    commit(frame, put_kind(at, kind::bye, 1));
}

void append(frame_buffer& frame, const gossip& envelope) {
    require(envelope.message.size() <= gossip_bytes_max, "a gossip message");
    auto* at = frame.reserve(heads_bytes_max(2) + envelope.message.size());
    commit(frame, put_bin(put_kind(at, kind::gossip, 2), envelope.message));
}

// -- lists -----------------------------------------------------------------------------------

void append(frame_buffer& frame, std::span<const load_item> loads) {
    require(loads.size() <= items_max, "a list of loads");
    auto* at = frame.reserve(heads_bytes_max(2 + 8 * loads.size()));
    at = put_array(put_kind(at, kind::load, 2), static_cast<std::uint32_t>(loads.size()));
    for (const auto& each : loads) {
        at = put_uint(put_array(at, each.room == 0 ? 5 : 7), each.function);
        at = put_uint(at, each.wait_ns);
        at = put_uint(at, each.step_ns);
        at = put_uint(at, each.idle);
        at = put_uint(at, each.busy_permille);
        if (each.room == 0) continue;
        at = put_uint(put_uint(at, each.in_flight), each.room);
    }
    commit(frame, at);
}

void append(frame_buffer& frame, const list_part& part, std::span<const catalog_item> functions) {
    require(functions.size() <= items_max, "a catalog");
    std::size_t bytes = heads_bytes_max(4);
    for (const auto& each : functions) bytes += bytes_max(each);
    auto* at = frame.reserve(bytes);
    at = put_uint(put_kind(at, kind::catalog, 4), part.first);
    at = put_array(put_uint(at, part.total), static_cast<std::uint32_t>(functions.size()));
    for (const auto& each : functions) {
        require(each.name.size() <= name_bytes_max, "a function's name");
        require(each.module_version.size() <= name_bytes_max, "a module's version");
        require(each.key_field.size() <= name_bytes_max, "a path to a key");
        require(each.space.size() <= name_bytes_max, "a space's name");
        const bool keyed = !each.key_field.empty() || !each.space.empty();
        at = put_str(put_array(at, keyed ? 5 : 3), each.name);
        at = put_uint(put_str(at, each.module_version), each.flags);
        if (keyed) at = put_str(put_str(at, each.key_field), each.space);
    }
    commit(frame, at);
}

void append(frame_buffer& frame, const list_part& part, std::span<const member_item> members) {
    require(members.size() <= items_max, "a list of members");
    std::size_t bytes = heads_bytes_max(5 + 6 * members.size());
    for (const auto& each : members) {
        bytes += each.name.size() + each.serves.size();
        for (std::size_t i = 0; i < each.endpoint_count; ++i)
            bytes += msgpack_head_bytes_max + each.endpoints[i].size();
    }
    auto* at = frame.reserve(bytes);
    at = put_uint(put_kind(at, kind::members, 5), part.view);
    at = put_uint(put_uint(at, part.first), part.total);
    at = put_array(at, static_cast<std::uint32_t>(members.size()));
    for (const auto& each : members) {
        require(each.name.size() <= name_bytes_max, "a node's name");
        require(each.endpoint_count <= endpoints_max, "a member's list of endpoints");
        require(cluster::served_set::is_digest(each.serves), "a digest of what a node serves");
        at = put_uint(put_array(at, each.tells_serves ? 5 : 4), each.instance);
        at = put_uint(put_str(at, each.name), each.draining ? 1 : 0);
        at = put_array(at, static_cast<std::uint32_t>(each.endpoint_count));
        for (std::size_t i = 0; i < each.endpoint_count; ++i) {
            require(each.endpoints[i].size() <= name_bytes_max, "an endpoint");
            at = put_str(at, each.endpoints[i]);
        }
        if (each.tells_serves) at = put_bin(at, each.serves);
    }
    commit(frame, at);
}

void append(frame_buffer& frame, std::string_view space, std::span<const key_item> offered) {
    require(space.size() <= name_bytes_max, "a space's name");
    require(offered.size() <= items_max, "an offer");
    std::size_t bytes = heads_bytes_max(3) + space.size();
    for (const auto& each : offered) bytes += bytes_max(each);
    auto* at = frame.reserve(bytes);
    at = put_str(put_kind(at, kind::offer, 3), space);
    at = put_array(at, static_cast<std::uint32_t>(offered.size()));
    for (const auto& each : offered) {
        require(each.key.size() <= name_bytes_max, "a key");
        at = put_bin(at, each.key);
    }
    commit(frame, at);
}

std::size_t begin_invoke(frame_buffer& frame, const invoke& envelope_without_payload) {
    auto* at = put_invoke(frame, envelope_without_payload, 0);
    commit(frame, put_bin32_head(at, 0));
    return frame.size;
}

std::size_t begin_reply(frame_buffer& frame, std::uint64_t id) {
    auto* at = put_reply(frame, id, 0);
    commit(frame, put_bin32_head(at, 0));
    return frame.size;
}

void end_payload(frame_buffer& frame, std::size_t mark) noexcept {
    const std::size_t length = frame.size - mark;
    require(length <= std::numeric_limits<std::uint32_t>::max(), "a payload");
    store_big_endian(frame.data + mark - sizeof(std::uint32_t), static_cast<std::uint32_t>(length));
}

void end_payload(frame_buffer& frame, std::size_t mark, const invoke& begun) {
    end_payload(frame, mark);
    if (invoke_elements(begun) == 10) return;
    commit(frame, put_tail(frame.reserve(4 * msgpack_head_bytes_max), begun));
}

}  // namespace dunlin::wire
