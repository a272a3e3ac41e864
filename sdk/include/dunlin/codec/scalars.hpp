// SPDX-License-Identifier: Apache-2.0
//
// Codecs of the types without parts: nil, booleans, numbers, text, bytes, enums, durations.
//
// A number is only taken when the type can hold it: nothing wraps and nothing is cut. A float
// takes integers too. Views (`std::string_view`, `bytes_view`) point into the payload; `bytes`
// shares its memory where somebody owns it and copies where not. No state, any thread.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/codec/reader.hpp>
#include <dunlin/codec/traits.hpp>
#include <dunlin/codec/writer.hpp>

#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace dunlin {

template <>
struct codec<std::nullptr_t> {
    static void encode(writer& to, std::nullptr_t) { to.nil(); }
    static bool decode(reader& from, std::nullptr_t&) { return from.nil(); }
};

template <>
struct codec<std::monostate> {
    static void encode(writer& to, std::monostate) { to.nil(); }
    static bool decode(reader& from, std::monostate&) { return from.nil(); }
};

template <>
struct codec<bool> {
    static void encode(writer& to, bool value) { to.boolean(value); }
    static bool decode(reader& from, bool& value) { return from.boolean(value); }
};

template <std::integral T>
requires(sizeof(T) <= 8) struct codec<T> {
    using limits = std::numeric_limits<T>;
    using wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;

    static void encode(writer& to, T value) { to.integer(static_cast<wide>(value)); }
    static bool decode(reader& from, T& value) {
        wide read{};
        if constexpr (std::is_signed_v<T>) {
            if (!from.integer(read, limits::min(), limits::max())) return false;
        } else {
            if (!from.integer(read, limits::max())) return false;
        }
        value = static_cast<T>(read);
        return true;
    }
};

template <>
struct codec<double> {
    static void encode(writer& to, double value) { to.real(value); }
    static bool decode(reader& from, double& value) { return from.real(value); }
};

template <>
struct codec<float> {
    static void encode(writer& to, float value) { to.real(value); }
    /// Digits that a float does not have are rounded away; a number beyond its range is refused.
    static bool decode(reader& from, float& value) {
        double wide = 0;
        if (!from.real(wide)) return false;
        if (std::isfinite(wide) && std::abs(wide) > std::numeric_limits<float>::max()) {
            return from.fail_float(wide);
        }
        value = static_cast<float>(wide);
        return true;
    }
};

template <>
struct codec<std::string_view> {
    static constexpr bool borrows = true;
    static void encode(writer& to, std::string_view value) { to.text(value); }
    static bool decode(reader& from, std::string_view& value) { return from.text(value); }
};

template <>
struct codec<std::string> {
    static void encode(writer& to, const std::string& value) { to.text(value); }
    static bool decode(reader& from, std::string& value) {
        std::string_view view;
        if (!from.text(view)) return false;
        value.assign(view);
        return true;
    }
};

// Text literals can be sent; nothing decodes into them.
template <>
struct codec<const char*> {
    static void encode(writer& to, const char* value) { to.text(value); }
};
template <std::size_t Size>
struct codec<char[Size]> {
    static void encode(writer& to, const char (&value)[Size]) { to.text(value); }
};

template <>
struct codec<bytes_view> {
    static constexpr bool borrows = true;
    static void encode(writer& to, bytes_view value) { to.binary(value); }
    static bool decode(reader& from, bytes_view& value) { return from.binary(value); }
};

template <>
struct codec<bytes> {
    static void encode(writer& to, const bytes& value) { to.binary(value); }
    static bool decode(reader& from, bytes& value) {
        bytes_view view;
        if (!from.binary(view)) return false;
        value = from.owner() != nullptr ? bytes(*from.owner(), view) : bytes(view);
        return true;
    }
};

template <class Allocator>
struct codec<std::vector<std::byte, Allocator>> {
    static void encode(writer& to, const std::vector<std::byte, Allocator>& value) {
        to.binary(value);
    }
    static bool decode(reader& from, std::vector<std::byte, Allocator>& value) {
        bytes_view view;
        if (!from.binary(view)) return false;
        value.assign(view.begin(), view.end());
        return true;
    }
};

/// An enum travels as its integer. The range is that of its underlying type: a number without a
/// name is let through, as a newer peer may have named it.
template <class T>
requires std::is_enum_v<T>
struct codec<T> {
    using number = std::underlying_type_t<T>;
    using parts = type_list<number>;
    static void encode(writer& to, T value) {
        codec<number>::encode(to, static_cast<number>(value));
    }
    static bool decode(reader& from, T& value) {
        number read{};
        if (!codec<number>::decode(from, read)) return false;
        value = static_cast<T>(read);
        return true;
    }
};

/// A duration travels as its count: the unit is part of the type, so name it in the field.
template <class Rep, class Period>
struct codec<std::chrono::duration<Rep, Period>> {
    using duration = std::chrono::duration<Rep, Period>;
    using parts = type_list<Rep>;
    static void encode(writer& to, duration value) { codec<Rep>::encode(to, value.count()); }
    static bool decode(reader& from, duration& value) {
        Rep count{};
        if (!codec<Rep>::decode(from, count)) return false;
        value = duration(count);
        return true;
    }
};

}  // namespace dunlin
