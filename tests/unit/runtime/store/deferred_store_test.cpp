// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/deferred_store.hpp"

#include "actors/state/memory_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_store.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace dunlin;
using runtime::deferred_store;

namespace {

// A store that other nodes have used before: it has spaces of its own, in another order.
std::shared_ptr<actors::memory_store> store_in_use() {
    auto made = std::make_shared<actors::memory_store>();
    for (const auto* name : {"others", "b", "a"}) static_cast<void>(made->open_space(name).value());
    return made;
}

actors::state_write put(std::uint32_t space, std::string_view key, std::string_view value) {
    actors::state_write made;
    made.space = space;
    made.key = as_bytes(key);
    made.version = 1;
    made.value = as_bytes(value);
    return made;
}

actors::state_read of(std::uint32_t space, std::string_view key) {
    actors::state_read made;
    made.space = space;
    made.key = as_bytes(key);
    return made;
}

}  // namespace

TEST_CASE("a store is opened when somebody needs it, and not for its spaces") {
    const auto kept = store_in_use();
    int opened = 0;
    deferred_store store(
        [&]() -> result<std::unique_ptr<actors::state_store>> {
            ++opened;
            return std::unique_ptr<actors::state_store>(
                std::make_unique<tests::faulty_store>(kept));
        },
        "memory");
    const auto a = store.open_space("a").value();
    CHECK(opened == 0);
    auto one = of(a, "k");
    REQUIRE(store.read({&one, 1}).has_value());
    REQUIRE(store.read({&one, 1}).has_value());
    CHECK(opened == 1);
    CHECK(store.describe() == "memory");
    CHECK(store.identity() == 0);
}

TEST_CASE("spaces have the caller's numbers before and after a call, and the store's in it") {
    const auto kept = store_in_use();
    deferred_store store(
        [&]() -> result<std::unique_ptr<actors::state_store>> {
            return std::unique_ptr<actors::state_store>(
                std::make_unique<tests::faulty_store>(kept));
        },
        "memory");
    const auto a = store.open_space("a").value();
    const auto b = store.open_space("b").value();
    CHECK(a == 0);
    CHECK(b == 1);

    std::vector<actors::state_write> batch{put(a, "k", "of a"), put(b, "k", "of b"),
                                           put(a, "l", "of a, too")};
    REQUIRE(store.write(batch).has_value());
    CHECK(batch[0].space == a);
    CHECK(batch[1].space == b);
    CHECK(batch[2].space == a);
    for (const auto& each : batch) CHECK(each.outcome == actors::write_outcome::written);

    // Those that wrote ask about the same keys next, with the numbers that they have.
    std::vector<actors::state_read> wanted{of(batch[1].space, "k"), of(batch[0].space, "k")};
    REQUIRE(store.read(wanted).has_value());
    CHECK(as_text(wanted[0].found.value) == "of b");
    CHECK(as_text(wanted[1].found.value) == "of a");
    CHECK(wanted[0].space == b);
    CHECK(store.list(a, "", "", 10).value().size() == 2);
    CHECK(store.list(b, "", "", 10).value().size() == 1);

    // In the store itself they are where its own numbers say.
    const auto theirs = kept->open_space("a").value();
    CHECK(theirs != a);
    auto seen = of(theirs, "k");
    REQUIRE(kept->read({&seen, 1}).has_value());
    CHECK(as_text(seen.found.value) == "of a");
}

TEST_CASE("the numbers are the caller's again after a call that failed, too") {
    const auto kept = store_in_use();
    tests::faulty_store* faulty = nullptr;
    deferred_store store(
        [&]() -> result<std::unique_ptr<actors::state_store>> {
            auto made = std::make_unique<tests::faulty_store>(kept);
            made->fail_writes(1);
            made->fail_reads(1);
            faulty = made.get();
            return std::unique_ptr<actors::state_store>(std::move(made));
        },
        "memory");
    static_cast<void>(store.open_space("a").value());
    const auto b = store.open_space("b").value();
    auto write = put(b, "k", "v");
    CHECK_FALSE(store.write({&write, 1}).has_value());
    CHECK(write.space == b);
    auto read = of(b, "k");
    CHECK_FALSE(store.read({&read, 1}).has_value());
    CHECK(read.space == b);
    REQUIRE(store.write({&write, 1}).has_value());
    CHECK(write.space == b);
    CHECK(faulty != nullptr);
}

TEST_CASE("a store that cannot be opened is not tried again at once, and says why each time") {
    int tried = 0;
    deferred_store store(
        [&]() -> result<std::unique_ptr<actors::state_store>> {
            ++tried;
            return error{errc::unavailable, "somebody else has it"};
        },
        "memory");
    const auto a = store.open_space("a").value();
    for (int i = 0; i < 3; ++i) {
        auto one = of(a, "k");
        const auto done = store.read({&one, 1});
        REQUIRE_FALSE(done.has_value());
        CHECK(done.error().detail == "somebody else has it");
    }
    CHECK(tried == 1);
}
