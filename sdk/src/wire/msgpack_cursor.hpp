// SPDX-License-Identifier: Apache-2.0
//
// Reads msgpack from memory, value by value, where the caller says what comes next.
//
// The bytes come from strangers. Every length is compared with what is left before it is used,
// and skipping what is not understood walks a fixed stack instead of recursing: neither a
// truncated nor a deeply nested value can lead outside the memory. Strings and blobs are views
// into that memory; nothing is allocated and nothing is thrown. A read that fails returns false,
// leaves the cursor where it was and says why in `fault()`.
//
// A cursor is two pointers, made on the reader's stack. It belongs to one thread.
#pragma once

#include <dunlin/bytes.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

namespace dunlin::wire {

/// Containers inside containers that `msgpack_cursor::skip` follows before it gives up.
inline constexpr std::size_t msgpack_depth_max = 64;

/// A number stored in big-endian order at `from`, which needs no alignment.
template <std::unsigned_integral Number>
[[nodiscard]] inline Number load_big_endian(const void* from) noexcept {
    Number number;
    std::memcpy(&number, from, sizeof number);
    if constexpr (std::endian::native == std::endian::little) {
        if constexpr (sizeof number == 2) number = __builtin_bswap16(number);
        if constexpr (sizeof number == 4) number = __builtin_bswap32(number);
        if constexpr (sizeof number == 8) number = __builtin_bswap64(number);
    }
    return number;
}

/// `none`: nothing left, or the one byte that msgpack never uses.
enum class msgpack_type : std::uint8_t {
    none,
    nil,
    boolean,
    integer,
    real,
    str,
    bin,
    array,
    map,
    ext,
};

enum class msgpack_fault : std::uint8_t {
    none,
    truncated,  // the memory ends before the value does
    mismatch,   // a value of another type, or a number out of the range asked for
    depth,      // nested deeper than msgpack_depth_max
};

class msgpack_cursor {
public:
    explicit msgpack_cursor(bytes_view memory) noexcept
        : at_(memory.data()),
          end_(memory.data() + memory.size()) {}

    [[nodiscard]] const std::byte* position() const noexcept { return at_; }
    [[nodiscard]] std::size_t remaining() const noexcept {
        return static_cast<std::size_t>(end_ - at_);
    }
    [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }
    /// Why the last read that returned false did so.
    [[nodiscard]] msgpack_fault fault() const noexcept { return fault_; }

    /// The type of the next value, by its first byte alone.
    [[nodiscard]] msgpack_type peek() const noexcept;

    /// A number of the asked range, in any of msgpack's integer widths, signed or not.
    [[nodiscard]] bool read_uint(std::uint64_t& out) noexcept {
        if (at_ == end_) return fail(msgpack_fault::truncated);
        const std::uint8_t tag = tag_at(at_);
        if (tag < 0x80) {
            out = tag;
            ++at_;
            return true;
        }
        return read_wide_uint(tag, out);
    }
    [[nodiscard]] bool read_uint(std::uint32_t& out) noexcept {
        const auto* start = at_;
        std::uint64_t wide = 0;
        if (!read_uint(wide)) return false;
        if (wide > std::numeric_limits<std::uint32_t>::max()) {
            at_ = start;
            return fail(msgpack_fault::mismatch);
        }
        out = static_cast<std::uint32_t>(wide);
        return true;
    }
    [[nodiscard]] bool read_int(std::int64_t& out) noexcept;

    /// float32 or float64; integers are a mismatch.
    [[nodiscard]] bool read_real(double& out) noexcept;
    [[nodiscard]] bool read_bool(bool& out) noexcept;

    /// Consumes a nil if one is next. False without a fault when it is something else.
    [[nodiscard]] bool take_nil() noexcept {
        if (at_ == end_ || tag_at(at_) != 0xc0) return false;
        ++at_;
        return true;
    }

    [[nodiscard]] bool read_str(std::string_view& out) noexcept {
        if (at_ == end_) return fail(msgpack_fault::truncated);
        const std::uint8_t tag = tag_at(at_);
        bytes_view body;
        if ((tag & 0xe0) == 0xa0) {
            if (!take(1, tag & 0x1fu, body)) return false;
        } else if (tag == 0xd9) {
            if (!take_sized<std::uint8_t>(body)) return false;
        } else if (tag == 0xda) {
            if (!take_sized<std::uint16_t>(body)) return false;
        } else if (tag == 0xdb) {
            if (!take_sized<std::uint32_t>(body)) return false;
        } else {
            return fail(msgpack_fault::mismatch);
        }
        out = as_text(body);
        return true;
    }
    [[nodiscard]] bool read_bin(bytes_view& out) noexcept {
        if (at_ == end_) return fail(msgpack_fault::truncated);
        switch (tag_at(at_)) {
            case 0xc4: return take_sized<std::uint8_t>(out);
            case 0xc5: return take_sized<std::uint16_t>(out);
            case 0xc6: return take_sized<std::uint32_t>(out);
            default: return fail(msgpack_fault::mismatch);
        }
    }

    /// The number of elements that follow. It is at most `remaining()`, as each takes a byte.
    [[nodiscard]] bool read_array(std::uint32_t& count) noexcept {
        if (at_ == end_) return fail(msgpack_fault::truncated);
        const std::uint8_t tag = tag_at(at_);
        if ((tag & 0xf0) == 0x90) return take_count(1, tag & 0x0fu, 1, count);
        return read_wide_count(tag, 0xdc, 1, count);
    }
    /// The number of pairs that follow. It is at most `remaining() / 2`.
    [[nodiscard]] bool read_map(std::uint32_t& count) noexcept {
        if (at_ == end_) return fail(msgpack_fault::truncated);
        const std::uint8_t tag = tag_at(at_);
        if ((tag & 0xf0) == 0x80) return take_count(1, tag & 0x0fu, 2, count);
        return read_wide_count(tag, 0xde, 2, count);
    }

    /// Passes over one value that is not an array or a map; false without a fault for those.
    [[nodiscard]] bool skip_scalar() noexcept;
    /// Passes over one value of any type, containers with all they hold.
    [[nodiscard]] bool skip() noexcept;

private:
    static std::uint8_t tag_at(const std::byte* at) noexcept {
        return std::to_integer<std::uint8_t>(*at);
    }
    bool fail(msgpack_fault why) noexcept {
        fault_ = why;
        return false;
    }
    template <class Number>
    bool load(Number& out) noexcept {
        if (remaining() < 1 + sizeof out) return fail(msgpack_fault::truncated);
        out = load_big_endian<Number>(at_ + 1);
        return true;
    }
    bool take(std::size_t head_bytes, std::size_t body_bytes, bytes_view& out) noexcept {
        const std::size_t left = remaining();
        if (left < head_bytes || left - head_bytes < body_bytes) {
            return fail(msgpack_fault::truncated);
        }
        out = {at_ + head_bytes, body_bytes};
        at_ += head_bytes + body_bytes;
        return true;
    }
    template <class Length>
    bool take_sized(bytes_view& out, std::size_t type_bytes = 0) noexcept {
        Length length = 0;
        return load(length) && take(1 + sizeof length + type_bytes, length, out);
    }
    bool take_count(std::size_t head_bytes, std::uint32_t claimed, std::size_t values_each,
                    std::uint32_t& count) noexcept {
        if ((remaining() - head_bytes) / values_each < claimed) {
            return fail(msgpack_fault::truncated);
        }
        count = claimed;
        at_ += head_bytes;
        return true;
    }
    bool read_wide_count(std::uint8_t tag, std::uint8_t tag_16, std::size_t values_each,
                         std::uint32_t& count) noexcept {
        if (tag == tag_16) {
            std::uint16_t claimed = 0;
            return load(claimed) && take_count(3, claimed, values_each, count);
        }
        if (tag == tag_16 + 1) {
            std::uint32_t claimed = 0;
            return load(claimed) && take_count(5, claimed, values_each, count);
        }
        return fail(msgpack_fault::mismatch);
    }
    bool read_wide_uint(std::uint8_t tag, std::uint64_t& out) noexcept;
    template <class Stored>
    bool take_uint(std::uint64_t& out) noexcept;
    template <class Stored>
    bool take_int(std::int64_t& out) noexcept;

    const std::byte* at_;
    const std::byte* end_;
    msgpack_fault fault_ = msgpack_fault::none;
};

// -- numbers ---------------------------------------------------------------------------------

// Stored is the type on the wire; a signed one serves as unsigned while it is not negative.
template <class Stored>
inline bool msgpack_cursor::take_uint(std::uint64_t& out) noexcept {
    std::make_unsigned_t<Stored> raw = 0;
    if (!load(raw)) return false;
    if (std::is_signed_v<Stored> && static_cast<Stored>(raw) < 0) {
        return fail(msgpack_fault::mismatch);
    }
    out = raw;
    at_ += 1 + sizeof raw;
    return true;
}

template <class Stored>
inline bool msgpack_cursor::take_int(std::int64_t& out) noexcept {
    std::make_unsigned_t<Stored> raw = 0;
    if (!load(raw)) return false;
    out = static_cast<Stored>(raw);
    at_ += 1 + sizeof raw;
    return true;
}

inline bool msgpack_cursor::read_wide_uint(std::uint8_t tag, std::uint64_t& out) noexcept {
    switch (tag) {
        case 0xcc: return take_uint<std::uint8_t>(out);
        case 0xcd: return take_uint<std::uint16_t>(out);
        case 0xce: return take_uint<std::uint32_t>(out);
        case 0xcf: return take_uint<std::uint64_t>(out);
        case 0xd0: return take_uint<std::int8_t>(out);
        case 0xd1: return take_uint<std::int16_t>(out);
        case 0xd2: return take_uint<std::int32_t>(out);
        case 0xd3: return take_uint<std::int64_t>(out);
        default: return fail(msgpack_fault::mismatch);
    }
}

inline bool msgpack_cursor::read_int(std::int64_t& out) noexcept {
    if (at_ == end_) return fail(msgpack_fault::truncated);
    const std::uint8_t tag = tag_at(at_);
    if (tag < 0x80 || tag >= 0xe0) {
        out = static_cast<std::int8_t>(tag);
        ++at_;
        return true;
    }
    switch (tag) {
        case 0xd0: return take_int<std::int8_t>(out);
        case 0xd1: return take_int<std::int16_t>(out);
        case 0xd2: return take_int<std::int32_t>(out);
        case 0xd3: return take_int<std::int64_t>(out);
        default: break;
    }
    const auto* start = at_;
    std::uint64_t wide = 0;
    if (!read_wide_uint(tag, wide)) return false;
    if (wide > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        at_ = start;
        return fail(msgpack_fault::mismatch);
    }
    out = static_cast<std::int64_t>(wide);
    return true;
}

inline bool msgpack_cursor::read_real(double& out) noexcept {
    if (at_ == end_) return fail(msgpack_fault::truncated);
    if (tag_at(at_) == 0xca) {
        std::uint32_t raw = 0;
        if (!load(raw)) return false;
        out = static_cast<double>(std::bit_cast<float>(raw));
        at_ += 5;
        return true;
    }
    if (tag_at(at_) == 0xcb) {
        std::uint64_t raw = 0;
        if (!load(raw)) return false;
        out = std::bit_cast<double>(raw);
        at_ += 9;
        return true;
    }
    return fail(msgpack_fault::mismatch);
}

inline bool msgpack_cursor::read_bool(bool& out) noexcept {
    if (at_ == end_) return fail(msgpack_fault::truncated);
    const std::uint8_t tag = tag_at(at_);
    if (tag != 0xc2 && tag != 0xc3) return fail(msgpack_fault::mismatch);
    out = tag == 0xc3;
    ++at_;
    return true;
}

// -- any value -------------------------------------------------------------------------------

inline msgpack_type msgpack_cursor::peek() const noexcept {
    if (at_ == end_) return msgpack_type::none;
    const std::uint8_t tag = tag_at(at_);
    if (tag < 0x80 || tag >= 0xe0) return msgpack_type::integer;
    if (tag < 0x90) return msgpack_type::map;
    if (tag < 0xa0) return msgpack_type::array;
    if (tag < 0xc0) return msgpack_type::str;
    switch (tag) {
        case 0xc0: return msgpack_type::nil;
        case 0xc1: return msgpack_type::none;
        case 0xc2:
        case 0xc3: return msgpack_type::boolean;
        case 0xca:
        case 0xcb: return msgpack_type::real;
        case 0xdc:
        case 0xdd: return msgpack_type::array;
        case 0xde:
        case 0xdf: return msgpack_type::map;
        default: break;
    }
    if (tag <= 0xc6) return msgpack_type::bin;
    if (tag <= 0xc9) return msgpack_type::ext;
    if (tag <= 0xd3) return msgpack_type::integer;
    if (tag <= 0xd8) return msgpack_type::ext;
    return msgpack_type::str;
}

inline bool msgpack_cursor::skip_scalar() noexcept {
    if (at_ == end_) return fail(msgpack_fault::truncated);
    const std::uint8_t tag = tag_at(at_);
    bytes_view body;
    if (tag < 0x80 || tag >= 0xe0) return take(1, 0, body);
    if (tag >= 0xa0 && tag < 0xc0) return take(1, tag & 0x1fu, body);
    switch (tag) {
        case 0xc0:  // nil, false, true
        case 0xc2:
        case 0xc3: return take(1, 0, body);
        case 0xc4:  // bin, str
        case 0xd9: return take_sized<std::uint8_t>(body);
        case 0xc5:
        case 0xda: return take_sized<std::uint16_t>(body);
        case 0xc6:
        case 0xdb: return take_sized<std::uint32_t>(body);
        case 0xc7: return take_sized<std::uint8_t>(body, 1);  // ext: a type byte is before the body
        case 0xc8: return take_sized<std::uint16_t>(body, 1);
        case 0xc9: return take_sized<std::uint32_t>(body, 1);
        case 0xca: return take(1, 4, body);  // float32, float64
        case 0xcb: return take(1, 8, body);
        case 0xcc:  // unsigned and signed integers, whose last two bits say how many bytes
        case 0xcd:
        case 0xce:
        case 0xcf:
        case 0xd0:
        case 0xd1:
        case 0xd2:
        case 0xd3: return take(1, std::size_t{1} << (tag & 3u), body);
        case 0xd4:  // ext of 1, 2, 4, 8 and 16 bytes
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8: return take(2, std::size_t{1} << (tag - 0xd4u), body);
        case 0xc1: return fail(msgpack_fault::mismatch);  // msgpack never uses it
        default: fault_ = msgpack_fault::none; return false;
    }
}

inline bool msgpack_cursor::skip() noexcept {
    // Values that an outer container still owes, while an inner one is walked.
    std::uint64_t owed[msgpack_depth_max];
    std::size_t depth = 0;
    std::uint64_t due = 1;
    const auto* const start = at_;
    const auto give_up = [&](msgpack_fault why) {
        at_ = start;
        return fail(why);
    };
    for (;;) {
        while (due == 0) {
            if (depth == 0) return true;
            due = owed[--depth];
        }
        --due;
        if (skip_scalar()) {
            if (due == 0 && depth == 0) return true;
            continue;
        }
        if (fault_ != msgpack_fault::none) return give_up(fault_);
        std::uint32_t count = 0;
        const bool pairs = peek() == msgpack_type::map;
        if (!(pairs ? read_map(count) : read_array(count))) return give_up(fault_);
        if (count == 0) continue;
        if (depth == msgpack_depth_max) return give_up(msgpack_fault::depth);
        owed[depth++] = due;
        due = std::uint64_t{count} * (pairs ? 2 : 1);
    }
}

}  // namespace dunlin::wire
