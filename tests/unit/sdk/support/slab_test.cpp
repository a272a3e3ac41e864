// SPDX-License-Identifier: Apache-2.0
#include "support/slab.hpp"

#include "support/index_list.hpp"
#include "tests/support/catch.hpp"

#include <memory>
#include <vector>

using namespace dunlin::support;

namespace {

struct entry {
    std::shared_ptr<int> owned;
    index_links links;
};
using entries = index_list<entry, &entry::links>;

std::vector<std::uint32_t> places_of(entries list, slab<entry>& in) {
    std::vector<std::uint32_t> all;
    while (!list.empty()) {
        all.push_back(list.front());
        list.erase(in, list.front());
    }
    return all;
}

}  // namespace

TEST_CASE("objects of a slab stay where they are while it grows") {
    slab<int> numbers;
    const auto first = numbers.take();
    numbers[first] = 7;
    const auto* where = &numbers[first];
    for (int i = 0; i < 1'000; ++i) (void)numbers.take();
    CHECK(&numbers[first] == where);
    CHECK(numbers[first] == 7);
    CHECK(numbers.size() == 1'001);
    CHECK(numbers.capacity() >= 1'001);
}

TEST_CASE("an object that is given back ends at once, and its place is used again") {
    slab<entry> all;
    const auto place = all.take();
    const auto owned = std::make_shared<int>(1);
    all[place].owned = owned;
    all.give_back(place);
    CHECK(owned.use_count() == 1);
    CHECK(all.size() == 0);
    CHECK(all.take() == place);
    CHECK(all[place].owned == nullptr);
}

TEST_CASE("a list through a slab keeps its order when something leaves its middle") {
    slab<entry> all;
    entries list;
    CHECK(list.empty());
    CHECK(list.front() == no_place);
    for (int i = 0; i < 4; ++i) list.push_back(all, all.take());
    list.erase(all, 1);
    list.rotate(all);
    CHECK(list.front() == 2);
    CHECK(list.back() == 0);
    CHECK(places_of(list, all) == std::vector<std::uint32_t>{2, 3, 0});
}

TEST_CASE("a list of one is the same after a rotation") {
    slab<entry> all;
    entries list;
    list.push_back(all, all.take());
    list.rotate(all);
    CHECK(list.front() == 0);
    list.erase(all, 0);
    CHECK(list.empty());
    CHECK(list.back() == no_place);
}
