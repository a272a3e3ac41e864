// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with a struct's DUNLIN_FIELDS, said in a sentence where the struct is used.
//
// Without this a field of a type that cannot travel ends in pages of templates, and a base's fields
// are left out in silence: a derived struct hides the description of its base, or is taken for it.
// C++20 cannot list a type's bases, so each description leaves two declarations in its struct.
// `dunlin_owner` gives the struct that it stands in, which tells an inherited description. And a
// conversion to a mark of its own, of which all marks are a kind: derived structs do not hide the
// conversions of their bases, so a struct with two descriptions is ambiguous as a mark. Nothing is
// ever called or defined. Compile time only.
#pragma once

#include <dunlin/codec/traits.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace dunlin::detail {

// -- bases
// ------------------------------------------------------------------------------------------

struct any_description_mark {};

template <std::uint64_t Number>
struct description_mark : any_description_mark {};

/// The same in every source file that sees the struct, and another one for nearly every struct.
constexpr std::uint64_t description_number(std::string_view fields, std::uint64_t line) {
    std::uint64_t hash = 0xcbf29ce484222325u ^ line;  // FNV-1a
    for (const char c : fields) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
    return hash;
}

/// What DUNLIN_BASE names, and the struct in which it does.
template <class Owner, class... Bases>
struct base_list {
    using owner = std::remove_const_t<std::remove_pointer_t<Owner>>;
    using types = type_list<Bases...>;
};

template <class T>
using owner_of_fields =
    std::remove_const_t<std::remove_pointer_t<decltype(std::declval<const T&>().dunlin_owner())>>;

/// Whether T has a DUNLIN_BASE; one that is inherited is about the base's bases.
template <class T>
constexpr bool find_named_bases() {
    if constexpr (requires(const T& value) { value.dunlin_bases(); })
        return std::is_same_v<typename decltype(std::declval<const T&>().dunlin_bases())::owner, T>;
    else
        return false;
}

template <class T>
inline constexpr bool names_bases = find_named_bases<T>();

template <class T>
constexpr auto find_bases() {
    if constexpr (names_bases<T>)
        return typename decltype(std::declval<const T&>().dunlin_bases())::types{};
    else
        return type_list<>{};
}

template <class T>
using bases_of = decltype(find_bases<T>());

template <class T>
constexpr bool has_description() {
    if constexpr (std::is_class_v<T>) return requires(const T& value) {
            value.dunlin_owner();
        };
    else
        return false;
}

template <class T, class Fields>
inline constexpr bool names_inherited = false;
template <class T, class... Fields>
inline constexpr bool names_inherited<T, std::tuple<Fields...>> =
    (!std::is_same_v<typename Fields::struct_type, T> || ...);

template <class T, class... Bases>
constexpr bool are_bases(type_list<Bases...>) {
    return (
        (std::is_base_of_v<Bases, T> && !std::is_same_v<Bases, T> && has_description<Bases>()) &&
        ...);
}

/// Whether it is clear what becomes of the fields of T's bases.
template <class T>
constexpr bool check_bases() {
    constexpr bool own = std::is_same_v<owner_of_fields<T>, T>;
    static_assert(own,
                  "this struct has no DUNLIN_FIELDS of its own, only those of a base: its members "
                  "would be lost. Give it DUNLIN_FIELDS(...) with its own members, none if it has "
                  "none, and DUNLIN_BASE(base) for those of the base");
    if constexpr (own) {
        constexpr bool clear = std::is_convertible_v<const T&, const any_description_mark&> ||
                               names_bases<T> ||
                               names_inherited<T, decltype(T::template dunlin_fields<T>())>;
        static_assert(clear,
                      "a base of this struct has DUNLIN_FIELDS as well, which would be lost: add "
                      "DUNLIN_BASE(base) to send them, or DUNLIN_BASE() to leave them out");
        constexpr bool known = are_bases<T>(bases_of<T>{});
        static_assert(known,
                      "DUNLIN_BASE names what is no base of this struct, or a base without "
                      "DUNLIN_FIELDS");
        return clear && known;
    } else {
        return false;
    }
}

// -- names
// ------------------------------------------------------------------------------------------

constexpr bool are_unique(std::initializer_list<std::string_view> names) {
    for (auto name = names.begin(); name != names.end(); ++name) {
        if (std::find(names.begin(), name, *name) != name) return false;
    }
    return true;
}

/// Whether T has a DUNLIN_REQUIRED. That of a base counts for T, too, where T names the base's
/// fields itself; where DUNLIN_BASE brings them, it brings what is required of them as well.
template <class T>
constexpr bool find_required() {
    if constexpr (requires(const T& value) { value.dunlin_required_owner(); })
        return !names_bases<T> ||
               std::is_same_v<decltype(std::declval<const T&>().dunlin_required_owner()), const T*>;
    else
        return false;
}

template <class T>
inline constexpr bool names_required = find_required<T>();

template <class T>
constexpr bool required_are_fields([[maybe_unused]] std::initializer_list<std::string_view> names) {
    if constexpr (names_required<T>) {
        for (const std::string_view name : T::template dunlin_required<T>()) {
            if (std::find(names.begin(), names.end(), name) == names.end()) return false;
        }
    }
    return true;
}

// -- types
// ------------------------------------------------------------------------------------------

enum class direction { sent, read };

template <direction To, class T, class... Seen>
constexpr bool travels();

template <direction To, class... Parts, class... Seen>
constexpr bool all_travel(type_list<Parts...>, type_list<Seen...>) {
    return (travels<To, Parts, Seen...>() && ...);
}

/// Whether a T, and all that it holds, has a codec. Structs with DUNLIN_FIELDS have theirs checked
/// where they are described.
template <direction To, class T, class... Seen>
constexpr bool travels() {
    if constexpr ((std::is_same_v<T, Seen> || ...) || has_description<T>()) {
        return true;
    } else if constexpr (To == direction::sent ? !encodable<T> : !decodable<T>) {
        return false;
    } else if constexpr (requires { typename codec<T>::parts; }) {
        return all_travel<To>(typename codec<T>::parts{}, type_list<T, Seen...>{});
    } else {
        return true;
    }
}

template <class T>
inline constexpr bool is_time_point = requires {
    typename T::clock;
    typename T::duration;
    &T::time_since_epoch;
};

/// One field, one way. Compilers name the member that it is about: field_check<&page::text, ...>.
template <auto Member, direction To>
struct field_check;

template <class Struct, class Type, Type Struct::*Member, direction To>
struct field_check<Member, To> {
    static constexpr bool good = travels<To, Type>();
    static constexpr bool point = is_time_point<Type>;
    static constexpr bool pointer = std::is_pointer_v<Type>;

    static_assert(good || point || pointer,
                  "the type of this field cannot travel: it needs DUNLIN_FIELDS of its own, or a "
                  "specialisation of dunlin::codec; a member that is not to be sent is left out of "
                  "DUNLIN_FIELDS");
    static_assert(good || !point,
                  "a point in time does not travel, as clocks differ: send its time_since_epoch(), "
                  "a duration, and say the clock and the unit in the field's name");
    static_assert(good || !pointer,
                  "a raw pointer cannot travel: hold the value itself, a std::optional or a "
                  "std::unique_ptr");
};

}  // namespace dunlin::detail
