// SPDX-License-Identifier: Apache-2.0
#include "wire/msgpack_cursor.hpp"

#include <dunlin/codec/reader.hpp>

#include <array>

namespace dunlin {

// Every read works on a cursor over what is left; it moves only when the read succeeded, so an
// error can describe the value that stands there.

bool reader::nil() { return take_nil() || fail("expected nil"); }

bool reader::boolean(bool& out) {
    wire::msgpack_cursor cursor(rest());
    if (!cursor.read_bool(out)) return fail("expected boolean");
    at_ = cursor.position();
    return true;
}

bool reader::wide_unsigned(std::uint64_t& out, std::uint64_t max) {
    wire::msgpack_cursor cursor(rest());
    std::uint64_t value = 0;
    if (!cursor.read_uint(value) || value > max) {
        return fail_integer(max != std::numeric_limits<std::uint64_t>::max(), "0",
                            std::to_string(max));
    }
    out = value;
    at_ = cursor.position();
    return true;
}

bool reader::wide_signed(std::int64_t& out, std::int64_t min, std::int64_t max) {
    wire::msgpack_cursor cursor(rest());
    std::int64_t value = 0;
    if (!cursor.read_int(value) || value < min || value > max) {
        return fail_integer(max != std::numeric_limits<std::int64_t>::max(), std::to_string(min),
                            std::to_string(max));
    }
    out = value;
    at_ = cursor.position();
    return true;
}

bool reader::real(double& out) {
    wire::msgpack_cursor cursor(rest());
    std::int64_t whole = 0;
    std::uint64_t large = 0;
    if (cursor.read_real(out)) {
    } else if (cursor.read_int(whole)) {
        out = static_cast<double>(whole);
    } else if (cursor.read_uint(large)) {
        out = static_cast<double>(large);
    } else {
        return fail("expected number");
    }
    at_ = cursor.position();
    return true;
}

bool reader::long_text(std::string_view& out) {
    wire::msgpack_cursor cursor(rest());
    if (!cursor.read_str(out)) return fail("expected string");
    at_ = cursor.position();
    return true;
}

bool reader::binary(bytes_view& out) {
    wire::msgpack_cursor cursor(rest());
    std::string_view text;
    if (cursor.read_bin(out)) {
    } else if (cursor.read_str(text)) {
        out = as_bytes(text);
    } else {
        return fail("expected binary");
    }
    at_ = cursor.position();
    return true;
}

bool reader::enter() {
    if (depth_ == depth_max) return too_deep();
    ++depth_;
    return true;
}

bool reader::array(std::uint32_t& count) {
    wire::msgpack_cursor cursor(rest());
    if (!cursor.read_array(count)) return fail("expected array");
    if (!enter()) return false;
    at_ = cursor.position();
    return true;
}

bool reader::array_of(std::uint32_t count) {
    wire::msgpack_cursor cursor(rest());
    std::uint32_t announced = 0;
    if (!cursor.read_array(announced) || announced != count) {
        return fail("expected array of " + std::to_string(count));
    }
    if (!enter()) return false;
    at_ = cursor.position();
    return true;
}

bool reader::map(std::uint32_t& count) {
    wire::msgpack_cursor cursor(rest());
    if (!cursor.read_map(count)) return fail("expected map");
    if (!enter()) return false;
    at_ = cursor.position();
    return true;
}

bool reader::skip() {
    bytes_view ignored;
    return raw(ignored);
}

bool reader::raw(bytes_view& out) {
    wire::msgpack_cursor cursor(rest());
    if (cursor.skip_scalar()) {
        out = {at_, static_cast<std::size_t>(cursor.position() - at_)};
        at_ = cursor.position();
        return true;
    }
    // How many values each open container still owes. What has been entered already counts, so
    // a payload is as deep for one who skips a part as for one who reads it.
    std::array<std::uint64_t, depth_max> owed;
    std::size_t open = 0;
    for (;;) {
        const auto type = cursor.peek();
        if (type == wire::msgpack_type::array || type == wire::msgpack_type::map) {
            const bool pairs = type == wire::msgpack_type::map;
            std::uint32_t count = 0;
            if (!(pairs ? cursor.read_map(count) : cursor.read_array(count))) break;
            if (depth_ + open == depth_max) return too_deep();
            owed[open++] = std::uint64_t{count} * (pairs ? 2 : 1);
        } else if (!cursor.skip_scalar()) {
            break;
        } else if (open > 0) {
            --owed[open - 1];
        }
        while (open > 0 && owed[open - 1] == 0) {
            if (--open > 0) --owed[open - 1];
        }
        if (open > 0) continue;
        out = {at_, static_cast<std::size_t>(cursor.position() - at_)};
        at_ = cursor.position();
        return true;
    }
    return fail("expected a value");
}

kind reader::peek() const noexcept {
    switch (wire::msgpack_cursor(rest()).peek()) {
        case wire::msgpack_type::none: return kind::none;
        case wire::msgpack_type::nil: return kind::nil;
        case wire::msgpack_type::boolean: return kind::boolean;
        case wire::msgpack_type::integer: return kind::integer;
        case wire::msgpack_type::real: return kind::real;
        case wire::msgpack_type::str: return kind::text;
        case wire::msgpack_type::bin: return kind::binary;
        case wire::msgpack_type::array: return kind::array;
        case wire::msgpack_type::map: return kind::map;
        case wire::msgpack_type::ext: return kind::extension;
    }
    return kind::none;
}

}  // namespace dunlin
