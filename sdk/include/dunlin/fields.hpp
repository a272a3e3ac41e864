// SPDX-License-Identifier: Apache-2.0
//
// Structs as payloads.
//
//     struct page {
//         std::string url;
//         std::string text;
//         std::string language = "en";
//         DUNLIN_FIELDS(url, text, language)
//         DUNLIN_REQUIRED(url, text)
//     };
//
// A struct travels as a map from field names to values, so both sides may grow: a field that the
// reader does not know is ignored, one that the writer does not send keeps its default
// (`language` above). DUNLIN_REQUIRED names the fields without which the struct makes no sense:
// a payload that lacks one is refused. So is a payload in which a known field appears twice: two
// readers might take different ones.
//
// A struct with a base says so, or does not compile: what the base holds is never left out in
// silence. DUNLIN_BASE puts the base's fields in front of its own:
//
//     struct article : page {
//         std::string author;
//         DUNLIN_FIELDS(author)
//         DUNLIN_BASE(page)
//     };
//
// The macros add functions only: the struct stays an aggregate with designated initialisers. Up to
// 256 fields; not for structs inside functions. What is wrong with a description stops the build
// with a sentence (detail/fields_check.hpp).
#pragma once

#include <dunlin/codec/reader.hpp>
#include <dunlin/codec/traits.hpp>
#include <dunlin/codec/writer.hpp>
#include <dunlin/detail/each.hpp>
#include <dunlin/detail/fields_check.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace dunlin {

/// One field as DUNLIN_FIELDS describes it.
template <class Struct, class Member>
struct field {
    using struct_type = Struct;
    using member_type = Member;
    std::string_view name;
    Member Struct::*member;

    constexpr field(std::string_view field_name, Member Struct::*place)
        : name(field_name),
          member(place) {}
};

// Said, so that no compiler warns of a guess (-Wctad-maybe-unsupported) in the author's struct.
template <class Struct, class Member>
field(std::string_view, Member Struct::*) -> field<Struct, Member>;

}  // namespace dunlin

#define DUNLIN_DESCRIBE_FIELD(name) \
    ::dunlin::field { #name, &DunlinSelf::name }
#define DUNLIN_NAME_FIELD(name) ::dunlin::detail::checked_name<&DunlinSelf::name>(#name)

/// Makes the struct it stands in a payload type with these fields. The declarations in front tell
/// a struct's own description from that of a base (detail/fields_check.hpp).
#define DUNLIN_FIELDS(...)                                                                       \
    auto dunlin_owner() const->decltype(this);                                                   \
    operator const ::dunlin::detail::description_mark<::dunlin::detail::description_number(      \
        #__VA_ARGS__, __LINE__)>&() const;                                                       \
    template <class DunlinSelf>                                                                  \
    static constexpr auto dunlin_fields() {                                                      \
        return ::std::make_tuple(DUNLIN_EACH(DUNLIN_DESCRIBE_FIELD __VA_OPT__(, ) __VA_ARGS__)); \
    }

/// Names the fields that a payload must have. Stands beside DUNLIN_FIELDS.
#define DUNLIN_REQUIRED(...)                                              \
    auto dunlin_required_owner() const->decltype(this);                   \
    template <class DunlinSelf>                                           \
    static constexpr auto dunlin_required() {                             \
        return ::std::array{DUNLIN_EACH(DUNLIN_NAME_FIELD, __VA_ARGS__)}; \
    }

/// Names the bases whose fields, and required fields, are this struct's, too. Stands beside
/// DUNLIN_FIELDS; DUNLIN_BASE() says that those of a base are left out on purpose.
#define DUNLIN_BASE(...)                                                                \
    auto dunlin_bases()                                                                 \
        const->::dunlin::detail::base_list<decltype(this) __VA_OPT__(, ) __VA_ARGS__> { \
        return {};                                                                      \
    }

namespace dunlin {
namespace detail {

// Asks for the member, so that a misspelled required field does not compile.
template <auto Member>
constexpr std::string_view checked_name(std::string_view name) {
    return name;
}

}  // namespace detail

/// A struct with DUNLIN_FIELDS.
template <class T>
concept described = std::is_class_v<T> && requires(const T& value) {
    value.dunlin_owner();
};

namespace detail {

template <class T>
constexpr auto all_fields();

template <class... Bases>
constexpr auto fields_of_bases(type_list<Bases...>) {
    return std::tuple_cat(all_fields<Bases>()...);
}

/// Those of the bases, then the struct's own.
template <class T>
constexpr auto all_fields() {
    if constexpr (check_bases<T>()) {
        return std::tuple_cat(fields_of_bases(bases_of<T>{}), T::template dunlin_fields<T>());
    } else {
        return std::tuple<>();
    }
}

template <class T>
constexpr bool requires_field(std::string_view name);

template <class... Bases>
constexpr bool any_requires_field(type_list<Bases...>, [[maybe_unused]] std::string_view name) {
    return (requires_field<Bases>(name) || ...);
}

template <class T>
constexpr bool requires_field(std::string_view name) {
    if constexpr (names_required<T>) {
        for (const std::string_view required : T::template dunlin_required<T>()) {
            if (required == name) return true;
        }
    }
    return any_requires_field(bases_of<T>{}, name);
}

}  // namespace detail

template <described T>
inline constexpr auto fields_of = detail::all_fields<T>();

template <described T>
inline constexpr std::size_t field_count =
    std::tuple_size_v<std::remove_const_t<decltype(fields_of<T>)>>;

/// Whether DUNLIN_REQUIRED names the field.
template <described T>
constexpr bool is_required(std::string_view name) {
    return detail::requires_field<T>(name);
}

namespace detail {

struct field_decoder {
    std::string_view name;
    bool required = false;
    bool (*decode)(reader& from, void* object) = nullptr;
};

/// Fills `object` from a map, field by field.
bool decode_fields(reader& from, void* object, const field_decoder* fields, std::size_t count,
                   std::uint64_t* seen);

// A field's name as msgpack text, made while compiling.
template <std::size_t Size>
struct encoded_name {
    std::array<std::uint8_t, Size + 2> data{};
    std::size_t size = 0;

    constexpr explicit encoded_name(std::string_view name) {
        if (Size < 32) {
            data[size++] = static_cast<std::uint8_t>(0xa0u | Size);
        } else {
            data[size++] = 0xd9;
            data[size++] = static_cast<std::uint8_t>(Size);
        }
        for (const char c : name) data[size++] = static_cast<std::uint8_t>(c);
    }
};

template <class T, class Indices>
struct struct_codec;

template <class T, std::size_t... Index>
struct struct_codec<T, std::index_sequence<Index...>> {
    template <std::size_t I>
    using member_type =
        typename std::tuple_element_t<I, std::remove_const_t<decltype(fields_of<T>)>>::member_type;

    using parts = type_list<member_type<Index>...>;

    static void encode(writer& to, const T& value) {
        check_names();
        to.map(sizeof...(Index));
        (encode_field<Index>(to, value), ...);
    }

    static bool decode(reader& from, T& value) {
        check_names();
        std::array<std::uint64_t, sizeof...(Index) / 64 + 1> seen{};
        return decode_fields(from, &value, decoders.data(), sizeof...(Index), seen.data());
    }

private:
    template <std::size_t I>
    static constexpr std::string_view name_of = std::get<I>(fields_of<T>).name;
    template <std::size_t I>
    static constexpr encoded_name<name_of<I>.size()> encoded_name_of{name_of<I>};

    template <std::size_t I>
    static constexpr auto member_of = std::get<I>(fields_of<T>).member;

    // In the functions, where the struct is complete: its fields may hold the struct itself.
    static constexpr void check_names() {
        static_assert(are_unique({name_of<Index>...}),
                      "DUNLIN_FIELDS names a field twice, or one that DUNLIN_BASE has brought "
                      "already: name each field once");
        static_assert(required_are_fields<T>({name_of<Index>...}),
                      "DUNLIN_REQUIRED names a member that is no field: name it in DUNLIN_FIELDS, "
                      "too");
        static_assert(((name_of<Index>.size() < 256) && ...),
                      "a field's name has at most 255 characters");
    }

    template <std::size_t I>
    static void encode_field(writer& to, const T& value) {
        if constexpr (field_check<member_of<I>, direction::sent>::good) {
            constexpr auto& name = encoded_name_of<I>;
            to.raw(name.data.data(), name.size);
            codec<member_type<I>>::encode(to, value.*member_of<I>);
        }
    }

    template <std::size_t I>
    static bool decode_field(reader& from, void* object) {
        if constexpr (field_check<member_of<I>, direction::read>::good) {
            return codec<member_type<I>>::decode(from, static_cast<T*>(object)->*member_of<I>);
        } else {
            return false;
        }
    }

    static constexpr std::array<field_decoder, sizeof...(Index)> decoders{
        field_decoder{name_of<Index>, is_required<T>(name_of<Index>), &decode_field<Index>}...};
};

}  // namespace detail

template <described T>
struct codec<T> : detail::struct_codec<T, std::make_index_sequence<field_count<T>>> {};

}  // namespace dunlin
