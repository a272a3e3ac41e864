// SPDX-License-Identifier: Apache-2.0
//
// What a call's answer is handed to: a move-only `void(result<bytes>&&)`.
//
// `std::function` would ask callbacks to be copyable and allocates for nearly all of them. This
// holder keeps what is at most `inline_bytes` large (and can be moved without throwing) within
// itself; only larger callables are allocated. Called at most once by its users; one owner, any
// one thread at a time.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace dunlin::detail {

class callback {
public:
    static constexpr std::size_t inline_bytes = 64;

    /// Whether a callable of this type is kept without allocating.
    template <class F>
    static constexpr bool fits =
        sizeof(F) <= inline_bytes &&
        alignof(F) <= alignof(void*) && std::is_nothrow_move_constructible_v<F>;

    callback() noexcept = default;

    template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, callback> &&
             std::is_invocable_v<std::decay_t<F>&, result<bytes>&&>) callback(F&& callable) {
        using stored = std::decay_t<F>;
        if constexpr (fits<stored>) {
            ::new (static_cast<void*>(storage_)) stored(std::forward<F>(callable));
            actions_ = &inline_actions<stored>;
        } else {
            ::new (static_cast<void*>(storage_)) stored*(new stored(std::forward<F>(callable)));
            actions_ = &allocated_actions<stored>;
        }
    }

    callback(callback&& other) noexcept { take(other); }
    callback& operator=(callback&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    ~callback() { reset(); }

    [[nodiscard]] explicit operator bool() const noexcept { return actions_ != nullptr; }

    /// @pre it holds a callable. One that throws ends the program: nobody is there to catch.
    void operator()(result<bytes>&& answer) noexcept {
        actions_->call(storage_, std::move(answer));
    }

    /// Destroys the callable.
    void reset() noexcept {
        if (actions_ == nullptr) return;
        const action_table* ended = std::exchange(actions_, nullptr);
        if (ended->destroy != nullptr) ended->destroy(storage_);
    }

private:
    // Null where copying the storage, or nothing at all, does it.
    struct action_table {
        void (*call)(void* at, result<bytes>&& answer);
        void (*move)(void* to, void* from) noexcept;
        void (*destroy)(void* at) noexcept;
    };

    template <class F>
    static F& stored_at(void* at) noexcept {
        return *std::launder(static_cast<F*>(at));
    }
    template <class F>
    static void call_inline(void* at, result<bytes>&& answer) {
        stored_at<F>(at)(std::move(answer));
    }
    template <class F>
    static void move_inline(void* to, void* from) noexcept {
        ::new (to) F(std::move(stored_at<F>(from)));
        stored_at<F>(from).~F();
    }
    template <class F>
    static void destroy_inline(void* at) noexcept {
        stored_at<F>(at).~F();
    }
    template <class F>
    static void call_allocated(void* at, result<bytes>&& answer) {
        (*stored_at<F*>(at))(std::move(answer));
    }
    template <class F>
    static void destroy_allocated(void* at) noexcept {
        delete stored_at<F*>(at);
    }

    template <class F>
    static constexpr action_table inline_actions{
        &call_inline<F>, std::is_trivially_copyable_v<F> ? nullptr : &move_inline<F>,
        std::is_trivially_destructible_v<F> ? nullptr : &destroy_inline<F>};
    template <class F>
    static constexpr action_table allocated_actions{&call_allocated<F>, nullptr,
                                                    &destroy_allocated<F>};

    void take(callback& other) noexcept {
        actions_ = std::exchange(other.actions_, nullptr);
        if (actions_ == nullptr) return;
        if (actions_->move != nullptr) {
            actions_->move(storage_, other.storage_);
        } else {
            __builtin_memcpy(storage_, other.storage_, inline_bytes);
        }
    }

    const action_table* actions_ = nullptr;
    alignas(void*) std::byte storage_[inline_bytes];
};

}  // namespace dunlin::detail
