// SPDX-License-Identifier: Apache-2.0
//
// What a callable takes and gives, read from its type.
//
// A function of a module takes at most an input, its state and a context, in this order, and gives
// a value, a result, a task of either, or nothing. State comes by reference: `State&` to write it,
// `const State&` to read it, either as a `std::optional` where absent is not the same as a default.
// What comes first and is a changeable reference to a struct with DUNLIN_FIELDS is the state of a
// function without input; a lone `const T&` is an input. Compile time only; a signature outside
// that form stops the build with a sentence.
#pragma once

#include <dunlin/codec.hpp>
#include <dunlin/result.hpp>
#include <dunlin/state.hpp>
#include <dunlin/task.hpp>

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>

namespace dunlin {

class context;

namespace detail {

template <class Out, class... Arguments>
struct plain_signature {
    using out = Out;
    using arguments = type_list<Arguments...>;
};

template <class F>
struct member_signature;
template <class C, class Out, class... A>
struct member_signature<Out (C::*)(A...) const> : plain_signature<Out, A...> {};
template <class C, class Out, class... A>
struct member_signature<Out (C::*)(A...) const noexcept> : plain_signature<Out, A...> {};
template <class C, class Out, class... A>
struct member_signature<Out (C::*)(A...) const&> : plain_signature<Out, A...> {};
template <class C, class Out, class... A>
struct member_signature<Out (C::*)(A...) const& noexcept> : plain_signature<Out, A...> {};
template <class C, class Out, class... A>
struct member_signature<Out (C::*)(A...)> : plain_signature<Out, A...> {
    static_assert(!std::is_same_v<Out, Out>,
                  "calls of a function run at the same time on different threads: its operator() "
                  "has to be const (a lambda that is not mutable)");
};

template <class F>
struct signature : member_signature<decltype(&F::operator())> {};
template <class Out, class... A>
struct signature<Out (*)(A...)> : plain_signature<Out, A...> {};
template <class Out, class... A>
struct signature<Out (*)(A...) noexcept> : plain_signature<Out, A...> {};

/// Whether it is clear from F's type what it takes and gives. Says so where it is not.
template <class F>
constexpr bool has_signature() {
    constexpr bool function = std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>;
    constexpr bool one_operator = requires { &F::operator(); };
    static_assert(!std::is_member_function_pointer_v<F>,
                  "a member function needs an object to be called on: give a lambda that holds "
                  "one, such as [shop](const order& o) { return shop->price(o); }");
    static_assert(function || one_operator || std::is_member_function_pointer_v<F>,
                  "one type has to be clear for what a function takes and gives: no lambda with "
                  "auto parameters, no template and no overloaded operator(); give a free "
                  "function, or a lambda that names its types, such as [](const order& o) { ... }");
    return function || one_operator;
}

template <class T>
inline constexpr bool is_context = std::is_same_v<std::remove_cvref_t<T>, context>;

template <class T>
inline constexpr bool is_no_copied_context = !is_context<T> || std::is_same_v<T, context&>;

/// Whether a function could change what it takes here, and its caller see it.
template <class T>
inline constexpr bool is_changeable =
    std::is_lvalue_reference_v<T> && !std::is_const_v<std::remove_reference_t<T>>;

template <class T>
struct without_optional {
    using type = T;
    static constexpr bool is_optional = false;
};
template <class T>
struct without_optional<std::optional<T>> {
    using type = T;
    static constexpr bool is_optional = true;
};

/// What can only be state where it is all that a function takes.
template <class T>
inline constexpr bool is_lone_state =
    is_changeable<T> && !is_context<T> &&
    described<typename without_optional<std::remove_cvref_t<T>>::type>;

/// The places of what a function takes, from 0; `nowhere` for what it does not take.
struct argument_places {
    static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
    std::size_t input = nowhere;
    std::size_t state = nowhere;
    std::size_t context = nowhere;
    std::size_t others = 0;  // all but the context
};

template <class... A>
constexpr argument_places find_places(type_list<A...>) {
    constexpr bool contexts[] = {is_context<A>..., false};
    constexpr bool lone_states[] = {is_lone_state<A>..., false};
    argument_places found;
    found.others = sizeof...(A);
    if (found.others > 0 && contexts[found.others - 1]) found.context = --found.others;
    if (found.others == 1 && lone_states[0])
        found.state = 0;
    else if (found.others > 0)
        found.input = 0;
    if (found.others > 1) found.state = 1;
    return found;
}

/// The type at a place; void where there is none.
template <std::size_t Place, class Arguments>
struct argument_at {
    using type = void;
};
template <std::size_t Place, class... A>
requires(Place < sizeof...(A)) struct argument_at<Place, type_list<A...>> {
    using type = std::tuple_element_t<Place, std::tuple<A...>>;
};

/// Whether a T can be kept as state. Says so where it cannot.
template <class T>
constexpr bool is_state_type() {
    constexpr bool travels = (encodable<T> && decodable<T>) || described<T>;
    static_assert(travels,
                  "state is kept as a payload: give its type DUNLIN_FIELDS, or specialise "
                  "dunlin::codec for it");
    if constexpr (travels) {
        constexpr bool owns = !borrows_v<T>;
        static_assert(owns,
                      "state outlives the payload that it came from: hold a std::string or "
                      "dunlin::bytes in it instead of a view");
        constexpr bool has_default = std::is_default_constructible_v<T>;
        static_assert(has_default,
                      "a state that is absent begins as a default: give its type a default "
                      "constructor");
        return owns && has_default;
    } else {
        return false;
    }
}

/// Whether what a function takes has a place for each. Says what is wrong where it has not.
template <class... A>
constexpr bool has_arguments(type_list<A...>) {
    constexpr auto where = find_places(type_list<A...>{});
    using first = typename argument_at<0, type_list<A...>>::type;
    using second = typename argument_at<1, type_list<A...>>::type;
    constexpr bool by_reference = (is_no_copied_context<A> && ...);
    static_assert(by_reference, "take the context by reference: dunlin::context& ctx");
    constexpr std::size_t contexts = (std::size_t{0} + ... + std::size_t{is_context<A>});
    constexpr bool last = contexts + where.others == sizeof...(A);
    static_assert(last || !by_reference,
                  "a function takes its input first, then its state, and dunlin::context& last");
    constexpr bool few = where.others <= 2;
    static_assert(few || !last,
                  "a function takes one input, its state by reference, and dunlin::context&; "
                  "several inputs go into one struct with DUNLIN_FIELDS");
    constexpr bool lone_input = where.others != 1 || where.state == 0 || !is_changeable<first>;
    static_assert(
        lone_input,
        "take the input as const In&, or as In to have it moved in; if it is the state of "
        "a function without input, give it DUNLIN_FIELDS, or write dunlin::no_input in "
        "front of it");
    constexpr bool input_kept = where.others != 2 || !is_changeable<first>;
    static_assert(input_kept || !few || !last,
                  "the input comes first, as const In& or In, and the state behind it: write "
                  "f(const In&, State&)");
    constexpr bool state_referred = where.others != 2 || std::is_lvalue_reference_v<second>;
    static_assert(state_referred || !input_kept || !last,
                  "what comes behind the input is the state, by reference: State& if the function "
                  "changes it, const State& if it only reads it; several inputs go into one struct "
                  "with DUNLIN_FIELDS");
    if constexpr (!(by_reference && last && few && lone_input && input_kept && state_referred)) {
        return false;
    } else if constexpr (where.state != argument_places::nowhere) {
        using state = std::conditional_t<where.state == 0, first, second>;
        return is_state_type<typename without_optional<std::remove_cvref_t<state>>::type>();
    } else {
        return true;
    }
}

/// Whether a module can make a function of an F. Says so where it cannot.
template <class F>
constexpr bool has_form() {
    if constexpr (has_signature<F>())
        return has_arguments(typename signature<F>::arguments{});
    else
        return false;
}

template <class T>
struct outcome_of {
    using value = T;
    static constexpr bool is_result = false;
};
template <class T>
struct outcome_of<result<T>> {
    using value = T;
    static constexpr bool is_result = true;
};

template <class T>
struct task_of {
    using value = T;
    static constexpr bool is_task = false;
};
template <class T>
struct task_of<task<T>> {
    using value = T;
    static constexpr bool is_task = true;
};

/// Everything the adapter needs to know about a callable.
/// @pre `has_arguments`
template <class F>
struct shape {
    using arguments = typename signature<F>::arguments;
    using returned = std::remove_cvref_t<typename signature<F>::out>;
    static constexpr argument_places where = find_places(arguments{});
    static constexpr std::size_t argument_count =
        where.others + (where.context == argument_places::nowhere ? 0 : 1);

    using argument = typename argument_at<where.input, arguments>::type;
    using input = std::remove_cvref_t<argument>;
    using state_argument = typename argument_at<where.state, arguments>::type;
    using state = typename without_optional<std::remove_cvref_t<state_argument>>::type;
    using outcome = typename task_of<returned>::value;
    using output = typename outcome_of<outcome>::value;

    static constexpr bool with_input = !std::is_void_v<input> && !std::is_same_v<input, no_input>;
    static constexpr bool with_state = !std::is_void_v<state>;
    static constexpr bool writes_state = is_changeable<state_argument>;
    /// It is told absent from default.
    static constexpr bool tells_absent =
        without_optional<std::remove_cvref_t<state_argument>>::is_optional;
    static constexpr bool is_task = task_of<returned>::is_task;
};

}  // namespace detail
}  // namespace dunlin
