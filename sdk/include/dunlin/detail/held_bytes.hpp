// SPDX-License-Identifier: Apache-2.0
//
// About how much memory a value holds besides its own size.
//
// A cache that is bounded in bytes has to know what the objects in it take, and asks again whenever
// one has changed. So the answer is an estimate in constant time: of a container the first few
// elements stand for all, and what lies very deep counts for nothing. Types with a codec of their
// own are not looked into. Pure; any thread that may read the value.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/codec.hpp>
#include <dunlin/schema.hpp>

#include <concepts>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

namespace dunlin::detail {

inline constexpr std::size_t elements_looked_at = 16;
inline constexpr unsigned levels_looked_at = 8;
/// What a block of memory, and a node of a map or a list, take besides their content.
inline constexpr std::size_t block_overhead_bytes = 16;
inline constexpr std::size_t node_overhead_bytes = 48;

template <class T>
std::size_t held_bytes(const T& value, unsigned level = 0);

template <class T>
inline constexpr bool is_owning_pointer = std::derived_from<codec<T>, pointer_codec<T>>;
template <class T>
inline constexpr bool is_std_optional = false;
template <class T>
inline constexpr bool is_std_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_deque = false;
template <class T>
inline constexpr bool is_deque<std::deque<T>> = true;

template <class T>
concept sized_range = requires(const T& value) {
    typename T::value_type;
    value.size();
    value.begin();
    value.end();
};

/// What the container takes for its elements, without what these hold.
template <sized_range T>
std::size_t element_bytes(const T& value) {
    using element = typename T::value_type;
    if constexpr (is_array<T>) {
        return 0;
    } else if constexpr (std::is_same_v<T, std::vector<bool>>) {
        return value.capacity() / 8;
    } else if constexpr (requires { value.capacity(); }) {
        return value.capacity() * sizeof(element);
    } else if constexpr (is_deque<T>) {
        return value.size() * sizeof(element);
    } else {
        return value.size() * (sizeof(element) + node_overhead_bytes);
    }
}

template <sized_range T>
std::size_t held_by_elements(const T& value, unsigned level) {
    if constexpr (std::is_trivially_copyable_v<typename T::value_type>) {
        return 0;
    } else {
        std::size_t looked_at = 0;
        std::size_t sum = 0;
        for (const auto& each : value) {
            if (looked_at == elements_looked_at) break;
            sum += held_bytes(each, level);
            ++looked_at;
        }
        return looked_at == 0 ? 0 : sum * value.size() / looked_at;
    }
}

template <class T>
std::size_t held_bytes(const T& value, unsigned level) {
    if (level == levels_looked_at) return 0;
    ++level;
    if constexpr (std::is_trivially_copyable_v<T>) {
        return 0;
    } else if constexpr (std::is_same_v<T, std::string>) {
        // A short text lies within the string itself.
        return value.capacity() <= std::string().capacity() ? 0 : value.capacity() + 1;
    } else if constexpr (std::is_same_v<T, bytes>) {
        return value.size();
    } else if constexpr (is_std_optional<T>) {
        return value.has_value() ? held_bytes(*value, level) : 0;
    } else if constexpr (is_owning_pointer<T>) {
        return value == nullptr ? 0
                                : sizeof *value + block_overhead_bytes + held_bytes(*value, level);
    } else if constexpr (is_variant<T>) {
        if (value.valueless_by_exception()) return 0;
        return std::visit([&](const auto& held) { return held_bytes(held, level); }, value);
    } else if constexpr (is_tuple<T>) {
        return std::apply(
            [&](const auto&... member) {
                return (std::size_t{0} + ... + held_bytes(member, level));
            },
            value);
    } else if constexpr (described<T>) {
        return std::apply(
            [&](const auto&... field) {
                return (std::size_t{0} + ... + held_bytes(value.*field.member, level));
            },
            fields_of<T>);
    } else if constexpr (sized_range<T>) {
        return element_bytes(value) + held_by_elements(value, level);
    } else {
        return 0;
    }
}

}  // namespace dunlin::detail
