// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/virtual_store.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::sim {

namespace {

constexpr std::int64_t us = 1'000;
constexpr std::int64_t ms = 1'000'000;

error failed() { return {errc::unavailable, "the store of this life fails"}; }

}  // namespace

std::int64_t virtual_store::way_ns() {
    const auto quick = static_cast<std::int64_t>(random_.next() % (400 * us));
    if (!drawn(faults.slow)) return quick;
    return quick + static_cast<std::int64_t>(random_.next() % (800 * ms));
}

void virtual_store::write(const std::vector<actors::state_write>& batch, write_done done) {
    auto made = std::make_shared<pending>();
    made->writes.reserve(batch.size());
    for (const auto& each : batch) {
        owned_write own{each, std::string(as_text(each.key)), {}, {}};
        own.value.assign(each.value.begin(), each.value.end());
        own.recent.assign(each.recent.begin(), each.recent.end());
        made->writes.push_back(std::move(own));
    }
    const auto unset = outcomes(batch.size(), actors::write_outcome::unknown);
    const auto there_ns = way_ns();
    const auto back_ns = there_ns + way_ns();
    if (drawn(faults.failed)) {
        ++failures_;
        later_.in(back_ns, [done = std::move(done), unset] { done(true, unset); });
        return;
    }
    under_way_.push_back(made);
    if (drawn(faults.late)) {
        ++failures_;
        later_.in(there_ns, [done = std::move(done), unset] { done(true, unset); });
        later_.in(back_ns + way_ns() + ms, [this, made] { take_effect(*made); });
        return;
    }
    const bool lose = drawn(faults.unanswered);
    if (lose) ++failures_;
    auto told = std::make_shared<outcomes>();
    later_.in(there_ns, [this, made, told] { *told = take_effect(*made); });
    later_.in(back_ns, [done = std::move(done), told, unset, lose] {
        // Empty: it had been given up before it came there.
        done(lose || told->empty(), lose || told->empty() ? unset : *told);
    });
}

// Empty when it never had an effect.
virtual_store::outcomes virtual_store::take_effect(pending& batch) {
    if (std::exchange(batch.settled, true)) return {};
    std::erase_if(under_way_, [&](const auto& each) { return each.get() == &batch; });
    std::vector<actors::state_write> writes;
    for (auto& each : batch.writes) {
        auto what = each.what;
        what.key = as_bytes(each.key);
        what.value = bytes_view(each.value);
        what.recent = bytes_view(each.recent);
        if (lies_.versions_ignored) {
            actors::state_read there[] = {{what.space, what.key, {}}};
            if (kept_.read(there)) what.expected = there[0].found.version;
        }
        writes.push_back(what);
    }
    if (lies_.writes_lost && random_.next() % 20 == 0)
        return outcomes(writes.size(), actors::write_outcome::written);
    outcomes told;
    if (!kept_.write(writes)) return outcomes(writes.size(), actors::write_outcome::unknown);
    for (const auto& each : writes) told.push_back(each.outcome);
    return told;
}

void virtual_store::read(std::uint32_t space, const std::string& key, read_done done) {
    const bool fails = drawn(faults.failed);
    if (fails) ++failures_;
    later_.in(way_ns(), [this, space, key, fails, done = std::move(done)] {
        if (fails) return done(failed());
        actors::state_read wanted[] = {{space, as_bytes(key), {}}};
        if (auto read = kept_.read(wanted); !read) return done(read.error());
        // It is on its way back for a while, and may be old when it is there.
        later_.in(way_ns(), [done, found = std::move(wanted[0].found)] { done(found); });
    });
}

void virtual_store::given_up() {
    for (const auto& each : std::exchange(under_way_, {})) {
        if (random_.next() % 2 == 0)
            take_effect(*each);
        else
            each->settled = true;
    }
}

result<void> virtual_store::answering_now::read(std::span<actors::state_read> wanted) {
    if (of_.drawn(of_.faults.failed)) {
        ++of_.failures_;
        return failed();
    }
    return of_.kept_.read(wanted);
}

}  // namespace dunlin::sim
