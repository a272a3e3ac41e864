// SPDX-License-Identifier: Apache-2.0
//
// Takes keys out of payloads that nobody has checked.
//
// Method: up to the first zero byte the input is a path, behind it a payload, in a block of exactly
// its size. A key lies in the payload or in the digits, has 1 to 255 bytes, and is found again
// whatever follows the payload; digits are those of a number. A problem is told with the path, and
// cutting a payload gives no other key than the whole one.
#include "wire/key_field.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace dunlin;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "key_field_fuzz: %s\n", what);
    std::abort();
}

bool lies_in(bytes_view key, const void* first, std::size_t size) {
    const std::less_equal<const void*> at_or_before;
    const auto* begin = static_cast<const std::byte*>(first);
    return at_or_before(begin, key.data()) && at_or_before(key.data() + key.size(), begin + size);
}

/// The key, as text; empty when there is a problem.
std::string key_of(bytes_view payload, std::string_view path) {
    wire::key_digits digits{};
    const auto found = wire::find_key(payload, path, digits);
    if (found.problem != wire::key_problem::none) {
        require(found.key.empty(), "a key beside a problem");
        const auto said = wire::describe(found.problem, path);
        require(said.starts_with("the key is the field ") && said.size() > 30, "no sentence");
        require(said.find('\n') == std::string::npos, "a sentence of several lines");
        return {};
    }
    require(!found.key.empty() && found.key.size() <= wire::name_bytes_max, "a key's size");
    if (!lies_in(found.key, payload.data(), payload.size())) {
        require(lies_in(found.key, digits.data(), digits.size()), "a key from nowhere");
        const auto text = as_text(found.key);
        require(text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) == text.npos,
                "digits that are none");
    }
    return std::string(as_text(found.key));
}

/// The same with a block of exactly that size, so that a sanitizer sees a look behind it.
std::string key_of_copy(const std::uint8_t* data, std::size_t size, std::string_view path) {
    const std::unique_ptr<std::byte[]> block(new std::byte[size]);
    if (size != 0) std::memcpy(block.get(), data, size);
    return key_of({block.get(), size}, path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto* end =
        size == 0 ? nullptr : static_cast<const std::uint8_t*>(std::memchr(data, 0, size));
    if (end == nullptr) return 0;
    const std::string path(data, end);
    const auto* payload = end + 1;
    const auto payload_size = size - path.size() - 1;
    const auto whole = key_of_copy(payload, payload_size, path);
    for (std::size_t cut = 0; cut < payload_size && cut < 64; ++cut) {
        const auto part = key_of_copy(payload, cut, path);
        require(part.empty() || part == whole, "another key in a payload that is cut");
    }
    if (whole.empty()) return 0;
    std::string longer(payload, payload + payload_size);
    longer += "\xc1 and more";
    require(key_of(as_bytes(longer), path) == whole, "what follows changes the key");
    return 0;
}
