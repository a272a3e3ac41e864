// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/descriptors.hpp"

#include "runtime/heap_trim.hpp"
#include "tests/support/catch.hpp"

using namespace dunlin::runtime;

TEST_CASE("descriptors are shared between clients, links and modules at every limit") {
    for (const std::size_t limit : {64u, 256u, 1024u, 4096u, 65'536u, 1u << 20}) {
        for (const std::size_t lanes : {1u, 2u, 8u}) {
            INFO("limit " << limit << " lanes " << lanes);
            const std::size_t open = 20 + 8 * lanes;
            const auto shares = share_descriptors(limit, open, lanes);
            CHECK(shares.connections_max >= 4);
            CHECK(shares.links_max >= 1);
            if (limit < 1024) continue;
            const auto used = open + lanes * (shares.connections_max + 4 * shares.links_max);
            CHECK(used + 16 <= limit);     // modules open some
            CHECK(used >= limit / 4 * 3);  // and little lies fallow
            CHECK(shares.connections_max > shares.links_max);
        }
    }
}

TEST_CASE("spare descriptors can be given away and had again") {
    const auto before = descriptors_open();
    spare_descriptors spares;
    const auto kept = descriptors_open();
    CHECK(kept == before + 8);
    spares.release();
    CHECK(descriptors_open() == before);
    CHECK(spares.refill());
    CHECK(descriptors_open() == kept);
}

TEST_CASE("memory is given back once much was in use and little is, not before and not again") {
    constexpr std::size_t much = trim_rule::much;
    trim_rule rule;
    for (int looks = 0; looks < 10; ++looks) CHECK_FALSE(rule.observe(much / 2));
    CHECK_FALSE(rule.waits());
    for (int looks = 0; looks < 10; ++looks) CHECK_FALSE(rule.observe(much * 8));
    CHECK(rule.waits());
    CHECK_FALSE(rule.observe(much * 4));  // half is not little
    CHECK_FALSE(rule.observe(1000));
    CHECK_FALSE(rule.observe(2000));
    CHECK_FALSE(rule.observe(much * 4));  // not quiet after all
    for (int looks = 1; looks < trim_rule::quiet_looks_wanted; ++looks)
        CHECK_FALSE(rule.observe(1000));
    CHECK(rule.observe(1500));
    CHECK_FALSE(rule.waits());
    for (int looks = 0; looks < 10; ++looks) CHECK_FALSE(rule.observe(1000));
}
