// SPDX-License-Identifier: Apache-2.0
#include "runtime/membership/message_codec.hpp"

#include "support/utf8.hpp"
#include "wire/msgpack_cursor.hpp"
#include "wire/msgpack_put.hpp"

#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace dunlin::runtime::membership {
namespace {

using wire::msgpack_cursor;
using wire::msgpack_head_bytes_max;

constexpr std::uint32_t update_elements = 11;
// Those of the first version, which every writer has.
constexpr std::uint32_t update_elements_min = 9;

std::uint8_t* put_bool(std::uint8_t* at, bool value) noexcept {
    *at = value ? 0xc3 : 0xc2;
    return at + 1;
}

std::uint8_t* put_update(std::uint8_t* at, const update& said) noexcept {
    const auto& record = *said.record;
    at = wire::put_array(at, update_elements);
    at = wire::put_uint(at, static_cast<std::uint64_t>(said.state));
    at = wire::put_uint(at, said.incarnation);
    at = wire::put_uint(at, record.instance);
    at = wire::put_str(at, record.name);
    at = wire::put_array(at, static_cast<std::uint32_t>(record.endpoints.size()));
    for (const auto& endpoint : record.endpoints) at = wire::put_str(at, endpoint);
    at = wire::put_str(at, record.version);
    at = put_bool(at, record.draining);
    at = wire::put_array(at, static_cast<std::uint32_t>(said.accusers.size()));
    for (const auto accuser : said.accusers) at = wire::put_uint(at, accuser);
    at = wire::put_uint(at, said.age_s);
    // A list has far more dead members than living ones at times, and nothing is sent to those.
    const bool living = is_living(said.state);
    at = living && record.serves.tells() ? wire::put_bin(at, record.serves.view())
                                         : wire::put_nil(at);
    return wire::put_uint(at, living ? record.store : 0);
}

// Reads the elements of one array; those after the last that is known are skipped by `close`.
struct elements {
    msgpack_cursor& in;
    std::uint32_t left = 0;

    bool open(std::uint32_t required) noexcept {
        if (!in.read_array(left) || left < required) return false;
        left -= required;
        return true;
    }
    // Whether the sender wrote the next element, which it may be too old for.
    bool more() noexcept { return left != 0 && left-- != 0; }
    bool close() noexcept {
        for (; left != 0; --left)
            if (!in.skip()) return false;
        return true;
    }
};

bool read_text(msgpack_cursor& in, std::string& out) {
    std::string_view text;
    if (!in.read_str(text) || text.size() > limits::text_bytes_max) return false;
    // It goes on to other nodes, and to all who ask for the members.
    if (!support::is_utf8(text)) return false;
    out = text;
    return true;
}

// Of those who did not tell it, it is not known.
bool read_serves(msgpack_cursor& in, cluster::served_set& out) {
    if (in.take_nil()) return true;
    bytes_view told;
    if (!in.read_bin(told) || !cluster::served_set::is_digest(told)) return false;
    out = cluster::served_set::told(told);
    return true;
}

// These return what is wrong, or null.

const char* read_record(msgpack_cursor& in, member_record& out) {
    if (!in.read_uint(out.instance) || out.instance == no_instance) {
        return "the instance of an update is not a positive integer";
    }
    if (!read_text(in, out.name) || out.name.empty()) {
        return "the name of an update is not a string of 1 to 255 bytes of UTF-8";
    }
    std::uint32_t count = 0;
    if (!in.read_array(count) || count > limits::endpoints_max) {
        return "the endpoints of an update are not an array of at most 64";
    }
    out.endpoints.resize(count);
    for (auto& endpoint : out.endpoints) {
        if (!read_text(in, endpoint))
            return "an endpoint is not a string of at most 255 bytes of UTF-8";
    }
    if (!read_text(in, out.version))
        return "a version is not a string of at most 255 bytes of UTF-8";
    if (!in.read_bool(out.draining)) return "draining is not a boolean";
    return nullptr;
}

const char* read_update(msgpack_cursor& in, std::vector<update>& out) {
    elements of{in};
    if (!of.open(update_elements_min)) return "an update is not an array of its 9 elements";
    std::uint32_t state = 0;
    update said;
    if (!in.read_uint(state)) return "the state of an update is not an unsigned integer";
    if (!in.read_uint(said.incarnation) || said.incarnation == 0 ||
        said.incarnation > limits::incarnation_max) {
        return "an incarnation is not a positive integer within its limit";
    }
    member_record record;
    if (const auto* problem = read_record(in, record)) return problem;
    std::uint32_t count = 0;
    if (!in.read_array(count) || count > limits::accusers_max) {
        return "the accusers of an update are not an array of at most 4";
    }
    said.accusers.resize(count);
    for (auto& accuser : said.accusers) {
        if (!in.read_uint(accuser)) return "an accuser is not an unsigned integer";
    }
    if (!in.read_uint(said.age_s)) return "the age of an update is not a 32-bit integer";
    if (of.more() && !read_serves(in, record.serves)) {
        return "what a member serves is neither nil nor a bin of at most 512 hashes";
    }
    if (of.more() && !in.read_uint(record.store)) return "a store is not an unsigned integer";
    if (!of.close()) return "the message ends inside an update";
    if (state > static_cast<std::uint32_t>(member_state::left)) return nullptr;
    said.state = static_cast<member_state>(state);
    said.record = std::make_shared<const member_record>(std::move(record));
    out.push_back(std::move(said));
    return nullptr;
}

const char* read_updates(msgpack_cursor& in, std::vector<update>& out) {
    std::uint32_t count = 0;
    if (!in.read_array(count) || count > limits::updates_max) {
        return "the updates are not an array of at most 1024";
    }
    for (; count != 0; --count) {
        if (const auto* problem = read_update(in, out)) return problem;
    }
    return nullptr;
}

const char* read_bits(msgpack_cursor& in, std::uint8_t& out) noexcept {
    std::uint32_t bits = 0;
    if (!in.read_uint(bits) || bits > limits::bucket_bits_max) {
        return "bucket_bits is not an integer of at most 12";
    }
    out = static_cast<std::uint8_t>(bits);
    return nullptr;
}

const char* read_digest(msgpack_cursor& in, message& out) {
    if (const auto* problem = read_bits(in, out.bucket_bits)) return problem;
    std::uint32_t count = 0;
    if (!in.read_array(count) || count != 1u << out.bucket_bits) {
        return "there is not one digest for each bucket";
    }
    out.digests.resize(count);
    for (auto& each : out.digests) {
        if (!in.read_uint(each)) return "a digest is not an unsigned integer";
    }
    return read_updates(in, out.updates);
}

const char* read_sync(msgpack_cursor& in, message& out) {
    if (const auto* problem = read_bits(in, out.bucket_bits)) return problem;
    if (!in.read_bool(out.wants_answer)) return "wants_answer is not a boolean";
    std::uint32_t count = 0;
    if (!in.read_array(count) || count > 1u << out.bucket_bits) {
        return "there are more buckets than the list has";
    }
    out.buckets.resize(count);
    for (auto& bucket : out.buckets) {
        if (!in.read_uint(bucket) || bucket >= 1u << out.bucket_bits) {
            return "a bucket is not one of the list's";
        }
    }
    return read_updates(in, out.updates);
}

const char* read_probe(msgpack_cursor& in, message& out) {
    if (!in.read_uint(out.sequence)) return "the sequence is not a 32-bit unsigned integer";
    if (!in.read_uint(out.target)) return "the target is not an unsigned integer";
    return read_updates(in, out.updates);
}

const char* read_drain_question(msgpack_cursor& in, message& out) {
    if (!in.read_uint(out.sequence)) return "the stamp is not a 32-bit unsigned integer";
    return read_updates(in, out.updates);
}

const char* read_drain_answer(msgpack_cursor& in, message& out) {
    if (!in.read_uint(out.sequence)) return "the stamp is not a 32-bit unsigned integer";
    std::uint32_t intent = 0;
    if (!in.read_uint(intent) || intent > static_cast<std::uint32_t>(drain_intent::leaves)) {
        return "the intent is not an integer of at most 2";
    }
    out.intent = static_cast<drain_intent>(intent);
    if (!in.read_uint(out.stamp)) return "the own stamp is not a 32-bit unsigned integer";
    return read_updates(in, out.updates);
}

}  // namespace

std::size_t encoded_bytes_max(const update& said) noexcept {
    const auto& record = *said.record;
    // Heads: the array, six numbers or texts, the flag, two inner arrays, the digest, and one for
    // each inner element.
    std::size_t bytes = 11 * msgpack_head_bytes_max + record.name.size() + record.version.size() +
                        said.accusers.size() * msgpack_head_bytes_max + record.serves.view().size();
    for (const auto& endpoint : record.endpoints) bytes += 3 + endpoint.size();
    return bytes;
}

const char* problem_of(const member_record& record) noexcept {
    if (record.instance == no_instance) return "the instance is 0";
    if (record.name.empty()) return "the name is empty";
    if (record.name.size() > limits::text_bytes_max) return "the name is longer than 255 bytes";
    if (!support::is_utf8(record.name)) return "the name is not UTF-8";
    if (record.version.size() > limits::text_bytes_max) {
        return "the version is longer than 255 bytes";
    }
    if (record.endpoints.size() > limits::endpoints_max) return "there are more than 64 endpoints";
    for (const auto& endpoint : record.endpoints) {
        if (endpoint.size() > limits::text_bytes_max) return "an endpoint has more than 255 bytes";
    }
    return nullptr;
}

void encode(const message& from, std::vector<std::byte>& out) {
    std::size_t bytes_max =
        (6 + from.digests.size() + from.buckets.size()) * msgpack_head_bytes_max;
    for (const auto& each : from.updates) bytes_max += encoded_bytes_max(each);
    out.resize(bytes_max);
    auto* const start = reinterpret_cast<std::uint8_t*>(out.data());
    auto* at = start;
    const auto kind = static_cast<std::uint64_t>(from.kind);
    switch (from.kind) {
        case message_kind::ping:
        case message_kind::ack:
        case message_kind::ping_req:
        case message_kind::nack:
            at = wire::put_uint(wire::put_array(at, 4), kind);
            at = wire::put_uint(at, from.sequence);
            at = wire::put_uint(at, from.target);
            break;
        case message_kind::gossip: at = wire::put_uint(wire::put_array(at, 2), kind); break;
        case message_kind::digest:
            at = wire::put_uint(wire::put_array(at, 4), kind);
            at = wire::put_uint(at, from.bucket_bits);
            at = wire::put_array(at, static_cast<std::uint32_t>(from.digests.size()));
            for (const auto each : from.digests) at = wire::put_uint(at, each);
            break;
        case message_kind::sync:
            at = wire::put_uint(wire::put_array(at, 5), kind);
            at = wire::put_uint(at, from.bucket_bits);
            at = put_bool(at, from.wants_answer);
            at = wire::put_array(at, static_cast<std::uint32_t>(from.buckets.size()));
            for (const auto each : from.buckets) at = wire::put_uint(at, each);
            break;
        case message_kind::drain_question:
            at = wire::put_uint(wire::put_array(at, 3), kind);
            at = wire::put_uint(at, from.sequence);
            break;
        case message_kind::drain_answer:
            at = wire::put_uint(wire::put_array(at, 5), kind);
            at = wire::put_uint(at, from.sequence);
            at = wire::put_uint(at, static_cast<std::uint64_t>(from.intent));
            at = wire::put_uint(at, from.stamp);
            break;
    }
    at = wire::put_array(at, static_cast<std::uint32_t>(from.updates.size()));
    for (const auto& each : from.updates) at = put_update(at, each);
    out.resize(static_cast<std::size_t>(at - start));
}

result<std::optional<message>> decode(bytes_view data) {
    const auto wrong = [](const char* what) {
        return result<std::optional<message>>(errc::invalid_argument,
                                              std::string("membership message: ") + what);
    };
    if (data.size() > limits::message_bytes_max) return wrong("it is longer than 1 MiB");
    msgpack_cursor in(data);
    elements of{in};
    std::uint32_t kind = 0;
    if (!of.open(1) || !in.read_uint(kind)) return wrong("it does not begin with a kind");

    message out;
    out.kind = static_cast<message_kind>(kind);
    std::uint32_t required = 0;
    const char* (*read)(msgpack_cursor&, message&) = nullptr;
    switch (kind) {
        case 1:
        case 2:
        case 3:
        case 4: required = 3, read = read_probe; break;
        case 5:
            required = 1;
            read = [](msgpack_cursor& from, message& into) {
                return read_updates(from, into.updates);
            };
            break;
        case 6: required = 3, read = read_digest; break;
        case 7: required = 4, read = read_sync; break;
        case 8: required = 2, read = read_drain_question; break;
        case 9: required = 4, read = read_drain_answer; break;
        default: return std::optional<message>();
    }
    if (of.left < required) return wrong("it has fewer elements than its kind needs");
    of.left -= required;
    if (const auto* problem = read(in, out)) return wrong(problem);
    if (!of.close() || !in.at_end()) return wrong("it does not end where its array ends");
    return std::optional<message>(std::move(out));
}

}  // namespace dunlin::runtime::membership
