// SPDX-License-Identifier: Apache-2.0
//
// Appends msgpack to a buffer of the C ABI.
//
// A function's reply is written straight into the memory that the node sends, so a writer owns
// nothing: it is a pointer to a `dunlin_buffer` that outlives it. Every value asks for the room it
// needs once and takes its shortest form. When the buffer's owner refuses to grow (the limit on
// payloads) a write throws `call_error` with `errc::invalid_argument`; the buffer then holds whole
// bytes of an unfinished value and is to be dropped. One writer, one thread.
#pragma once

#include <dunlin/abi.h>
#include <dunlin/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace dunlin {

class writer {
public:
    explicit writer(dunlin_buffer& to) noexcept : to_(&to) {}

    void nil() { byte(0xc0); }
    void boolean(bool value) { byte(value ? 0xc3 : 0xc2); }
    void integer(std::uint64_t value) {
        if (value < 0x80) return byte(static_cast<std::uint8_t>(value));
        wide_unsigned(value);
    }
    void integer(std::int64_t value) {
        if (value >= 0) return integer(static_cast<std::uint64_t>(value));
        wide_negative(value);
    }
    /// float32 for a float, float64 for a double.
    void real(float value);
    void real(double value);
    void text(std::string_view value) {
        if (value.size() >= 32) return long_text(value);
        std::uint8_t* at = room(1 + value.size());
        *at = static_cast<std::uint8_t>(0xa0u | value.size());
        if (!value.empty()) std::memcpy(at + 1, value.data(), value.size());
        to_->size += 1 + value.size();
    }
    void binary(bytes_view value);
    /// Announces an array; `count` values follow.
    void array(std::size_t count) {
        if (count < 16) return byte(static_cast<std::uint8_t>(0x90u | count));
        wide_array(count);
    }
    /// Announces a map; `count` pairs of key and value follow.
    void map(std::size_t count) {
        if (count < 16) return byte(static_cast<std::uint8_t>(0x80u | count));
        wide_map(count);
    }
    /// Appends bytes that are msgpack already; they are not looked at.
    void raw(bytes_view encoded) { raw(encoded.data(), encoded.size()); }
    void raw(const void* from, std::size_t count) {
        std::uint8_t* at = room(count);
        if (count != 0) std::memcpy(at, from, count);
        to_->size += count;
    }
    /// Makes room for `count` more bytes, so that the values that follow do not ask again.
    void reserve(std::size_t count) { static_cast<void>(room(count)); }

    [[nodiscard]] dunlin_buffer& buffer() const noexcept { return *to_; }

private:
    std::uint8_t* room(std::size_t count) {
        if (to_->capacity - to_->size < count) [[unlikely]]
            grow(count);
        return to_->data + to_->size;
    }
    void byte(std::uint8_t value) {
        *room(1) = value;
        ++to_->size;
    }
    void grow(std::size_t count);
    void wide_unsigned(std::uint64_t value);
    void wide_negative(std::int64_t value);
    void long_text(std::string_view value);
    void wide_array(std::size_t count);
    void wide_map(std::size_t count);
    std::uint32_t length(std::size_t count);

    dunlin_buffer* to_;
};

}  // namespace dunlin
