// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/load_options.hpp"

#include "runtime/program/verb.hpp"
#include "runtime/text/quantity.hpp"
#include "runtime/text/suggest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace dunlin::program {

std::int64_t read_load_time(const std::string& option, const std::string& text) {
    constexpr std::chrono::hours most{24};
    const auto value = runtime::parse_duration(text);
    if (!value) throw usage_error(option + ": " + value.error().detail);
    if (*value > most) throw usage_error(option + ": " + text + " is more than a day");
    return value->count();
}

double read_cv(const std::string& text) {
    constexpr double cv_max = 100;
    double cv = 0;
    const auto* end = text.data() + text.size();
    const auto [at, why] = std::from_chars(text.data(), end, cv);
    if (why != std::errc() || at != end || !(cv >= 0) || !(cv <= cv_max))
        throw usage_error("--cv: '" + text + "' is no number between 0 and 100");
    return cv;
}

runtime::rehearsal::arrival_kind read_arrivals(const std::string& text) {
    const std::array<std::string, 3> known{"even", "poisson", "burst"};
    const auto at = std::find(known.begin(), known.end(), text);
    if (at == known.end())
        throw usage_error("--arrivals: '" + text + "' is not even, poisson or burst" +
                          runtime::did_you_mean(text, known));
    return static_cast<runtime::rehearsal::arrival_kind>(at - known.begin());
}

}  // namespace dunlin::program
