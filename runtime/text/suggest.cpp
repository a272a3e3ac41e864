// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/suggest.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace dunlin::runtime {
namespace {

constexpr std::size_t name_bytes_max = 128;
constexpr std::size_t edits_max = 4;

char folded(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '_' ? '-' : c;
}

std::size_t edits_allowed(std::string_view wanted) noexcept {
    return std::clamp<std::size_t>(wanted.size() / 3, 1, edits_max);
}

std::string_view after_slash(std::string_view name) noexcept {
    const auto slash = name.find('/');
    return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

}  // namespace

std::size_t edit_distance(std::string_view from, std::string_view to) {
    if (from.size() > name_bytes_max || to.size() > name_bytes_max)
        return std::max(from.size(), to.size());

    // Three rows of the usual table suffice: a swap looks back two.
    using row = std::array<std::size_t, name_bytes_max + 1>;
    row before_last{};
    row last{};
    row now{};
    for (std::size_t j = 0; j <= to.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= from.size(); ++i) {
        now[0] = i;
        const char a = folded(from[i - 1]);
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const char b = folded(to[j - 1]);
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a == b ? 0U : 1U)});
            const bool swapped =
                i > 1 && j > 1 && a == folded(to[j - 2]) && b == folded(from[i - 2]);
            if (swapped) now[j] = std::min(now[j], before_last[j - 2] + 1);
        }
        before_last = std::exchange(last, now);
    }
    return last[to.size()];
}

std::string nearest(std::string_view wanted, std::span<const std::string> known) {
    const std::string* best = nullptr;
    std::size_t best_edits = edits_allowed(wanted) + 1;
    for (const auto& name : known) {
        const auto edits = edit_distance(wanted, name);
        if (edits < best_edits) {
            best_edits = edits;
            best = &name;
        }
    }
    if (best != nullptr) return *best;

    const auto function = after_slash(wanted);
    if (function.empty()) return {};
    const auto same = std::find_if(known.begin(), known.end(), [&](const std::string& name) {
        return name.find('/') != std::string::npos && after_slash(name) == function;
    });
    return same == known.end() ? std::string{} : *same;
}

std::string did_you_mean(std::string_view wanted, std::span<const std::string> known) {
    const auto name = nearest(wanted, known);
    return name.empty() ? std::string{} : "; did you mean " + name + "?";
}

}  // namespace dunlin::runtime
