// SPDX-License-Identifier: Apache-2.0
//
// Reads and lists beside those that write, as many as the store takes at once: each sees a value
// that was written, whole, and never an older one than it has seen before; and what a reader brings
// back late makes no stale write pass.
#include "tests/store/store_cases.hpp"
#include "tests/store/store_steps.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin;
using namespace dunlin::tests;
using actors::state_read;
using actors::state_write;
using actors::write_outcome;

namespace {

constexpr std::size_t key_count = 40;
constexpr std::uint64_t rounds = 80;

std::string key_of(std::size_t i) { return "key-" + std::to_string(1000 + i); }

// So long, and so different from its neighbours, that half of one and half of another is noticed.
std::string value_of(std::size_t key, std::uint64_t version) {
    return std::string(1 + (key * 7 + version * 13) % 900, static_cast<char>('a' + version % 26));
}

// Threads must not fail a test by themselves.
class findings {
public:
    void require(bool holds, const char* what) {
        const char* none = nullptr;
        if (!holds) first_.compare_exchange_strong(none, what);
    }
    [[nodiscard]] std::string first() const {
        const char* what = first_.load();
        return what == nullptr ? "" : what;
    }

private:
    std::atomic<const char*> first_{nullptr};
};

void keep_reading(actors::state_store& store, std::uint32_t space, const std::atomic<bool>& done,
                  unsigned seed, findings& wrong) {
    std::mt19937 random(seed);
    std::array<std::uint64_t, key_count> seen{};
    std::vector<std::string> names;
    for (std::size_t i = 0; i < key_count; ++i) names.push_back(key_of(i));
    while (!done.load()) {
        std::vector<std::size_t> which(1 + random() % 20);
        std::vector<state_read> wanted(which.size());
        for (std::size_t i = 0; i < which.size(); ++i) {
            which[i] = random() % key_count;
            wanted[i].space = space;
            wanted[i].key = as_bytes(names[which[i]]);
        }
        wrong.require(store.read(wanted).has_value(), "a read failed");
        // Keys may be there twice, in one order of time.
        for (std::size_t i = 0; i < which.size(); ++i) {
            const auto& found = wanted[i].found;
            auto& before = seen[which[i]];
            wrong.require(found.version >= before, "a read went back in time");
            before = std::max(before, found.version);
            if (found.present)
                wrong.require(text_of(found) == value_of(which[i], found.version), "a torn value");
        }
    }
}

void keep_listing(actors::state_store& store, std::uint32_t space, const std::atomic<bool>& done,
                  findings& wrong) {
    while (!done.load()) {
        const auto page = store.list(space, "key-", "key-1003", 30);
        wrong.require(page.has_value(), "a list failed");
        if (!page) return;
        wrong.require(std::is_sorted(page->begin(), page->end(),
                                     [](const auto& a, const auto& b) { return a.key < b.key; }),
                      "a list is not in order");
        for (const auto& each : *page) {
            const auto i = static_cast<std::size_t>(std::stoul(each.key.substr(4)) - 1000);
            wrong.require(each.value_bytes == value_of(i, each.version).size(),
                          "a list tells of a value that never was");
        }
    }
}

// The versions that its keys have, each `parts`th from `part` on.
using key_versions = std::array<std::uint64_t, key_count>;

void keep_writing(actors::state_store& store, std::uint32_t space, std::size_t part,
                  std::size_t parts, key_versions& versions, findings& wrong) {
    std::mt19937 random(static_cast<unsigned>(4711 + part));
    for (std::uint64_t round = 1; round <= rounds && wrong.first().empty(); ++round) {
        std::vector<std::string> names;
        std::vector<std::string> values;
        std::vector<state_write> batch;
        names.reserve(key_count);
        values.reserve(key_count);
        for (auto i = part; i < key_count; i += parts) {
            if (random() % 3 == 0) continue;
            names.push_back(key_of(i));
            values.push_back(value_of(i, round));
            // Some from a version that is past, by one or more; those must not pass.
            const bool stale = versions[i] != 0 && random() % 4 == 0;
            const auto expected = stale ? versions[i] - 1 : versions[i];
            batch.push_back(random() % 10 == 0
                                ? erase(space, names.back(), expected, round)
                                : put(space, names.back(), expected, round, values.back()));
            batch.back().writer = {i, stale ? 1u : 0u};
        }
        wrong.require(store.write(batch).has_value(), "a write failed");
        for (const auto& each : batch) {
            const bool stale = each.writer.id == 1;
            wrong.require(
                each.outcome == (stale ? write_outcome::conflict : write_outcome::written),
                "a write passed that should not have, or the other way round");
            if (!stale) versions[each.writer.origin] = round;
        }
    }
}

}  // namespace

TEMPLATE_TEST_CASE("reads and lists beside writes see whole values, in order of time", "[store]",
                   DUNLIN_STORE_CASES) {
    TestType made;
    auto& store = made.store();
    const auto space = store.open_space("s").value();
    std::atomic<bool> done{false};
    findings wrong;
    std::vector<std::thread> readers;
    for (unsigned i = 0; i < 3; ++i)
        readers.emplace_back([&, i] { keep_reading(store, space, done, i, wrong); });
    readers.emplace_back([&] { keep_listing(store, space, done, wrong); });

    key_versions versions{};
    const auto parts = store.writes_at_once();
    std::vector<std::thread> writers;
    for (std::size_t part = 0; part < parts; ++part)
        writers.emplace_back(
            [&, part] { keep_writing(store, space, part, parts, versions, wrong); });
    for (auto& each : writers) each.join();
    done = true;
    for (auto& each : readers) each.join();
    CHECK(wrong.first().empty());
    for (std::size_t i = 0; i < key_count; ++i)
        CHECK(read_one(store, space, key_of(i)).version == versions[i]);
}
