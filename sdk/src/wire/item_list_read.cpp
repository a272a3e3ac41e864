// SPDX-License-Identifier: Apache-2.0
#include "wire/item_list_read.hpp"

#include "cluster/served_set.hpp"

#include <algorithm>

namespace dunlin::wire {
namespace {

bool read_name(msgpack_cursor& in, std::string_view& out) noexcept {
    return in.read_str(out) && out.size() <= name_bytes_max;
}

bool read(msgpack_cursor& in, load_item& out) noexcept {
    std::uint32_t count = 0;
    if (!in.read_array(count) || count < 5) return false;
    if (!in.read_uint(out.function) || !in.read_uint(out.wait_ns) || !in.read_uint(out.step_ns) ||
        !in.read_uint(out.idle) || !in.read_uint(out.busy_permille))
        return false;
    out.in_flight = 0;
    out.room = 0;
    if (count == 6) return in.skip();
    if (count > 6 && !(in.read_uint(out.in_flight) && in.read_uint(out.room))) return false;
    for (; count > 7; --count)
        if (!in.skip()) return false;
    return true;
}

bool read(msgpack_cursor& in, catalog_item& out) noexcept {
    std::uint32_t count = 0;
    if (!in.read_array(count) || count < 3) return false;
    if (!read_name(in, out.name) || !read_name(in, out.module_version) || !in.read_uint(out.flags))
        return false;
    out.key_field = {};
    out.space = {};
    if (count > 3 && !read_name(in, out.key_field)) return false;
    if (count > 4 && !read_name(in, out.space)) return false;
    for (; count > 5; --count)
        if (!in.skip()) return false;
    return true;
}

bool read_endpoints(msgpack_cursor& in, member_item& out) noexcept {
    std::uint32_t count = 0;
    if (!in.read_array(count) || count > endpoints_max) return false;
    out.endpoint_count = count;
    return std::all_of(out.endpoints.begin(), out.endpoints.begin() + count,
                       [&](std::string_view& each) { return read_name(in, each); });
}

// nil, or the digest of what the member serves.
bool read_serves(msgpack_cursor& in, member_item& out) noexcept {
    out.tells_serves = !in.take_nil();
    out.serves = {};
    return !out.tells_serves ||
           (in.read_bin(out.serves) && cluster::served_set::is_digest(out.serves));
}

bool read(msgpack_cursor& in, member_item& out) noexcept {
    std::uint32_t count = 0;
    std::uint64_t state = 0;
    if (!in.read_array(count) || count < 4) return false;
    if (!in.read_uint(out.instance) || !read_name(in, out.name) || !in.read_uint(state))
        return false;
    // A state of a newer node is one that we know no use for, so it gets nothing new either.
    out.draining = state != 0;
    if (!read_endpoints(in, out)) return false;
    out.tells_serves = false;
    out.serves = {};
    if (count > 4 && !read_serves(in, out)) return false;
    for (; count > 5; --count)
        if (!in.skip()) return false;
    return true;
}

bool read(msgpack_cursor& in, key_item& out) noexcept {
    return in.read_bin(out.key) && !out.key.empty() && out.key.size() <= name_bytes_max;
}

bool read_part(msgpack_cursor& in, list_part& out) noexcept {
    return in.read_uint(out.first) && in.read_uint(out.total);
}

template <class Item>
bool read_items(msgpack_cursor& in, item_list& out) noexcept {
    if (!in.read_array(out.count) || out.count > items_max) return false;
    const auto* first = in.position();
    Item each;
    for (std::uint32_t i = 0; i < out.count; ++i)
        if (!read(in, each)) return false;
    out.encoded = {first, static_cast<std::size_t>(in.position() - first)};
    return true;
}

template <class Item>
bool take_item(item_list& from, Item& out) noexcept {
    if (from.count == 0) return false;
    msgpack_cursor in(from.encoded);
    if (!read(in, out)) return false;  // never: it was checked when the envelope was read
    --from.count;
    from.encoded = from.encoded.subspan(from.encoded.size() - in.remaining());
    return true;
}

}  // namespace

const char* read_loads(msgpack_cursor& in, item_list& out) noexcept {
    return read_items<load_item>(in, out)
               ? nullptr
               : "load: not an array of at most 1024 arrays of five or seven unsigned integers";
}

const char* read_catalog(msgpack_cursor& in, item_list& out) noexcept {
    if (!read_part(in, out.part)) return "catalog: first or total is not a 32-bit integer";
    return read_items<catalog_item>(in, out) ? nullptr
                                             : "catalog: not an array of at most 1024 functions, "
                                               "each a name, a version, flags, and "
                                               "maybe the path to a key and a space";
}

const char* read_members(msgpack_cursor& in, item_list& out) noexcept {
    if (!in.read_uint(out.part.view)) return "members: the view is not an unsigned integer";
    if (!read_part(in, out.part)) return "members: first or total is not a 32-bit integer";
    return read_items<member_item>(in, out)
               ? nullptr
               : "members: not an array of at most 1024 members, each an instance, a name, a "
                 "state, its endpoints and what it serves";
}

const char* read_offer(msgpack_cursor& in, item_list& out) noexcept {
    if (!read_name(in, out.space) || out.space.empty())
        return "offer: the space is not a string of 1 to 255 bytes";
    return read_items<key_item>(in, out)
               ? nullptr
               : "offer: not an array of at most 1024 keys, each a bin of 1 to 255 bytes";
}

bool take(item_list& from, load_item& out) noexcept { return take_item(from, out); }
bool take(item_list& from, catalog_item& out) noexcept { return take_item(from, out); }
bool take(item_list& from, member_item& out) noexcept { return take_item(from, out); }
bool take(item_list& from, key_item& out) noexcept { return take_item(from, out); }

}  // namespace dunlin::wire
