// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/store_record.hpp"

#include <string>

namespace dunlin::runtime::store {
namespace {

constexpr std::uint8_t without_recent = 1;
constexpr std::uint8_t with_recent = 2;
constexpr std::uint8_t present_flag = 1;

void put(std::byte* to, std::uint64_t number, unsigned bytes = 8) noexcept {
    for (unsigned i = 0; i < bytes; ++i) to[i] = static_cast<std::byte>(number >> (8 * i));
}

std::uint64_t get(const std::byte* from, unsigned bytes = 8) noexcept {
    std::uint64_t number = 0;
    for (unsigned i = 0; i < bytes; ++i)
        number |= std::to_integer<std::uint64_t>(from[i]) << (8 * i);
    return number;
}

error bad_record(const std::string& problem) {
    return {errc::unavailable, "a stored value is damaged: " + problem};
}

}  // namespace

written_head::written_head(const record_head& head, bytes_view recent) noexcept {
    auto& to = bytes_;
    to[0] = std::byte{recent.empty() ? without_recent : with_recent};
    to[1] = std::byte{head.present ? present_flag : std::uint8_t{0}};
    put(&to[2], head.version);
    put(&to[10], static_cast<std::uint64_t>(head.expires_ms));
    put(&to[18], static_cast<std::uint64_t>(head.written_ms));
    put(&to[26], head.writer.origin);
    put(&to[34], head.writer.id);
    if (recent.empty()) return;
    put(&to[record_head_bytes], recent.size(), 2);
    size_ = to.size();
}

result<record> read_record(bytes_view data) {
    if (data.size() < record_head_bytes)
        return bad_record("it has " + std::to_string(data.size()) + " bytes, fewer than a head");
    const auto format = std::to_integer<std::uint8_t>(data[0]);
    const auto flags = std::to_integer<std::uint8_t>(data[1]);
    if (format != without_recent && format != with_recent)
        return bad_record("it is of format " + std::to_string(format) +
                          ", and this version of Dunlin reads formats up to " +
                          std::to_string(with_recent));
    if ((flags & ~present_flag) != 0) return bad_record("it has flags that nobody knows");
    record read;
    read.head.present = flags == present_flag;
    read.head.version = get(&data[2]);
    read.head.expires_ms = static_cast<std::int64_t>(get(&data[10]));
    read.head.written_ms = static_cast<std::int64_t>(get(&data[18]));
    read.head.writer.origin = get(&data[26]);
    read.head.writer.id = get(&data[34]);
    read.value = data.subspan(record_head_bytes);
    if (format == with_recent) {
        const auto size = read.value.size() < 2 ? 0 : get(read.value.data(), 2);
        if (size == 0 || size > read.value.size() - 2)
            return bad_record("it ends inside of the calls that are kept beside it");
        read.recent = read.value.subspan(2, size);
        read.value = read.value.subspan(2 + size);
    }
    if (read.head.version == 0) return bad_record("it has no version");
    if (!read.head.present && !read.value.empty()) return bad_record("it was erased, and is not");
    return read;
}

}  // namespace dunlin::runtime::store
