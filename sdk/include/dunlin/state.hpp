// SPDX-License-Identifier: Apache-2.0
//
// The state of functions: what a node has to know of a C++ type to keep values of it.
//
//     struct visits { std::uint64_t count = 0; DUNLIN_FIELDS(count) };
//
//     std::uint64_t visit(const page& p, visits& seen) { return ++seen.count; }
//     visits show(const page& p, const visits& seen) { return seen; }
//     visits peek(dunlin::no_input, const visits& seen) { return seen; }
//     bool is_there(dunlin::no_input, const std::optional<visits>& seen);
//
// A function finds its state under the key of its call, takes it by reference behind its input, and
// returning stores what it has become (sdk/README.md, "State"). Between calls the node keeps the
// object itself, a `std::optional<State>` that this file makes, fills from stored bytes, encodes
// and destroys for it through the C border: nothing throws there. Any payload type that owns its
// data can be state.
// A type's description lives as long as its module. One thread at a time for each object, but for
// those who only read.
#pragma once

#include <dunlin/abi.h>
#include <dunlin/codec.hpp>
#include <dunlin/detail/held_bytes.hpp>
#include <dunlin/schema.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace dunlin {

/// In place of the input of a function that has none, where a state follows that it only reads: a
/// lone `const T&` is an input. Whatever is sent is taken and ignored.
struct no_input {};

namespace detail {

/// Appends a sentence to what a node has given for it, if there is room.
void tell_why(dunlin_buffer* why, std::string_view sentence) noexcept;
/// The same with the exception that is being handled. Inside a catch block only.
void tell_exception(dunlin_buffer* why) noexcept;

/// What paths in errors about stored values start with.
template <class State>
constexpr std::string_view state_root_name() {
    if constexpr (described<State>)
        return type_name<State>();
    else
        return "state";
}

template <class T, class... Seen>
constexpr bool copies_apart();

template <class... Parts, class... Seen>
constexpr bool all_copy_apart(type_list<Parts...>, type_list<Seen...>) {
    return (copies_apart<Parts, Seen...>() && ...);
}

/// Whether a copy of a T shares nothing with it. A vector of what cannot be copied claims that it
/// can, so its elements are asked, too.
template <class T, class... Seen>
constexpr bool copies_apart() {
    if constexpr ((std::is_same_v<T, Seen> || ...)) {
        return true;
    } else if constexpr (is_owning_pointer<T> || !std::is_copy_constructible_v<T> ||
                         !std::is_copy_assignable_v<T>) {
        return false;
    } else if constexpr (requires { typename codec<T>::parts; }) {
        return all_copy_apart(typename codec<T>::parts{}, type_list<T, Seen...>{});
    } else {
        return true;
    }
}

/// The C border's functions for objects of one type of state.
template <class State>
class state_objects {
public:
    using object = std::optional<State>;

    /// Copying it costs nothing that a call would notice.
    static constexpr bool cheap = std::is_trivially_copyable_v<State> && sizeof(State) <= 256;
    static constexpr std::uint32_t flags = cheap ? std::uint32_t{DUNLIN_STATE_CHEAP_COPY} : 0;

    static void* create() noexcept { return new (std::nothrow) object(); }
    static void destroy(void* at) noexcept { delete static_cast<object*>(at); }
    static int has_value(const void* at) noexcept { return of(at).has_value() ? 1 : 0; }
    static void reset(void* at) noexcept { of(at).reset(); }

    static int decode(void* at, const std::uint8_t* data, std::size_t size,
                      dunlin_buffer* why) noexcept {
        object& to = of(at);
        try {
            reader from(bytes_view(reinterpret_cast<const std::byte*>(data), size));
            if (codec<State>::decode(from, to.emplace()) && from.finish()) return 0;
            tell_why(why, from.take_error(state_root_name<State>()).detail);
        } catch (...) {
            tell_exception(why);
        }
        to.reset();
        return 1;
    }

    static int encode(const void* at, dunlin_buffer* to) noexcept {
        const std::size_t before = to->size;
        try {
            if (!of(at).has_value()) return 1;
            dunlin::encode(*to, *of(at));
            return 0;
        } catch (...) {
            to->size = before;
            return 1;
        }
    }

    static int assign(void* at, const void* other) noexcept {
        object& to = of(at);
        try {
            if (!of(other).has_value()) {
                to.reset();
            } else if constexpr (copies_apart<State>()) {
                to = of(other);
            } else {
                const bytes copy = dunlin::encode(*of(other));
                return decode(at, reinterpret_cast<const std::uint8_t*>(copy.data()), copy.size(),
                              nullptr);
            }
            return 0;
        } catch (...) {
            to.reset();
            return 1;
        }
    }

    static std::size_t memory_bytes(const void* at) noexcept {
        return sizeof(object) + held_bytes(of(at));
    }

    static object& of(void* at) noexcept { return *static_cast<object*>(at); }
    static const object& of(const void* at) noexcept { return *static_cast<const object*>(at); }
};

/// The description of a type of state. Made once, when a module's functions are described.
template <class State>
const dunlin_state_type& state_type() {
    using objects = state_objects<State>;
    static const std::string schema = schema_json<State>();
    static const dunlin_state_type made{.struct_size = sizeof(dunlin_state_type),
                                        .flags = objects::flags,
                                        .schema = schema.c_str(),
                                        .create = &objects::create,
                                        .destroy = &objects::destroy,
                                        .has_value = &objects::has_value,
                                        .reset = &objects::reset,
                                        .decode = &objects::decode,
                                        .encode = &objects::encode,
                                        .assign = &objects::assign,
                                        .memory_bytes = &objects::memory_bytes};
    return made;
}

/// What a function sees that only reads a state that is absent.
template <class State>
const State& default_state() {
    static const State value{};
    return value;
}

}  // namespace detail
}  // namespace dunlin
