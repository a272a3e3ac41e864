// SPDX-License-Identifier: Apache-2.0
#include "runtime/calls/call_index.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <unordered_map>

using dunlin::runtime::call_index;

namespace {

struct call {
    std::uint64_t call_id = 0;
    call* next_of_caller = nullptr;
};

}  // namespace

TEST_CASE("calls are found by their ids, and an id belongs to one call") {
    call_index<call> index;
    CHECK(index.find(1) == nullptr);
    call first{1};
    call second{2};
    call same{1};
    index.erase(first);
    CHECK(index.insert(first));
    CHECK(index.insert(second));
    CHECK_FALSE(index.insert(same));
    CHECK(index.find(1) == &first);
    // One that is not in it does not take the other with its id out.
    index.erase(same);
    CHECK(index.size() == 2);
    index.erase(first);
    CHECK(index.find(1) == nullptr);
    CHECK(index.insert(same));
    CHECK(index.find(1) == &same);
    CHECK(index.take_all().size() == 2);
    CHECK(index.size() == 0);
    CHECK(index.find(2) == nullptr);
    CHECK(index.insert(first));
}

TEST_CASE("whatever comes and goes, the index has what a map has") {
    std::mt19937_64 random(7);
    call_index<call> index;
    std::unordered_map<std::uint64_t, call*> model;
    std::deque<call> calls;
    for (int step = 0; step < 20'000; ++step) {
        const auto id = random() % 700;
        if (random() % 2 == 0) {
            auto& added = calls.emplace_back(call{id});
            CHECK(index.insert(added) == model.emplace(id, &added).second);
        } else if (const auto known = model.find(id); known != model.end()) {
            index.erase(*known->second);
            model.erase(known);
        }
        const auto asked = random() % 700;
        const auto expected = model.find(asked);
        CHECK(index.find(asked) == (expected == model.end() ? nullptr : expected->second));
    }
    CHECK(index.size() == model.size());
    const auto all = index.take_all();
    CHECK(all.size() == model.size());
    CHECK(std::all_of(all.begin(), all.end(),
                      [&](call* each) { return model.at(each->call_id) == each; }));
}
