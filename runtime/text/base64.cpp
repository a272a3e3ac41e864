// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/base64.hpp"

#include <cstdint>

namespace dunlin::runtime {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_from(bytes_view data) {
    std::string text;
    text.reserve((data.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < data.size(); at += 3) {
        const std::size_t left = data.size() - at;
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i)
            group = group << 8 | (i < left ? std::to_integer<std::uint32_t>(data[at + i]) : 0);
        for (std::size_t i = 0; i < 4; ++i)
            text += i <= left ? digits[group >> (18 - 6 * i) & 63] : '=';
    }
    return text;
}

std::optional<std::vector<std::byte>> bytes_from_base64(std::string_view text) {
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
    if (text.size() % 4 == 1) return std::nullopt;
    std::vector<std::byte> data;
    data.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t group = 0;
    std::uint32_t bits = 0;
    for (const char c : text) {
        const auto digit = digits.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        group = group << 6 | static_cast<std::uint32_t>(digit);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        data.push_back(static_cast<std::byte>(group >> bits & 0xff));
    }
    return data;
}

}  // namespace dunlin::runtime
