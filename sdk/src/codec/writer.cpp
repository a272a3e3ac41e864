// SPDX-License-Identifier: Apache-2.0
#include "wire/msgpack_put.hpp"

#include <dunlin/codec/writer.hpp>
#include <dunlin/result.hpp>

#include <bit>
#include <limits>

namespace dunlin {

using wire::msgpack_head_bytes_max;

void writer::grow(std::size_t count) {
    const bool overflow = count > std::numeric_limits<std::size_t>::max() - to_->size;
    if (overflow || to_->grow(to_, to_->size + count) != 0) {
        throw call_error(
            {errc::invalid_argument, "the encoded value is larger than the limit on payloads"});
    }
}

std::uint32_t writer::length(std::size_t count) {
    if (count > std::numeric_limits<std::uint32_t>::max()) {
        throw call_error({errc::invalid_argument, "msgpack holds nothing of 4 GiB or more"});
    }
    return static_cast<std::uint32_t>(count);
}

void writer::wide_unsigned(std::uint64_t value) {
    std::uint8_t* at = room(msgpack_head_bytes_max);
    to_->size += static_cast<std::size_t>(wire::put_uint(at, value) - at);
}

void writer::wide_negative(std::int64_t value) {
    std::uint8_t* at = room(msgpack_head_bytes_max);
    to_->size += static_cast<std::size_t>(wire::put_int(at, value) - at);
}

void writer::real(float value) {
    std::uint8_t* at = room(msgpack_head_bytes_max);
    wire::put_tagged(at, 0xca, std::bit_cast<std::uint32_t>(value));
    to_->size += 1 + sizeof value;
}

void writer::real(double value) {
    std::uint8_t* at = room(msgpack_head_bytes_max);
    wire::put_tagged(at, 0xcb, std::bit_cast<std::uint64_t>(value));
    to_->size += 1 + sizeof value;
}

void writer::long_text(std::string_view value) {
    static_cast<void>(length(value.size()));
    std::uint8_t* at = room(msgpack_head_bytes_max + value.size());
    to_->size += static_cast<std::size_t>(wire::put_str(at, value) - at);
}

void writer::binary(bytes_view value) {
    static_cast<void>(length(value.size()));
    std::uint8_t* at = room(msgpack_head_bytes_max + value.size());
    to_->size += static_cast<std::size_t>(wire::put_bin(at, value) - at);
}

void writer::wide_array(std::size_t count) {
    std::uint8_t* at = room(msgpack_head_bytes_max);
    to_->size += static_cast<std::size_t>(wire::put_array(at, length(count)) - at);
}

void writer::wide_map(std::size_t count) {
    std::uint8_t* at = room(msgpack_head_bytes_max);
    to_->size += static_cast<std::size_t>(wire::put_map(at, length(count)) - at);
}

}  // namespace dunlin
