// SPDX-License-Identifier: Apache-2.0
#include "wire/key_field.hpp"

#include "support/log_text.hpp"

#include <charconv>

namespace dunlin::wire {
namespace {

found_key problem(key_problem what) noexcept { return {{}, what}; }

found_key checked(bytes_view key) noexcept {
    if (key.empty()) return problem(key_problem::empty);
    if (key.size() > name_bytes_max) return problem(key_problem::too_long);
    return {key};
}

template <class Number>
found_key in_digits(Number value, key_digits& digits) noexcept {
    const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return {as_bytes({digits.data(), static_cast<std::size_t>(end - digits.data())})};
}

/// Leads the cursor to the value of a field of the map that comes next.
key_problem enter_field(msgpack_cursor& in, std::string_view name) noexcept {
    if (in.peek() != msgpack_type::map)
        return in.peek() == msgpack_type::none ? key_problem::malformed : key_problem::no_map;
    std::uint32_t pairs = 0;
    if (!in.read_map(pairs)) return key_problem::malformed;
    for (; pairs != 0; --pairs) {
        std::string_view found;
        // Other keys than texts name no field.
        if (in.read_str(found)) {
            if (found == name) return key_problem::none;
        } else if (!in.skip()) {
            return key_problem::malformed;
        }
        if (!in.skip()) return key_problem::malformed;
    }
    return key_problem::absent;
}

found_key take_key(msgpack_cursor& in, key_digits& digits) noexcept {
    switch (in.peek()) {
        case msgpack_type::str: {
            std::string_view text;
            return in.read_str(text) ? checked(as_bytes(text)) : problem(key_problem::malformed);
        }
        case msgpack_type::bin: {
            bytes_view bytes;
            return in.read_bin(bytes) ? checked(bytes) : problem(key_problem::malformed);
        }
        case msgpack_type::integer: {
            std::int64_t whole = 0;
            if (in.read_int(whole)) return in_digits(whole, digits);
            std::uint64_t large = 0;
            if (in.read_uint(large)) return in_digits(large, digits);
            return problem(key_problem::malformed);
        }
        case msgpack_type::none: return problem(key_problem::malformed);
        default: return problem(key_problem::wrong_type);
    }
}

}  // namespace

found_key find_key(bytes_view payload, std::string_view path, key_digits& digits) noexcept {
    msgpack_cursor in(payload);
    for (;;) {
        const auto dot = path.find('.');
        if (const auto wrong = enter_field(in, path.substr(0, dot)); wrong != key_problem::none)
            return problem(wrong);
        if (dot == std::string_view::npos) return take_key(in, digits);
        path.remove_prefix(dot + 1);
    }
}

std::string describe(key_problem problem, std::string_view path) {
    // The path comes from a node's module, which is not ours.
    std::string text = "the key is the field ";
    support::append_log_value(text, path);
    text += " of the input, ";
    switch (problem) {
        case key_problem::none: return text + "which is there";
        case key_problem::malformed: return text + "which is not well-formed msgpack up to there";
        case key_problem::no_map: return text + "which has no map where that would be";
        case key_problem::absent: return text + "which has no such field";
        case key_problem::wrong_type:
            return text + "and what it holds is neither text nor bytes nor an integer";
        case key_problem::empty: return text + "and it is empty";
        case key_problem::too_long:
            return text + "and it is longer than " + std::to_string(name_bytes_max) + " bytes";
    }
    return text;
}

}  // namespace dunlin::wire
