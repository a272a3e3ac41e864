// SPDX-License-Identifier: Apache-2.0
//
// Feeds bytes to the reader of allow-lists, and to the patterns in them.
//
// Method: the input is copied into memory of exactly its size. It is read as a list, whose key
// files are answered from memory; an error names the file and the code that a node expects, and a
// quota that is accepted can be used: it admits a call, and not more than it says. It is
// also read as a pattern, and what is accepted as one must match a name that it was made to match,
// and must agree with a matcher that is too slow to use but too simple to be wrong.
#include "runtime/security/allow_list.hpp"
#include "runtime/security/function_pattern.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace dunlin;
using namespace dunlin::runtime;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "allow_list_fuzz: %s\n", what);
    std::abort();
}

// By a row of answers for each character of the pattern: does it match so much of the name?
bool matches_plainly(std::string_view pattern, std::string_view name) {
    std::vector<char> now(name.size() + 1, 0);
    now[0] = 1;
    for (const char c : pattern) {
        std::vector<char> next(name.size() + 1, 0);
        for (std::size_t i = 0; i <= name.size(); ++i) {
            if (c == '*')
                next[i] = static_cast<char>(now[i] || (i > 0 && next[i - 1]));
            else
                next[i] = static_cast<char>(i > 0 && now[i - 1] && name[i - 1] == c);
        }
        now = std::move(next);
    }
    return now.back() != 0;
}

void check_pattern(std::string_view text, std::string_view name) {
    const auto pattern = function_pattern::parse(text);
    if (!pattern) {
        require(pattern.error().code == errc::invalid_argument, "an unexpected code");
        require(pattern.error().detail.size() < 400, "an error without end");
        return;
    }
    require(pattern->pattern().size() <= 129, "a pattern longer than any name");
    std::string made;
    for (const char c : pattern->pattern()) {
        if (c == '*')
            made += "x*y";
        else
            made += c;
    }
    require(pattern->matches(made), "a pattern does not match what it was made to match");
    for (const auto each : {name, std::string_view(made), std::string_view("text/count_words")})
        require(pattern->matches(each) == matches_plainly(pattern->pattern(), each),
                "a pattern does not match as a plain matcher does");
}

void check_quota(const grant& of) {
    const auto& says = of.limits;
    require(says.weight >= 1 && says.weight <= quota::weight_max, "a weight that is none");
    require((says.rate == 0) == (says.burst == 0), "a burst without a rate, or a rate without one");
    require(says.limits() == (of.use != nullptr), "limits that nobody counts for");
    if (!of.use) return;
    require(of.as != role::node, "a node with a quota");
    constexpr std::int64_t now_ns = 1'000'000'000;
    require(of.use->admit(says, now_ns).admitted(), "a quota that admits nothing");
    if (says.concurrency == 1 || says.burst == 1)
        require(!of.use->admit(says, now_ns).admitted(), "a quota that admits more than it says");
}

void check_list(std::string_view text) {
    const auto from_memory = [](const std::string& path) -> result<security::key_pair> {
        if (path.empty() || path.back() != 'b') return {errc::invalid_argument, "no such file"};
        return security::key_pair{"shop", std::string(security::key_characters, '1'), {}};
    };
    const auto list = allow_list::parse(text, "allow.toml", from_memory);
    if (!list) {
        require(list.error().code == errc::invalid_argument, "an unexpected code");
        require(list.error().detail.find("allow.toml") != std::string::npos, "nobody knows where");
        return;
    }
    const auto* shop = list->find(std::string(security::key_characters, '1'));
    if (shop == nullptr) return;
    check_quota(*shop);
    if (shop->as != role::client) return;
    require(!shop->may_call("dunlin/drain"), "a client may drain a node");
    require(!shop->may_call("dunlin/added_later"), "a client may call what nobody has thought of");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto copy = std::make_unique<char[]>(size);
    for (std::size_t i = 0; i < size; ++i) copy[i] = static_cast<char>(data[i]);
    const std::string_view text(copy.get(), size);
    check_list(text);
    const auto end = text.find('\n');
    if (size > 4096) return 0;
    check_pattern(text.substr(0, end), end == std::string_view::npos ? "" : text.substr(end + 1));
    return 0;
}
