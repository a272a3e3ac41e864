// SPDX-License-Identifier: Apache-2.0
//
// A client's call between being described and being awaited: it owns what it points into. Plain
// value.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/call_options.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace dunlin::detail {

class held_call {
public:
    held_call(std::string_view function, bytes payload, const call_options& options)
        : payload_(std::move(payload)),
          function_(function),
          key_(options.key),
          trace_(options.trace),
          options_(options) {}

    [[nodiscard]] std::string_view function() const noexcept { return function_; }
    [[nodiscard]] const bytes& payload() const noexcept { return payload_; }
    /// They point into this.
    [[nodiscard]] call_options options() const {
        call_options given = options_;
        given.key = key_;
        given.trace = trace_;
        return given;
    }

private:
    bytes payload_;
    std::string function_;
    std::string key_;
    std::string trace_;
    call_options options_;
};

}  // namespace dunlin::detail
