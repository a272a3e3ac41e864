// SPDX-License-Identifier: Apache-2.0
//
// Which functions a line of an allow-list means.
//
// `*` stands for any run of characters, also none and also across the slash; everything else for
// itself: "text/*", "*/count", "text/count_words", "*". A leading '!' takes away what the rest
// matches. What no function's name could ever match is an error, not a pattern without effect.
// A value, pure; any thread.
#pragma once

#include <dunlin/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::runtime {

class function_pattern {
public:
    enum class effect : std::uint8_t { allow, deny };

    /// Errors: `invalid_argument`, with a sentence that begins with the pattern.
    [[nodiscard]] static result<function_pattern> parse(std::string_view text);

    /// @param function a full name, module/function; any bytes
    [[nodiscard]] bool matches(std::string_view function) const noexcept;
    [[nodiscard]] effect says() const noexcept { return effect_; }
    /// The pattern without its '!'.
    [[nodiscard]] const std::string& pattern() const noexcept { return pattern_; }

private:
    function_pattern(std::string pattern, effect says)
        : pattern_(std::move(pattern)),
          effect_(says) {}

    std::string pattern_;
    effect effect_;
};

}  // namespace dunlin::runtime
