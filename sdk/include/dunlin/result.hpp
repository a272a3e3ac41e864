// SPDX-License-Identifier: Apache-2.0
//
// A value or the error that took its place.
//
// Expected failures (a full queue, a passed deadline, a payload of the wrong shape) are values
// that a caller has to look at, so `result` is [[nodiscard]]. Exceptions are left for the
// caller's own convenience: `value()` throws `call_error` when there is no value.
#pragma once

#include <dunlin/errc.hpp>

#include <tl/expected.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

namespace dunlin {

/// Why a call has no value.
struct error {
    errc code = errc::internal;
    /// One sentence for a person: what happened, where, and what to try.
    std::string detail;
    /// With `errc::overloaded`: when sending again is likely to succeed. Zero: no hint.
    std::chrono::microseconds retry_after{0};
    /// With a code that leaves it open whether the function ran: it is known that it did not, so
    /// sending again is safe.
    bool did_not_run = false;

    friend bool operator==(const error&, const error&) = default;
};

/// "not_found: no function text/cuont_words; did you mean text/count_words?"
[[nodiscard]] std::string to_string(const error& e);

/// What `result::value()` throws when there is no value.
class call_error : public std::runtime_error {
public:
    explicit call_error(error why) : std::runtime_error(to_string(why)), why_(std::move(why)) {}
    [[nodiscard]] const error& why() const noexcept { return why_; }
    [[nodiscard]] errc code() const noexcept { return why_.code; }

private:
    error why_;
};

template <class T>
class [[nodiscard]] result : public tl::expected<T, error> {
    using base = tl::expected<T, dunlin::error>;

public:
    using value_type = T;
    using base::base;
    result(dunlin::error why) : base(tl::unexpect, std::move(why)) {}
    result(errc code, std::string detail)
        : base(tl::unexpect, dunlin::error{code, std::move(detail)}) {}
    result(base other) : base(std::move(other)) {}

    /// The value, or a thrown `call_error`.
    decltype(auto) value() & {
        require();
        return **this;
    }
    decltype(auto) value() const& {
        require();
        return **this;
    }
    decltype(auto) value() && {
        require();
        return *std::move(*this);
    }

private:
    void require() const {
        if (!this->has_value()) throw call_error(this->error());
    }
};

template <>
class [[nodiscard]] result<void> : public tl::expected<void, dunlin::error> {
    using base = tl::expected<void, dunlin::error>;

public:
    using value_type = void;
    using base::base;
    result(dunlin::error why) : base(tl::unexpect, std::move(why)) {}
    result(errc code, std::string detail)
        : base(tl::unexpect, dunlin::error{code, std::move(detail)}) {}

    void value() const {
        if (!has_value()) throw call_error(this->error());
    }
};

}  // namespace dunlin
