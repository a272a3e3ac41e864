// SPDX-License-Identifier: Apache-2.0
//
// The words of decode errors. Nothing here runs while payloads fit their types.
#include "wire/msgpack_cursor.hpp"

#include <dunlin/codec/reader.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace dunlin {
namespace {

constexpr std::size_t excerpt_bytes_max = 40;

// The texts of strangers end in logs and on terminals: anything but plain ASCII is escaped.
std::string in_quotes(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text.substr(0, excerpt_bytes_max)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            out += "\\x";
            out += digits[byte >> 4];
            out += digits[byte & 15u];
        } else {
            out += c;
        }
    }
    if (text.size() > excerpt_bytes_max) out += "...";
    return out += '"';
}

std::string number(double value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    const std::string text(digits.data(), end);
    // 3.0 is not to look like the integer that was wanted.
    const bool whole = text.find_first_not_of("-0123456789") == std::string::npos;
    return whole ? text + ".0" : text;
}

// An integer's digits; empty when the next value is none.
std::string integer_digits(bytes_view encoded) {
    wire::msgpack_cursor cursor(encoded);
    std::int64_t value = 0;
    std::uint64_t large = 0;
    if (cursor.read_int(value)) return std::to_string(value);
    if (cursor.read_uint(large)) return std::to_string(large);
    return {};
}

std::string described(bytes_view encoded) {
    wire::msgpack_cursor cursor(encoded);
    std::string_view text;
    bytes_view binary;
    std::uint32_t count = 0;
    bool flag = false;
    double real = 0;
    switch (cursor.peek()) {
        case wire::msgpack_type::nil: return "nil";
        case wire::msgpack_type::boolean:
            return cursor.read_bool(flag) && flag ? "boolean true" : "boolean false";
        case wire::msgpack_type::integer: return "integer " + integer_digits(encoded);
        case wire::msgpack_type::real:
            return cursor.read_real(real) ? "number " + number(real) : "number";
        case wire::msgpack_type::str:
            return cursor.read_str(text) ? "string " + in_quotes(text) : "string";
        case wire::msgpack_type::bin:
            return cursor.read_bin(binary) ? "binary of " + std::to_string(binary.size()) + " bytes"
                                           : "binary";
        case wire::msgpack_type::array:
            return cursor.read_array(count) ? "array of " + std::to_string(count) : "array";
        case wire::msgpack_type::map:
            return cursor.read_map(count) ? "map of " + std::to_string(count) : "map";
        case wire::msgpack_type::ext: return "extension";
        case wire::msgpack_type::none: break;
    }
    return "a byte that msgpack does not use";
}

}  // namespace

struct reader::failure {
    std::string path;
    std::string sentence;
};

void reader::drop_failure() noexcept { delete failure_; }

std::string reader::what_comes() const {
    const bytes_view left = rest();
    if (begin_ == end_) return ", but the payload is empty";
    wire::msgpack_cursor cursor(left);
    // Only a whole value can be described; nesting that is too deep is whole enough.
    if (!cursor.skip() && cursor.fault() == wire::msgpack_fault::truncated) {
        return ", but the payload ends after " + std::to_string(end_ - begin_) + " bytes";
    }
    return ", got " + described(left);
}

bool reader::fail(std::string_view wanted) { return fail_with(std::string(wanted) + what_comes()); }

bool reader::fail_with(std::string sentence) {
    // The first error is the cause; a codec that goes on after it cannot hide it.
    if (failure_ == nullptr) failure_ = new failure{{}, std::move(sentence)};
    return false;
}

bool reader::fail_integer(bool narrow, const std::string& from, const std::string& to) {
    const std::string came = integer_digits(rest());
    const std::string range = "expected integer from " + from + " to " + to;
    if (!came.empty()) return fail_with(range + ", got " + came);
    return fail(narrow ? range : "expected integer");
}

bool reader::fail_float(double came) {
    return fail_with("expected number in the range of a 32-bit float, got " + number(came));
}

bool reader::too_deep() {
    return fail_with("nested deeper than " + std::to_string(depth_max) + " levels");
}

bool reader::too_large() {
    constexpr std::size_t mib = std::size_t{1} << 20;
    const auto size = static_cast<std::size_t>(end_ - begin_);
    return fail_with("the elements of a payload of " + std::to_string(size) + " bytes may take " +
                     std::to_string((size * memory_factor + memory_bytes_free) / mib) +
                     " MiB once they are decoded, and these take more");
}

bool reader::trailing() {
    const std::size_t left = remaining();
    return fail_with(std::to_string(left) + (left == 1 ? " byte follows" : " bytes follow") +
                     " the value");
}

bool reader::step(std::string segment) {
    if (failure_ != nullptr) failure_->path.insert(0, segment);
    return false;
}

bool reader::in_field(std::string_view name) { return step("." + std::string(name)); }

bool reader::in_index(std::size_t index) { return step("[" + std::to_string(index) + "]"); }

bool reader::in_key(std::string_view text) { return step("[" + in_quotes(text) + "]"); }

bool reader::in_key(bytes_view encoded_key) {
    wire::msgpack_cursor cursor(encoded_key);
    std::string_view text;
    if (cursor.read_str(text)) return in_key(text);
    const std::string digits = integer_digits(encoded_key);
    return step("[" + (digits.empty() ? described(encoded_key) : digits) + "]");
}

error reader::take_error(std::string_view root) {
    if (failure_ == nullptr) return {errc::internal, "a codec refused a value without a reason"};
    error why{errc::invalid_argument, std::string(root)};
    why.detail += failure_->path;
    why.detail += ": ";
    why.detail += failure_->sentence;
    return why;
}

}  // namespace dunlin
