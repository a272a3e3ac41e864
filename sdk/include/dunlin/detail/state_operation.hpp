// SPDX-License-Identifier: Apache-2.0
//
// Operations on state that a coroutine awaits: storing what it has become so far, and reading what
// is under other keys. They work as those of operation.hpp do.
//
// A node may be older than state. Then nothing is begun, and the operation ends at once with an
// error that says so.
#pragma once

#include <dunlin/abi.h>
#include <dunlin/detail/operation.hpp>
#include <dunlin/result.hpp>
#include <dunlin/state.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace dunlin {
namespace detail {

/// False for nodes older than state.
[[nodiscard]] bool keeps_state(const dunlin_host& host) noexcept;
/// What is said there.
inline constexpr std::string_view older_than_state_text =
    "this node is older than the state of functions and keeps none; run the function on nodes of a "
    "newer Dunlin";
[[nodiscard]] error older_than_state();
/// What is said of a stored value that is none of the type that was asked for. `why` is the
/// decoder's.
[[nodiscard]] error misfit(error why, std::string_view space, std::string_view key);

/// A space and a key, which the author's own texts need not outlive.
class state_name {
public:
    state_name(std::string_view space, std::string_view key) : space_(space), key_(key) {}

    [[nodiscard]] dunlin_state_key to_read(std::int64_t max_age_ns) const noexcept;
    [[nodiscard]] const std::string& space() const noexcept { return space_; }
    [[nodiscard]] const std::string& key() const noexcept { return key_; }

private:
    std::string space_;
    std::string key_;
};

}  // namespace detail

/// What `context::commit` returns. Awaited once, in a coroutine of the call it came from.
class [[nodiscard]] commit_operation {
public:
    using awaited_by_tasks = std::true_type;

    explicit commit_operation(detail::call_origin origin) noexcept : origin_(origin) {}

    bool await_ready() const noexcept { return !detail::keeps_state(*origin_.host); }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        origin_.host->commit(origin_.call, &commit_operation::complete, this);
    }
    result<void> await_resume() {
        if (!waiter_) return detail::older_than_state();
        return std::move(ended_);
    }

private:
    static void complete(void* user, std::int32_t code, const std::uint8_t* data,
                         std::size_t size) noexcept;

    detail::call_origin origin_;
    std::coroutine_handle<> waiter_;  // null: it was not begun
    result<void> ended_;
};

/// What `context::read` returns. Awaited once, in a coroutine of the call it came from.
template <class T>
class [[nodiscard]] read_operation {
    static_assert(!borrows_v<T>,
                  "the value's memory is gone when the await returns: use a type that owns its "
                  "data, such as std::string or dunlin::bytes");

public:
    using awaited_by_tasks = std::true_type;

    read_operation(detail::call_origin origin, std::string_view space, std::string_view key,
                   std::chrono::nanoseconds max_age)
        : origin_(origin),
          name_(space, key),
          max_age_ns_(max_age.count()) {}

    bool await_ready() const noexcept { return !detail::keeps_state(*origin_.host); }
    void await_suspend(std::coroutine_handle<> waiter) {
        waiter_ = waiter;
        const dunlin_state_key which = name_.to_read(max_age_ns_);
        origin_.host->read_state(origin_.call, &which, &read_operation::complete, this);
    }
    result<std::optional<T>> await_resume() {
        if (!waiter_) return detail::older_than_state();
        return std::move(found_);
    }

private:
    static void complete(void* user, std::int32_t code, const std::uint8_t* data,
                         std::size_t size) noexcept {
        auto* self = static_cast<read_operation*>(user);
        self->store(code, data, size);
        detail::resume_waiter(self->waiter_, self->origin_.root);
    }
    void store(std::int32_t code, const std::uint8_t* data, std::size_t size) noexcept {
        try {
            if (code != 0) {
                found_ = detail::operation_error(code, data, size);
            } else if (size == 0) {
                found_ = std::optional<T>();
            } else {
                decode_found(bytes_view(reinterpret_cast<const std::byte*>(data), size));
            }
        } catch (...) {
            // Out of memory: an error with an empty detail still fits.
            found_ = error{errc::internal, {}};
        }
    }
    void decode_found(bytes_view stored) {
        std::optional<T> value;
        reader from(stored);
        if (codec<T>::decode(from, value.emplace()) && from.finish())
            found_ = std::move(value);
        else
            found_ = detail::misfit(from.take_error(detail::state_root_name<T>()), name_.space(),
                                    name_.key());
    }

    detail::call_origin origin_;
    detail::state_name name_;
    std::int64_t max_age_ns_;
    std::coroutine_handle<> waiter_;  // null: it was not begun
    result<std::optional<T>> found_ = error{errc::internal, {}};
};

}  // namespace dunlin
