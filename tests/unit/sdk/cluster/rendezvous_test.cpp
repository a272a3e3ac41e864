// SPDX-License-Identifier: Apache-2.0
#include "cluster/rendezvous.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace dunlin::cluster;

namespace {

std::vector<std::string> nodes(std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back("node-" + std::to_string(i + 1));
    return names;
}

partition_map map_of(const std::vector<std::string>& names, std::uint32_t bound_percent = 125) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    return partition_map(views, bound_percent);
}

std::vector<std::string> owners(const std::vector<std::string>& names,
                                std::uint32_t bound_percent = 125) {
    const auto map = map_of(names, bound_percent);
    std::vector<std::string> result;
    for (std::uint32_t i = 0; i < partition_count; ++i) {
        REQUIRE(map.owner_of(i) < names.size());
        result.push_back(names[map.owner_of(i)]);
    }
    return result;
}

std::vector<std::size_t> loads(const std::vector<std::string>& names,
                               std::uint32_t bound_percent = 125) {
    const auto map = map_of(names, bound_percent);
    std::vector<std::size_t> counts(names.size());
    for (std::uint32_t i = 0; i < partition_count; ++i) ++counts[map.owner_of(i)];
    return counts;
}

std::size_t moved(const std::vector<std::string>& before, const std::vector<std::string>& after) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < before.size(); ++i) count += before[i] != after[i];
    return count;
}

}  // namespace

TEST_CASE("rendezvous hashes as the wire contract says") {
    CHECK(name_hash("") == 0xf52a'15e9'a9b5'e89bu);
    CHECK(name_hash("a") == 0x02c0'bdbf'4814'20f8u);
    CHECK(name_hash("node-1") == 0x1395'0d4e'f307'e655u);
    CHECK(partition_of("k1") == 3782);
    CHECK(partition_of("user/4711") == 797);
    CHECK(partition_of(std::string_view("\xff\x00\x7f", 3)) == 2683);
    CHECK(rendezvous_weight(name_hash("node-1"), 0) == 0x6fde'ab7a'6c8e'8b8eu);
    CHECK(rendezvous_weight(name_hash("node-1"), 4095) == 0x2e9a'1047'bbdf'b6b5u);
}

TEST_CASE("rendezvous owners are those of the wire contract") {
    const auto three = nodes(3);
    CHECK(three[map_of(three).owner("k1")] == "node-1");
    CHECK(three[map_of(three).owner("user/4711")] == "node-2");
    CHECK(three[map_of(three).owner("")] == "node-2");
    // With a hundred members the bound matters: some partition is not with its highest weight.
    const auto hundred = nodes(100);
    std::uint64_t sum = 0;
    for (const auto& name : owners(hundred)) sum = mix(sum + name_hash(name));
    CHECK(sum == 0xcbca'b81f'b120'57afu);
}

TEST_CASE("rendezvous gives nothing to nobody, everything to one, and counts a name once") {
    CHECK(partition_map().owner("k") == partition_map::none);
    CHECK(map_of({}).owner("k") == partition_map::none);
    CHECK(loads({"only"})[0] == partition_count);
    CHECK(owners({"a", "b"}) == owners({"a", "b", "a", "b"}));
    CHECK(loads({"a", "b", "a"})[2] == 0);
}

TEST_CASE("rendezvous does not depend on the order of names") {
    auto names = nodes(100);
    const auto expected = owners(names);
    std::reverse(names.begin(), names.end());
    CHECK(owners(names) == expected);
    random_source random(3);
    for (int round = 0; round < 5; ++round) {
        for (std::size_t i = names.size() - 1; i > 0; --i) {
            std::swap(names[i], names[random.next() % (i + 1)]);
        }
        CHECK(owners(names) == expected);
        CHECK(owners(names, 101).size() == partition_count);
    }
}

TEST_CASE("rendezvous gives no member more than the bound, however tight") {
    for (const std::uint32_t percent : {100U, 101U, 110U, 125U, 200U, 0U}) {
        for (const std::size_t count : {1U, 2U, 3U, 7U, 10U, 100U, 333U, 5000U}) {
            if (count == 5000 && percent != 125) continue;
            const auto most = loads(nodes(count), percent);
            CHECK(*std::max_element(most.begin(), most.end()) <=
                  partition_map::load_max(count, std::max(percent, 100U)));
        }
    }
    CHECK(partition_map::load_max(3) == 1707);
    CHECK(partition_map::load_max(100) == 52);
    CHECK(partition_map::load_max(1) == 5120);
}

TEST_CASE("rendezvous without need of the bound is plain highest random weight") {
    const auto names = nodes(3);
    const auto map = map_of(names);
    for (std::uint32_t partition = 0; partition < partition_count; ++partition) {
        const auto owner = map.owner_of(partition);
        for (const auto& name : names) {
            CHECK(rendezvous_weight(name_hash(names[owner]), partition) >=
                  rendezvous_weight(name_hash(name), partition));
        }
    }
}

TEST_CASE("rendezvous spreads keys evenly, sequential ones too") {
    const auto map = map_of(nodes(5));
    std::vector<int> counts(5);
    for (int i = 0; i < 100'000; ++i) ++counts[map.owner(std::to_string(i))];
    for (const auto count : counts) CHECK(count == Approx(20'000).epsilon(0.1));
    std::vector<int> partitions(partition_count);
    for (int i = 0; i < 400'000; ++i) ++partitions[partition_of("user/" + std::to_string(i))];
    CHECK(*std::max_element(partitions.begin(), partitions.end()) < 160);  // mean 98
    CHECK(*std::min_element(partitions.begin(), partitions.end()) > 50);
}

TEST_CASE("rendezvous moves little more than the share of the member that joins or leaves") {
    for (const std::size_t count : {2U, 3U, 10U, 30U, 100U}) {
        const auto before = nodes(count);
        const auto owned_before = owners(before);
        double joined = 0;
        double left = 0;
        const int rounds = 5;
        for (int round = 0; round < rounds; ++round) {
            auto with = before;
            with.push_back("new-" + std::to_string(round));
            joined += static_cast<double>(moved(owned_before, owners(with)));
            auto without = before;
            without.erase(without.begin() + round % static_cast<int>(count));
            left += static_cast<double>(moved(owned_before, owners(without)));
        }
        joined /= rounds;
        left /= rounds;
        const auto share_after = partition_count / (static_cast<double>(count) + 1);
        const auto share = partition_count / static_cast<double>(count);
        INFO(count << " members: join moves " << joined / share_after << ", leave " << left / share
                   << " of the least possible");
        CHECK(joined < 1.15 * share_after);
        CHECK(left < 1.25 * share);
    }
}

TEST_CASE("rendezvous returns to the same owners when a member comes back") {
    auto names = nodes(20);
    const auto before = owners(names);
    names.erase(names.begin() + 7);
    CHECK(owners(names) != before);
    names.push_back("node-8");
    CHECK(owners(names) == before);
}
