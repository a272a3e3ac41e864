// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/function_pattern.hpp"

#include "support/names.hpp"

#include <algorithm>
#include <cstddef>

namespace dunlin::runtime {
namespace {

// One side of the slash: a name in which stars may stand.
bool is_name_with_stars(std::string_view text) {
    std::string name(text);
    std::erase(name, '*');
    return name.empty() ? !text.empty() && text.size() <= support::name_bytes_max
                        : support::is_name(name) && text.size() <= support::name_bytes_max;
}

}  // namespace

result<function_pattern> function_pattern::parse(std::string_view text) {
    const auto refused = [&](std::string_view problem) {
        // What is far too long to be a pattern is not repeated in full.
        const auto shown = text.substr(0, 80);
        std::string detail = "pattern \"";
        for (const char c : shown)
            detail += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
        detail += shown.size() < text.size() ? "...\" " : "\" ";
        detail += problem;
        return error{errc::invalid_argument, std::move(detail)};
    };
    auto pattern = text;
    auto says = effect::allow;
    if (pattern.starts_with('!')) {
        pattern.remove_prefix(1);
        says = effect::deny;
    }
    if (pattern.empty())
        return refused("is empty; write module/function, where * stands for any characters");
    const auto slashes = std::count(pattern.begin(), pattern.end(), '/');
    const auto slash = pattern.find('/');
    if (slashes > 1) return refused("has more than one slash, and no function's name has");
    const auto module = pattern.substr(0, slash);
    const auto function = slashes == 1 ? pattern.substr(slash + 1) : std::string_view();
    if (!is_name_with_stars(module) || (slashes == 1 && !is_name_with_stars(function)))
        return refused("is not one: on each side of the slash are " +
                       std::string(support::name_rule) + ", or *");
    if (slashes == 0 && pattern.find('*') == std::string_view::npos)
        return refused(
            "names no function, which are module/function; for all of a module write \"" +
            std::string(pattern) + "/*\"");
    return function_pattern(std::string(pattern), says);
}

bool function_pattern::matches(std::string_view function) const noexcept {
    const std::string_view pattern = pattern_;
    std::size_t in_pattern = 0;
    std::size_t in_name = 0;
    // Where to go on if what follows the last star does not fit: the star takes one more.
    std::size_t after_star = std::string_view::npos;
    std::size_t star_ends = 0;
    while (in_name < function.size()) {
        if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
            after_star = ++in_pattern;
            star_ends = in_name;
        } else if (in_pattern < pattern.size() && pattern[in_pattern] == function[in_name]) {
            ++in_pattern;
            ++in_name;
        } else if (after_star != std::string_view::npos) {
            in_pattern = after_star;
            in_name = ++star_ends;
        } else {
            return false;
        }
    }
    return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(in_pattern), pattern.end(),
                       [](char c) { return c == '*'; });
}

}  // namespace dunlin::runtime
