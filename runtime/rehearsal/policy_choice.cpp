// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/policy_choice.hpp"

#include "runtime/text/quantity.hpp"
#include "runtime/text/suggest.hpp"

#include <array>
#include <charconv>

namespace dunlin::runtime::rehearsal {
namespace {

error refused(std::string_view name, const std::string& why) {
    return {errc::invalid_argument, "'" + std::string(name) + "': " + why};
}

result<void> read_number(policy_choice& to, std::string_view text) {
    const auto number = parse_count(text);
    if (!number) return refused(to.name, number.error().detail);
    if (*number < 1 || *number > actors_max)
        return refused(
            to.name, "the number of actors has to be between 1 and " + std::to_string(actors_max));
    to.number = *number;
    return {};
}

result<void> read_utilisation(policy_choice& to, std::string_view text) {
    const auto [end, why] = std::from_chars(text.data(), text.data() + text.size(), to.utilisation);
    if (why != std::errc() || end != text.data() + text.size() || !(to.utilisation >= 0.01) ||
        !(to.utilisation <= 1))
        return refused(to.name, "the utilisation has to be between 0.01 and 1, as in knative:0.7");
    return {};
}

}  // namespace

result<policy_choice> parse_policy(std::string_view name) {
    policy_choice choice{.name = std::string(name)};
    const auto colon = name.find(':');
    const auto kind = name.substr(0, colon);
    const bool has_value = colon != std::string_view::npos;
    const auto value = has_value ? name.substr(colon + 1) : std::string_view();
    result<void> read;
    if (kind == "dunlin") {
        if (has_value) read = refused(name, "dunlin takes no value; see --set");
    } else if (kind == "knative") {
        choice.kind = policy_kind::knative;
        if (has_value) read = read_utilisation(choice, value);
    } else if (kind == "orleans") {
        choice.kind = policy_kind::orleans;
        if (has_value) read = read_number(choice, value);
    } else if (kind == "fixed") {
        choice.kind = policy_kind::fixed;
        read =
            has_value ? read_number(choice, value) : refused(name, "say how many, as in fixed:8");
    } else {
        const std::array<std::string, 4> known{"dunlin", "knative", "orleans", "fixed"};
        auto hint = did_you_mean(kind, known);
        if (hint.empty())
            hint = "; dunlin, knative, knative:1.0, orleans, orleans:8 and fixed:8 do";
        read =
            error{errc::invalid_argument, "no policy is called '" + std::string(name) + "'" + hint};
    }
    if (!read) return read.error();
    return choice;
}

}  // namespace dunlin::runtime::rehearsal
