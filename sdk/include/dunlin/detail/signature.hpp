// SPDX-License-Identifier: Apache-2.0
//
// What a callable takes and gives, read from its type.
//
// A function of a module takes at most an input and a context, in this order, and gives a value,
// a result, a task of either, or nothing. Compile time only; a signature outside that form stops
// the build with a sentence.
#pragma once

#include <dunlin/codec/traits.hpp>
#include <dunlin/result.hpp>
#include <dunlin/task.hpp>

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

/// Splits the arguments into the input (void when there is none) and the context.
template <class Arguments>
struct inputs;
template <>
struct inputs<type_list<>> {
    using argument = void;
    static constexpr bool with_context = false;
};
template <class A>
struct inputs<type_list<A>> {
    using argument = std::conditional_t<is_context<A>, void, A>;
    static constexpr bool with_context = is_context<A>;
    static_assert(!is_context<A> || std::is_same_v<A, context&>,
                  "take the context by reference: dunlin::context& ctx");
};
template <class A, class B>
struct inputs<type_list<A, B>> {
    using argument = A;
    static constexpr bool with_context = true;
    static_assert(!is_context<A> && std::is_same_v<B, context&>,
                  "a function takes its input first and then dunlin::context&; several inputs go "
                  "into one struct with DUNLIN_FIELDS");
};
template <class A, class B, class C, class... More>
struct inputs<type_list<A, B, C, More...>> {
    using argument = A;
    static constexpr bool with_context = true;
    static_assert(!std::is_same_v<A, A>,
                  "a function takes one input and dunlin::context&; several inputs go into one "
                  "struct with DUNLIN_FIELDS");
};

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
template <class F>
struct shape {
    using arguments = typename signature<F>::arguments;
    using returned = std::remove_cvref_t<typename signature<F>::out>;
    using argument = typename inputs<arguments>::argument;
    using input = std::remove_cvref_t<argument>;
    using outcome = typename task_of<returned>::value;
    using output = typename outcome_of<outcome>::value;

    static constexpr bool with_input = !std::is_void_v<input>;
    static constexpr bool with_context = inputs<arguments>::with_context;
    static constexpr bool is_task = task_of<returned>::is_task;

    static_assert(!std::is_lvalue_reference_v<argument> ||
                      std::is_const_v<std::remove_reference_t<argument>>,
                  "take the input as const In&, or as In to have it moved in");
};

}  // namespace detail
}  // namespace dunlin
