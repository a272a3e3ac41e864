// SPDX-License-Identifier: Apache-2.0
//
// A type's own name at compile time, without its namespaces: `page` for `shop::(anonymous)::page`.
//
// It starts the paths in decode errors and names structs in schemas. The text is cut from what
// the compiler prints as the enclosing function's signature; g++ and clang are understood.
#pragma once

#include <cstddef>
#include <string_view>

namespace dunlin::detail {

template <class T>
constexpr std::string_view signature_of() {
    return __PRETTY_FUNCTION__;
}

/// Cuts everything up to the last "::" that is not inside template arguments or parentheses.
constexpr std::string_view without_scope(std::string_view name) {
    std::size_t nested = 0;
    std::size_t start = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        if (c == '<' || c == '(' || c == '{') ++nested;
        if ((c == '>' || c == ')' || c == '}') && nested > 0) --nested;
        if (c == ':' && nested == 0) start = i + 1;
    }
    return name.substr(start);
}

template <class T>
constexpr std::string_view type_name() {
    // "... [with T = shop::page; ...]" (g++) or "... [T = shop::page]" (clang).
    std::string_view text = signature_of<T>();
    constexpr std::string_view mark = "T = ";
    text.remove_prefix(text.find(mark) + mark.size());
    std::size_t end = 0;
    std::size_t nested = 0;
    for (; end < text.size(); ++end) {
        const char c = text[end];
        if (c == '<' || c == '(' || c == '{' || c == '[') ++nested;
        if (nested == 0 && (c == ';' || c == ']')) break;
        if ((c == '>' || c == ')' || c == '}' || c == ']') && nested > 0) --nested;
    }
    return without_scope(text.substr(0, end));
}

}  // namespace dunlin::detail
