// SPDX-License-Identifier: Apache-2.0
//
// Codecs of the standard containers: sequences, sets and maps.
//
// What a payload's elements take once they are decoded is counted before they are made
// (`reader::take_memory`), so a few bytes cannot ask for gigabytes. A set merges equal elements; a
// map refuses a key that comes twice. No state, any thread.
#pragma once

#include <dunlin/codec/reader.hpp>
#include <dunlin/codec/traits.hpp>
#include <dunlin/codec/writer.hpp>

#include <array>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace dunlin {
namespace detail {

template <class Container>
void encode_elements(writer& to, const Container& values) {
    to.array(values.size());
    for (const auto& value : values) codec<typename Container::value_type>::encode(to, value);
}

/// What a node of a list, set or map takes beside its element, and a deque that is empty.
inline constexpr std::size_t node_bytes = 4 * sizeof(void*);
inline constexpr std::size_t deque_bytes = 600;

/// Makes room for `count` elements, if the payload may have so many of them.
template <class Container>
bool reserve_elements(reader& from, Container& values, std::uint32_t count) {
    constexpr bool contiguous = requires { values.data(); };
    constexpr bool paged = requires {
        values.shrink_to_fit();
        values.pop_front();
    };
    constexpr std::size_t element_bytes =
        sizeof(typename Container::value_type) + (contiguous || paged ? 0 : node_bytes);
    if (paged && !from.take_memory(1, deque_bytes)) return false;
    if (!from.take_memory(count, element_bytes)) return false;
    values.clear();
    if constexpr (requires { values.reserve(count); }) values.reserve(count);
    return true;
}

template <class Container>
struct sequence_codec {
    using element = typename Container::value_type;
    using parts = type_list<element>;
    static void encode(writer& to, const Container& values) { encode_elements(to, values); }
    static bool decode(reader& from, Container& values) {
        std::uint32_t count = 0;
        if (!from.array(count) || !reserve_elements(from, values, count)) return false;
        for (std::uint32_t i = 0; i < count; ++i) {
            if (!codec<element>::decode(from, values.emplace_back())) return from.in_index(i);
        }
        from.leave();
        return true;
    }
};

template <class Container>
struct set_codec {
    using element = typename Container::value_type;
    using parts = type_list<element>;
    static void encode(writer& to, const Container& values) { encode_elements(to, values); }
    static bool decode(reader& from, Container& values) {
        std::uint32_t count = 0;
        if (!from.array(count) || !reserve_elements(from, values, count)) return false;
        for (std::uint32_t i = 0; i < count; ++i) {
            element value{};
            if (!codec<element>::decode(from, value)) return from.in_index(i);
            values.insert(std::move(value));
        }
        from.leave();
        return true;
    }
};

template <class Container>
struct map_codec {
    using key = typename Container::key_type;
    using mapped = typename Container::mapped_type;
    using parts = type_list<key, mapped>;
    static void encode(writer& to, const Container& values) {
        to.map(values.size());
        for (const auto& [name, value] : values) {
            codec<key>::encode(to, name);
            codec<mapped>::encode(to, value);
        }
    }
    static bool decode(reader& from, Container& values) {
        std::uint32_t count = 0;
        if (!from.map(count) || !reserve_elements(from, values, count)) return false;
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::byte* const start = from.position();
            key name{};
            if (!codec<key>::decode(from, name)) return from.in_field("key") || from.in_index(i);
            const bytes_view encoded_key(start, from.position());
            const auto [place, fresh] = values.try_emplace(std::move(name));
            if (!fresh) {
                return from.fail_with("the key appears twice") || from.in_key(encoded_key);
            }
            if (!codec<mapped>::decode(from, place->second)) return from.in_key(encoded_key);
        }
        from.leave();
        return true;
    }
};

}  // namespace detail

template <class T, class Allocator>
struct codec<std::vector<T, Allocator>> : detail::sequence_codec<std::vector<T, Allocator>> {};
template <class T, class Allocator>
struct codec<std::deque<T, Allocator>> : detail::sequence_codec<std::deque<T, Allocator>> {};
template <class T, class Allocator>
struct codec<std::list<T, Allocator>> : detail::sequence_codec<std::list<T, Allocator>> {};

// Its elements are bits without an address.
template <class Allocator>
struct codec<std::vector<bool, Allocator>> {
    using parts = type_list<bool>;
    static void encode(writer& to, const std::vector<bool, Allocator>& values) {
        to.array(values.size());
        for (const bool value : values) to.boolean(value);
    }
    static bool decode(reader& from, std::vector<bool, Allocator>& values) {
        std::uint32_t count = 0;
        if (!from.array(count)) return false;
        values.clear();
        values.reserve(count);  // fewer bytes than the payload has
        for (std::uint32_t i = 0; i < count; ++i) {
            bool value = false;
            if (!from.boolean(value)) return from.in_index(i);
            values.push_back(value);
        }
        from.leave();
        return true;
    }
};

template <class T, std::size_t Size>
struct codec<std::array<T, Size>> {
    using parts = type_list<T>;
    static void encode(writer& to, const std::array<T, Size>& values) {
        to.array(Size);
        for (const T& value : values) codec<T>::encode(to, value);
    }
    static bool decode(reader& from, std::array<T, Size>& values) {
        if (!from.array_of(Size)) return false;
        for (std::size_t i = 0; i < Size; ++i) {
            if (!codec<T>::decode(from, values[i])) return from.in_index(i);
        }
        from.leave();
        return true;
    }
};

template <class T, class Less, class Allocator>
struct codec<std::set<T, Less, Allocator>> : detail::set_codec<std::set<T, Less, Allocator>> {};
template <class T, class Hash, class Equal, class Allocator>
struct codec<std::unordered_set<T, Hash, Equal, Allocator>>
    : detail::set_codec<std::unordered_set<T, Hash, Equal, Allocator>> {};

template <class Key, class T, class Less, class Allocator>
struct codec<std::map<Key, T, Less, Allocator>>
    : detail::map_codec<std::map<Key, T, Less, Allocator>> {};
template <class Key, class T, class Hash, class Equal, class Allocator>
struct codec<std::unordered_map<Key, T, Hash, Equal, Allocator>>
    : detail::map_codec<std::unordered_map<Key, T, Hash, Equal, Allocator>> {};

}  // namespace dunlin
