// SPDX-License-Identifier: Apache-2.0
//
// Writes msgpack into memory that is known to be large enough.
//
// An encoder first reserves the most that its value can take and then writes without asking
// again, so each of these functions is a compare and a store: it writes at `at` and returns
// where the next byte goes. `msgpack_head_bytes_max` is the room a number or a head may need.
// Integers and lengths take their shortest form. No state, any thread.
#pragma once

#include <dunlin/bytes.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace dunlin::wire {

/// The longest number or head: a tag and eight bytes.
inline constexpr std::size_t msgpack_head_bytes_max = 9;

template <std::unsigned_integral Number>
inline std::uint8_t* store_big_endian(std::uint8_t* at, Number number) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        if constexpr (sizeof number == 2) number = __builtin_bswap16(number);
        if constexpr (sizeof number == 4) number = __builtin_bswap32(number);
        if constexpr (sizeof number == 8) number = __builtin_bswap64(number);
    }
    std::memcpy(at, &number, sizeof number);
    return at + sizeof number;
}

template <std::unsigned_integral Number>
inline std::uint8_t* put_tagged(std::uint8_t* at, std::uint8_t tag, Number number) noexcept {
    *at = tag;
    return store_big_endian(at + 1, number);
}

inline std::uint8_t* put_nil(std::uint8_t* at) noexcept {
    *at = 0xc0;
    return at + 1;
}

inline std::uint8_t* put_bool(std::uint8_t* at, bool value) noexcept {
    *at = value ? 0xc3 : 0xc2;
    return at + 1;
}

inline std::uint8_t* put_uint(std::uint8_t* at, std::uint64_t number) noexcept {
    if (number < 0x80) {
        *at = static_cast<std::uint8_t>(number);
        return at + 1;
    }
    if (number <= 0xff) return put_tagged(at, 0xcc, static_cast<std::uint8_t>(number));
    if (number <= 0xffff) return put_tagged(at, 0xcd, static_cast<std::uint16_t>(number));
    if (number <= 0xffff'ffff) return put_tagged(at, 0xce, static_cast<std::uint32_t>(number));
    return put_tagged(at, 0xcf, number);
}

inline std::uint8_t* put_int(std::uint8_t* at, std::int64_t number) noexcept {
    if (number >= 0) return put_uint(at, static_cast<std::uint64_t>(number));
    if (number >= -0x20) {
        *at = static_cast<std::uint8_t>(number);
        return at + 1;
    }
    if (number >= -0x80) return put_tagged(at, 0xd0, static_cast<std::uint8_t>(number));
    if (number >= -0x8000) return put_tagged(at, 0xd1, static_cast<std::uint16_t>(number));
    if (number >= -0x8000'0000LL) return put_tagged(at, 0xd2, static_cast<std::uint32_t>(number));
    return put_tagged(at, 0xd3, static_cast<std::uint64_t>(number));
}

inline std::uint8_t* put_array(std::uint8_t* at, std::uint32_t count) noexcept {
    if (count < 0x10) {
        *at = static_cast<std::uint8_t>(0x90u | count);
        return at + 1;
    }
    if (count <= 0xffff) return put_tagged(at, 0xdc, static_cast<std::uint16_t>(count));
    return put_tagged(at, 0xdd, count);
}

inline std::uint8_t* put_map(std::uint8_t* at, std::uint32_t count) noexcept {
    if (count < 0x10) {
        *at = static_cast<std::uint8_t>(0x80u | count);
        return at + 1;
    }
    if (count <= 0xffff) return put_tagged(at, 0xde, static_cast<std::uint16_t>(count));
    return put_tagged(at, 0xdf, count);
}

/// The head of a blob in its longest form, whose length can be filled in later at `at + 1`.
inline std::uint8_t* put_bin32_head(std::uint8_t* at, std::uint32_t length) noexcept {
    return put_tagged(at, 0xc6, length);
}

inline std::uint8_t* put_bin_head(std::uint8_t* at, std::uint32_t length) noexcept {
    if (length <= 0xff) return put_tagged(at, 0xc4, static_cast<std::uint8_t>(length));
    if (length <= 0xffff) return put_tagged(at, 0xc5, static_cast<std::uint16_t>(length));
    return put_bin32_head(at, length);
}

inline std::uint8_t* put_str_head(std::uint8_t* at, std::uint32_t length) noexcept {
    if (length < 0x20) {
        *at = static_cast<std::uint8_t>(0xa0u | length);
        return at + 1;
    }
    if (length <= 0xff) return put_tagged(at, 0xd9, static_cast<std::uint8_t>(length));
    if (length <= 0xffff) return put_tagged(at, 0xda, static_cast<std::uint16_t>(length));
    return put_tagged(at, 0xdb, length);
}

inline std::uint8_t* put_raw(std::uint8_t* at, const void* from, std::size_t count) noexcept {
    if (count != 0) std::memcpy(at, from, count);
    return at + count;
}

/// `text` and `data` are shorter than 4 GiB.
inline std::uint8_t* put_str(std::uint8_t* at, std::string_view text) noexcept {
    at = put_str_head(at, static_cast<std::uint32_t>(text.size()));
    return put_raw(at, text.data(), text.size());
}
inline std::uint8_t* put_bin(std::uint8_t* at, bytes_view data) noexcept {
    at = put_bin_head(at, static_cast<std::uint32_t>(data.size()));
    return put_raw(at, data.data(), data.size());
}

}  // namespace dunlin::wire
