// SPDX-License-Identifier: Apache-2.0
//
// What a type looks like to people and tools: a JSON Schema (draft 2020-12).
//
// `schema_json<T>()` describes the payloads that a T is read from and written as, seen as JSON:
// a struct is an object with its fields and the required ones, a number has its range. A struct
// inside another type stands once under "$defs", so types may contain themselves. Bytes are a
// string of media type application/octet-stream; a map whose keys are no text says so under
// "x-dunlin-key". A codec of your own says its schema in `static std::string schema()`; without
// it anything goes. Made once per function when a module loads; no state, any thread.
#pragma once

#include <dunlin/codec.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace dunlin {
namespace detail {

/// One schema while it is made: remembers the structs that were seen.
class schema_builder {
public:
    using describe_function = std::string (*)(schema_builder&);

    /// Makes the struct the schema's root, which others refer to as "#".
    void set_root(const void* identity) noexcept { root_ = identity; }
    /// A reference to the struct, which is described under "$defs" the first time.
    std::string reference(const void* identity, std::string_view name, describe_function body);
    /// The whole schema: `root` and the definitions it needs.
    [[nodiscard]] std::string finish(std::string root) const;

private:
    struct definition {
        const void* identity;
        std::string name;
        std::string body;
    };
    std::vector<definition> definitions_;
    const void* root_ = nullptr;
};

struct property {
    std::string_view name;
    bool required;
    std::string schema;
};

[[nodiscard]] std::string object_schema(std::string_view title,
                                        const std::vector<property>& properties);
[[nodiscard]] std::string integer_schema(std::int64_t min, std::uint64_t max);
[[nodiscard]] std::string duration_schema(std::intmax_t numerator, std::intmax_t denominator,
                                          bool whole);
[[nodiscard]] std::string array_schema(const std::string& items, std::string_view more = {});
[[nodiscard]] std::string tuple_schema(const std::vector<std::string>& items);
[[nodiscard]] std::string map_schema(const std::string& values, const std::string& keys);
[[nodiscard]] std::string nullable_schema(const std::string& value);
[[nodiscard]] std::string variant_schema(const std::vector<std::string>& alternatives);

template <class T>
inline constexpr char type_identity = 0;

template <class T>
std::string describe(schema_builder& to);

template <class... Parts>
std::vector<std::string> describe_each(schema_builder& to, type_list<Parts...>) {
    return {describe<Parts>(to)...};
}

template <class First, class... More>
std::string describe_first(schema_builder& to, type_list<First, More...>) {
    return describe<First>(to);
}

template <class T>
std::string describe_fields(schema_builder& to) {
    std::vector<property> properties;
    std::apply(
        [&](const auto&... field) {
            (properties.push_back(
                 {field.name, is_required<T>(field.name),
                  describe<typename std::remove_cvref_t<decltype(field)>::member_type>(to)}),
             ...);
        },
        fields_of<T>);
    return object_schema(type_name<T>(), properties);
}

template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t Size>
inline constexpr bool is_array<std::array<T, Size>> = true;
template <class T>
inline constexpr bool is_variant = false;
template <class... T>
inline constexpr bool is_variant<std::variant<T...>> = true;
template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;
template <class T>
inline constexpr bool is_optional = std::derived_from<codec<T>, pointer_codec<T>>;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

template <class T>
std::string describe_scalar() {
    if constexpr (std::is_same_v<T, bool>) {
        return R"({"type":"boolean"})";
    } else if constexpr (std::is_enum_v<T>) {
        return describe_scalar<std::underlying_type_t<T>>();
    } else if constexpr (std::integral<T>) {
        using limits = std::numeric_limits<T>;
        return integer_schema(static_cast<std::int64_t>(limits::min()),
                              static_cast<std::uint64_t>(limits::max()));
    } else {
        return R"({"type":"number"})";
    }
}

template <class T>
inline constexpr bool is_text = std::is_convertible_v<const T&, std::string_view>;
template <class T>
inline constexpr bool is_binary = std::is_same_v<T, bytes> || std::is_same_v<T, bytes_view> ||
                                  std::is_same_v<T, std::vector<std::byte>>;

/// The schema of any type that has a codec.
template <class T>
std::string describe(schema_builder& to) {
    if constexpr (requires { codec<T>::schema(); }) {
        return codec<T>::schema();
    } else if constexpr (described<T>) {
        return to.reference(&type_identity<T>, type_name<T>(), &describe_fields<T>);
    } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
        return describe_scalar<T>();
    } else if constexpr (std::is_null_pointer_v<T> || std::is_same_v<T, std::monostate>) {
        return R"({"type":"null"})";
    } else if constexpr (is_text<T>) {
        return R"({"type":"string"})";
    } else if constexpr (is_binary<T>) {
        return R"({"type":"string","contentMediaType":"application/octet-stream"})";
    } else if constexpr (is_duration<T>) {
        return duration_schema(T::period::num, T::period::den, std::integral<typename T::rep>);
    } else if constexpr (is_optional<T>) {
        return nullable_schema(describe_first(to, typename codec<T>::parts{}));
    } else if constexpr (is_variant<T>) {
        return variant_schema(describe_each(to, typename codec<T>::parts{}));
    } else if constexpr (is_tuple<T>) {
        return tuple_schema(describe_each(to, typename codec<T>::parts{}));
    } else if constexpr (is_array<T>) {
        const auto size = std::to_string(std::tuple_size_v<T>);
        return array_schema(describe_first(to, typename codec<T>::parts{}),
                            ",\"minItems\":" + size + ",\"maxItems\":" + size);
    } else if constexpr (std::derived_from<codec<T>, set_codec<T>>) {
        return array_schema(describe<typename T::value_type>(to), R"(,"uniqueItems":true)");
    } else if constexpr (std::derived_from<codec<T>, map_codec<T>>) {
        return map_schema(
            describe<typename T::mapped_type>(to),
            is_text<typename T::key_type> ? std::string() : describe<typename T::key_type>(to));
    } else if constexpr (std::derived_from<codec<T>, sequence_codec<T>> ||
                         std::is_same_v<T, std::vector<bool>>) {
        return array_schema(describe<typename T::value_type>(to));
    } else {
        return "true";
    }
}

}  // namespace detail

/// The JSON Schema of T's payloads as one line of JSON.
template <class T>
[[nodiscard]] std::string schema_json() {
    detail::schema_builder builder;
    if constexpr (described<T> && !requires { codec<T>::schema(); }) {
        builder.set_root(&detail::type_identity<T>);
        return builder.finish(detail::describe_fields<T>(builder));
    } else {
        return builder.finish(detail::describe<T>(builder));
    }
}

}  // namespace dunlin
