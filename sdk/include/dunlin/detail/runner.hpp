// SPDX-License-Identifier: Apache-2.0
//
// Between the C ABI and a function as its author wrote it.
//
// `run` decodes the input, calls the function and encodes what it gives, straight from the
// received payload into the outgoing buffer; a plain function costs nothing beyond that. Its state
// it gets by reference, as the object that the node keeps. A coroutine gets one object with
// context, input and task, which lives until it has answered. Whatever a function throws ends here,
// as an error of the call; nothing crosses the C border. `run` is entered from many threads at
// once, for different calls.
#pragma once

#include <dunlin/abi.h>
#include <dunlin/codec.hpp>
#include <dunlin/context.hpp>
#include <dunlin/detail/signature.hpp>
#include <dunlin/state.hpp>
#include <dunlin/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace dunlin::detail {

struct call_border {
    const dunlin_host* host;
    dunlin_call* call;

    /// Answers with what is being thrown. Inside a catch block only.
    void fail_with_exception() const noexcept;
    /// Answers with the error a function returned.
    void fail_returned(const error& why) const noexcept;
    /// Answers that the payload does not fit.
    void fail_decoding(reader& from, std::string_view root) const;
    /// The object of the function's state; null when the call has been answered with the reason
    /// why there is none.
    [[nodiscard]] void* find_state() const noexcept;
};

template <class F>
using stored_input = std::conditional_t<shape<F>::with_input, typename shape<F>::input, no_input>;

template <class F>
[[nodiscard]] bool decode_input(const call_border& border, stored_input<F>& input,
                                const std::uint8_t* payload, std::size_t payload_size) {
    if constexpr (shape<F>::with_input) {
        using input_type = typename shape<F>::input;
        // Of a struct that describes itself wrongly the description has said what is wrong.
        static_assert(decodable<input_type> || described<input_type>,
                      "no payload can become the function's input: give the type DUNLIN_FIELDS, "
                      "or specialise dunlin::codec for it");
        reader from(bytes_view(reinterpret_cast<const std::byte*>(payload), payload_size));
        if (!codec<input_type>::decode(from, input) || !from.finish()) [[unlikely]] {
            border.fail_decoding(from, root_name<input_type>());
            return false;
        }
    }
    return true;
}

struct no_state {};

/// Where the function's state is.
template <class F>
using found_state =
    std::conditional_t<shape<F>::with_state, std::optional<typename shape<F>::state>*, no_state>;

template <class F>
[[nodiscard]] bool find_state([[maybe_unused]] const call_border& border,
                              [[maybe_unused]] found_state<F>& state) {
    if constexpr (shape<F>::with_state) {
        void* const object = border.find_state();
        if (object == nullptr) [[unlikely]]
            return false;
        state = &state_objects<typename shape<F>::state>::of(object);
    }
    return true;
}

/// The state as the function takes it. One that only reads it may be one of several at the same
/// time, so that for it an absent state stays absent.
template <class F>
decltype(auto) state_argument(std::optional<typename shape<F>::state>* state) {
    using form = shape<F>;
    if constexpr (form::tells_absent) {
        return static_cast<typename form::state_argument>(*state);
    } else if constexpr (form::writes_state) {
        return state->has_value() ? **state : state->emplace();
    } else {
        return state->has_value() ? std::as_const(**state) : default_state<typename form::state>();
    }
}

/// What the function takes at a place.
template <class F, std::size_t Place>
decltype(auto) argument_for([[maybe_unused]] stored_input<F>& input,
                            [[maybe_unused]] const found_state<F>& state,
                            [[maybe_unused]] context& ctx) {
    using form = shape<F>;
    if constexpr (Place == form::where.state)
        return state_argument<F>(state);
    else if constexpr (Place == form::where.context)
        return (ctx);
    else
        return static_cast<std::add_rvalue_reference_t<typename form::argument>>(input);
}

template <class F, std::size_t... Place>
decltype(auto) call_with(const F& function, [[maybe_unused]] stored_input<F>& input,
                         [[maybe_unused]] const found_state<F>& state,
                         [[maybe_unused]] context& ctx, std::index_sequence<Place...>) {
    return function(argument_for<F, Place>(input, state, ctx)...);
}

template <class F>
decltype(auto) call_function(const F& function, stored_input<F>& input, const found_state<F>& state,
                             context& ctx) {
    using places = std::make_index_sequence<shape<F>::argument_count>;
    return call_with<F>(function, input, state, ctx, places{});
}

template <class Output>
void encode_output(const call_border& border, const Output& value) {
    static_assert(encodable<Output> || described<Output>,
                  "what the function returns cannot become a payload: give the type "
                  "DUNLIN_FIELDS, or specialise dunlin::codec for it");
    encode(*border.host->output(border.call), value);
}

/// Answers with what `give()` returns: a value, a result, or nothing.
template <class Outcome, class Give>
void answer(const call_border& border, Give&& give) {
    if constexpr (std::is_void_v<Outcome>) {
        give();
        encode_output(border, nullptr);
    } else if constexpr (outcome_of<Outcome>::is_result) {
        decltype(auto) outcome = give();
        if (!outcome) return border.fail_returned(outcome.error());
        if constexpr (std::is_void_v<typename outcome_of<Outcome>::value>) {
            encode_output(border, nullptr);
        } else {
            encode_output<typename outcome_of<Outcome>::value>(border, *outcome);
        }
    } else {
        encode_output<Outcome>(border, give());
    }
}

/// A coroutine's call, from its first step to its answer.
template <class F>
class coroutine_call final : public call_root {
public:
    coroutine_call(const dunlin_host* host, dunlin_call* call)
        : border_{host, call},
          context_(host, call, this) {}

    /// True when the call is answered already.
    bool first_step(const F& function, const std::uint8_t* payload, std::size_t payload_size) {
        if (!decode_input<F>(border_, input_, payload, payload_size)) return true;
        if (!find_state<F>(border_, state_)) return true;
        task_ = call_function<F>(function, input_, state_, context_);
        task_.start();
        if (!task_.done()) return false;
        answer_task();
        return true;
    }

    void after_step() noexcept override {
        if (!task_.done()) return;
        answer_task();
        const call_border border = border_;
        delete this;
        border.host->finish(border.call);
    }

private:
    void answer_task() noexcept {
        try {
            answer<typename shape<F>::outcome>(border_, [this] { return task_.take(); });
        } catch (...) {
            border_.fail_with_exception();
        }
    }

    call_border border_;
    context context_;
    stored_input<F> input_{};
    found_state<F> state_{};
    typename shape<F>::returned task_;
};

template <class F>
std::int32_t run(void* self, const dunlin_host* host, dunlin_call* call,
                 const std::uint8_t* payload, std::size_t payload_size) noexcept {
    const F& function = *static_cast<const F*>(self);
    const call_border border{host, call};
    try {
        if constexpr (shape<F>::is_task) {
            auto running = std::make_unique<coroutine_call<F>>(host, call);
            if (running->first_step(function, payload, payload_size)) return DUNLIN_DONE;
            // From here on it belongs to itself: the completion that ends the task deletes it.
            static_cast<void>(running.release());
            return DUNLIN_PENDING;
        } else {
            stored_input<F> input{};
            if (!decode_input<F>(border, input, payload, payload_size)) return DUNLIN_DONE;
            found_state<F> state{};
            if (!find_state<F>(border, state)) return DUNLIN_DONE;
            context ctx(host, call);
            answer<typename shape<F>::outcome>(border, [&]() -> decltype(auto) {
                return call_function<F>(function, input, state, ctx);
            });
        }
    } catch (...) {
        border.fail_with_exception();
    }
    return DUNLIN_DONE;
}

}  // namespace dunlin::detail
