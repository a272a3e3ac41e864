// SPDX-License-Identifier: Apache-2.0
//
// Codecs of types that hold one of several things, or several things at fixed places.
//
// optional and smart pointers: nil, or the value. pair and tuple: an array with one element for
// each member. variant: the array [index, value], so alternatives of the same shape stay apart;
// adding an alternative at the end breaks nobody. No state, any thread.
#pragma once

#include <dunlin/codec/reader.hpp>
#include <dunlin/codec/scalars.hpp>
#include <dunlin/codec/traits.hpp>
#include <dunlin/codec/writer.hpp>

#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace dunlin {

template <class T>
struct codec<std::optional<T>> {
    using parts = type_list<T>;
    static void encode(writer& to, const std::optional<T>& value) {
        if (!value) return to.nil();
        codec<T>::encode(to, *value);
    }
    static bool decode(reader& from, std::optional<T>& value) {
        if (from.take_nil()) {
            value.reset();
            return true;
        }
        return codec<T>::decode(from, value.emplace());
    }
};

namespace detail {

template <class Pointer>
struct pointer_codec {
    using element = std::remove_const_t<typename Pointer::element_type>;
    using parts = type_list<element>;
    static void encode(writer& to, const Pointer& value) {
        if (value == nullptr) return to.nil();
        codec<element>::encode(to, *value);
    }
    static bool decode(reader& from, Pointer& value) {
        if (from.take_nil()) {
            value = nullptr;
            return true;
        }
        if (!from.take_memory(1, sizeof(element))) return false;
        auto made = std::make_unique<element>();
        if (!codec<element>::decode(from, *made)) return false;
        value = std::move(made);
        return true;
    }
};

}  // namespace detail

template <class T>
struct codec<std::unique_ptr<T>> : detail::pointer_codec<std::unique_ptr<T>> {};
template <class T>
struct codec<std::shared_ptr<T>> : detail::pointer_codec<std::shared_ptr<T>> {};

namespace detail {

template <class Tuple, class... Members>
struct tuple_codec {
    using parts = type_list<Members...>;
    static void encode(writer& to, const Tuple& value) {
        to.array(sizeof...(Members));
        std::apply([&](const Members&... member) { (codec<Members>::encode(to, member), ...); },
                   value);
    }
    static bool decode(reader& from, Tuple& value) {
        if (!from.array_of(sizeof...(Members))) return false;
        std::size_t index = 0;
        const auto member = [&]<class T>(T& place) {
            if (!codec<T>::decode(from, place)) return from.in_index(index);
            ++index;
            return true;
        };
        if (!std::apply([&](Members&... place) { return (member(place) && ...); }, value)) {
            return false;
        }
        from.leave();
        return true;
    }
};

}  // namespace detail

template <class First, class Second>
struct codec<std::pair<First, Second>>
    : detail::tuple_codec<std::pair<First, Second>, First, Second> {};
template <class... Members>
struct codec<std::tuple<Members...>> : detail::tuple_codec<std::tuple<Members...>, Members...> {};

template <class... Alternatives>
struct codec<std::variant<Alternatives...>> {
    using variant = std::variant<Alternatives...>;
    using parts = type_list<Alternatives...>;

    static void encode(writer& to, const variant& value) {
        to.array(2);
        to.integer(static_cast<std::uint64_t>(value.index()));
        std::visit([&]<class T>(const T& held) { codec<T>::encode(to, held); }, value);
    }
    static bool decode(reader& from, variant& value) {
        if (!from.array_of(2)) return false;
        std::uint64_t index = 0;
        if (!from.integer(index, sizeof...(Alternatives) - 1)) return from.in_index(0);
        if (!decode_held(from, value, index, std::index_sequence_for<Alternatives...>{})) {
            return from.in_index(1);
        }
        from.leave();
        return true;
    }

private:
    template <std::size_t... Index>
    static bool decode_held(reader& from, variant& value, std::uint64_t index,
                            std::index_sequence<Index...>) {
        bool good = false;
        static_cast<void>(
            ((Index == index &&
              (good = codec<Alternatives>::decode(from, value.template emplace<Index>()), true)) ||
             ...));
        return good;
    }
};

}  // namespace dunlin
