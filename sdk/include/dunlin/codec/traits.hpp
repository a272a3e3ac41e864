// SPDX-License-Identifier: Apache-2.0
//
// Which types can travel, and how a type of your own joins them.
//
// `codec<T>` says how a T becomes msgpack and comes back. Dunlin has codecs for numbers, strings,
// containers, sums and every struct with DUNLIN_FIELDS. A type that needs a form of its own gets
// a specialisation:
//
//     template <> struct dunlin::codec<colour> {
//         static void encode(writer& to, const colour& c) { to.text(c.name()); }
//         static bool decode(reader& from, colour& c) {
//             std::string_view name;
//             if (!from.text(name)) return false;
//             return c.parse(name) || from.fail("expected a colour");
//         }
//     };
//
// `decode` returns false after telling the reader what was wrong; it throws only when memory runs
// out. Compile-time facts only: no state, no thread.
#pragma once

#include <concepts>
#include <type_traits>

namespace dunlin {

class reader;
class writer;

/// The customisation point. The primary template is empty: such a type cannot travel.
/// Optional members: `parts`, the types a T holds (a `type_list`), which lets `borrows_v` look
/// inside; `static std::string schema()`, a JSON Schema.
template <class T, class = void>
struct codec {};

template <class... Types>
struct type_list {};

template <class T>
concept encodable = requires(writer& to, const T& value) {
    codec<T>::encode(to, value);
};

template <class T>
concept decodable = requires(reader& from, T& value) {
    { codec<T>::decode(from, value) } -> std::same_as<bool>;
};

namespace detail {

template <class T, class... Seen>
constexpr bool borrows();

template <class... Seen, class... Parts>
constexpr bool any_borrows(type_list<Parts...>, type_list<Seen...>) {
    return (borrows<Parts, Seen...>() || ...);
}

// Seen holds the types on the way here, so that a type that contains itself ends the search.
template <class T, class... Seen>
constexpr bool borrows() {
    if constexpr ((std::is_same_v<T, Seen> || ...)) {
        return false;
    } else if constexpr (requires { codec<T>::borrows; }) {
        return codec<T>::borrows;
    } else if constexpr (requires { typename codec<T>::parts; }) {
        return any_borrows(typename codec<T>::parts{}, type_list<T, Seen...>{});
    } else {
        return false;
    }
}

}  // namespace detail

/// True when a decoded T points into the payload it came from (`std::string_view`, `bytes_view`,
/// `raw`, or anything that holds one). Such a type is a fine input, and never a reply's type.
template <class T>
inline constexpr bool borrows_v = detail::borrows<T>();

}  // namespace dunlin
