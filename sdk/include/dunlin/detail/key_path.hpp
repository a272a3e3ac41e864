// SPDX-License-Identifier: Apache-2.0
//
// Which field of a function's input is the key of its calls, as authors and the wire name it.
//
// An author points to a member, or to one of a struct within the input; what travels is a path of
// field names, "visitor" or "customer.id", so that nodes and clients find the key without the
// module (wire/key_field.hpp). Keys are text, bytes or integers. A member of another type, or of a
// struct that is no payload, stops the build; whether a function's own input has the field is
// looked up when the module is loaded. Pure.
#pragma once

#include <dunlin/codec.hpp>
#include <dunlin/schema.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace dunlin::detail {

/// Whether values of a T can be keys.
template <class T>
inline constexpr bool can_be_key =
    (std::integral<T> && !std::is_same_v<T, bool>) || is_text<T> || is_binary<T>;

/// What an input has under a path.
enum class key_field_kind : std::uint8_t {
    key,        // what can be a key
    other,      // a value of another type
    none,       // no such field
    not_known,  // whoever made the input's codec knows
};

// -- from members to a path ----------------------------------------------------------------------

/// @returns the name under which DUNLIN_FIELDS lists the member; empty: it does not.
template <class Struct, class Member>
std::string_view name_of_field(Member Struct::*wanted) {
    std::string_view name;
    const auto look = [&](const auto& field) {
        if constexpr (std::is_same_v<decltype(field.member), Member Struct::*>)
            if (field.member == wanted) name = field.name;
    };
    std::apply([&](const auto&... field) { (look(field), ...); }, fields_of<Struct>);
    return name;
}

template <class Struct, class Member, class... Inner>
void append_key_path(std::string& to, Member Struct::*outer, Inner... inner);

template <class Member>
constexpr void append_inner_path(std::string& /*to*/) {
    static_assert(can_be_key<Member>,
                  "a key is text, bytes or an integer: name a field of such a type, if need be "
                  "behind the struct that holds it, as in keyed_by(&order::customer, "
                  "&customer::id)");
}

template <class Outer, class Struct, class Member, class... Inner>
void append_inner_path(std::string& to, Member Struct::*next, Inner... inner) {
    constexpr bool inside = std::is_base_of_v<Struct, Outer>;
    static_assert(inside,
                  "each member given to keyed_by lies in the one before it, as in "
                  "keyed_by(&order::customer, &customer::id)");
    if constexpr (inside) {
        to += '.';
        append_key_path(to, next, inner...);
    }
}

template <class Struct, class Member, class... Inner>
void append_key_path(std::string& to, Member Struct::*outer, Inner... inner) {
    static_assert(described<Struct>,
                  "keyed_by names a member of the function's input, which needs DUNLIN_FIELDS; a "
                  "field can be named by its text, too: keyed_by(\"visitor\")");
    if constexpr (described<Struct>) {
        const auto name = name_of_field(outer);
        if (name.empty())
            throw std::invalid_argument("keyed_by names a member of " +
                                        std::string(type_name<Struct>()) +
                                        " that is no field: name it in DUNLIN_FIELDS, too");
        to += name;
        append_inner_path<Member>(to, inner...);
    }
}

// -- from a path to what is there ----------------------------------------------------------------

template <class First>
key_field_kind find_in_first_part(type_list<First>, std::string_view path);

/// What a T has under the path, which is empty for the T itself.
template <class T>
key_field_kind find_key_field(std::string_view path) {
    if (path.empty()) return can_be_key<T> ? key_field_kind::key : key_field_kind::other;
    if constexpr (described<T>) {
        const auto first = path.substr(0, path.find('.'));
        const auto rest = path.substr(std::min(path.size(), first.size() + 1));
        // "a." names nothing behind the dot.
        if (rest.empty() && first.size() != path.size()) return key_field_kind::none;
        auto found = key_field_kind::none;
        const auto look = [&](const auto& field) {
            using member = typename std::remove_cvref_t<decltype(field)>::member_type;
            if (field.name == first) found = find_key_field<member>(rest);
        };
        std::apply([&](const auto&... field) { (look(field), ...); }, fields_of<T>);
        return found;
    } else if constexpr (is_optional<T>) {
        return find_in_first_part(typename codec<T>::parts{}, path);
    } else if constexpr (std::derived_from<codec<T>, map_codec<T>>) {
        return key_field_kind::not_known;
    } else if constexpr (std::is_arithmetic_v<T> || is_text<T> || is_binary<T> ||
                         requires { typename codec<T>::parts; }) {
        return key_field_kind::none;
    } else {
        return key_field_kind::not_known;
    }
}

template <class First>
key_field_kind find_in_first_part(type_list<First>, std::string_view path) {
    return find_key_field<First>(path);
}

}  // namespace dunlin::detail
