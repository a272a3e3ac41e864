// SPDX-License-Identifier: Apache-2.0
//
// Functions whose answers say in which order they ran: counters, lists, and values of any size.
//
// Each increment answers the new count and each append the new length, so that a write which was
// lost, or applied twice, cannot be hidden from who has all answers. `..._again` may be sent again
// by clients; `add_and_fail` changes the state and then fails, so that nothing of it may stay.
#include "keyed_call.hpp"

#include <dunlin/function.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace {

using dunlin::chaos::standing;
using dunlin::chaos::step;

struct tally {
    std::uint64_t count = 0;
    DUNLIN_FIELDS(count)
};

struct journal {
    std::vector<std::uint64_t> entries;
    DUNLIN_FIELDS(entries)
};

struct weight {
    std::string text;
    DUNLIN_FIELDS(text)
};

standing add(const step&, tally& t) { return {++t.count, {}}; }

dunlin::result<standing> add_and_fail(const step&, tally& t) {
    ++t.count;
    return {dunlin::errc::failed, "as it was asked to"};
}

standing count(const step&, const tally& t) { return {t.count, {}}; }

standing append(const step& s, journal& j) {
    j.entries.push_back(s.id);
    return {j.entries.size(), {}};
}

standing list(const step&, const journal& j) { return {j.entries.size(), j.entries}; }

standing put(const step& s, weight& w) {
    w.text.assign(s.bytes, static_cast<char>('a' + s.id % 26));
    return {w.text.size(), {}};
}

}  // namespace

DUNLIN_MODULE(tally, m) {
    m.function("add", add).keyed_by(&step::key).space("tally.counts");
    m.function("add_again", add).keyed_by(&step::key).space("tally.counts").idempotent();
    m.function("add_and_fail", add_and_fail).keyed_by(&step::key).space("tally.counts");
    m.function("count", count).keyed_by(&step::key).space("tally.counts").idempotent();
    m.function("append", append).keyed_by(&step::key).space("tally.lists");
    m.function("append_again", append).keyed_by(&step::key).space("tally.lists").idempotent();
    m.function("list", list).keyed_by(&step::key).space("tally.lists").idempotent();
    m.function("put", put).keyed_by(&step::key).space("tally.weights");
}
