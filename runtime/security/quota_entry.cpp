// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/quota_entry.hpp"

#include "runtime/security/list_error.hpp"
#include "runtime/text/suggest.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace dunlin::runtime {

namespace {

struct number {
    const char* key;
    const char* unit;
    std::uint32_t most;
    std::uint32_t quota::*to;
};

constexpr std::array numbers = {
    number{"concurrency", "calls at once", quota::concurrency_max, &quota::concurrency},
    number{"rate", "calls a second", quota::rate_max, &quota::rate},
    number{"burst", "calls at once after a pause", quota::burst_max, &quota::burst},
    number{"weight", "the share beside other callers", quota::weight_max, &quota::weight},
};
const std::array<std::string, 5> keys_of_quota = {"name", "concurrency", "rate", "burst", "weight"};

}  // namespace

result<quota_entry> read_quota(const std::string& path, const toml::table& from) {
    for (const auto& [key, value] : from)
        if (std::find(keys_of_quota.begin(), keys_of_quota.end(), key.str()) == keys_of_quota.end())
            return list_error(path, key.source(),
                              "unknown key '" + std::string(key.str()) + "'" +
                                  did_you_mean(key.str(), keys_of_quota) +
                                  "; a quota has name, concurrency, rate, burst and weight");
    const auto* name = from.get("name");
    if (name == nullptr || !name->is_string())
        return list_error(path, name == nullptr ? from.source() : name->source(),
                          "a quota says whose it is: name = \"...\", the name of an [[allow]] "
                          "entry");
    quota_entry read{name->as_string()->get(), {}, name->source()};
    for (const auto& each : numbers) {
        const auto* node = from.get(each.key);
        if (node == nullptr) continue;
        const auto* given = node->as_integer();
        if (given == nullptr || given->get() < 1 || given->get() > std::int64_t{each.most})
            return list_error(path, node->source(),
                              std::string(each.key) + " is a whole number from 1 to " +
                                  std::to_string(each.most) + ": " + each.unit);
        read.what.*each.to = static_cast<std::uint32_t>(given->get());
    }
    if (!read.what.limits() && !from.contains("weight") && !from.contains("burst"))
        return list_error(path, from.source(),
                          "a quota says how much: concurrency, rate or weight; without one its "
                          "keys have no limits of their own");
    if (read.what.rate == 0 && from.contains("burst"))
        return list_error(path, from.get("burst")->source(),
                          "burst is how many calls of a rate may come at once, and no rate is "
                          "given");
    if (read.what.burst == 0) read.what.burst = read.what.rate;
    return read;
}

}  // namespace dunlin::runtime
