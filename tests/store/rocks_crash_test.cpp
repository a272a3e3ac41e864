// SPDX-License-Identifier: Apache-2.0
//
// What was acknowledged is there after the process was killed, whatever it was doing.
#include "test_paths.hpp"
#include "tests/store/child_process.hpp"
#include "tests/store/child_values.hpp"
#include "tests/store/store_cases.hpp"
#include "tests/store/store_steps.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>

using namespace dunlin;
using namespace dunlin::tests;

namespace {

constexpr std::size_t rounds = 20;

// What the child has said so far, from the bytes it said it in.
class listener {
public:
    using versions = std::array<std::uint32_t, child_keys>;

    explicit listener(const versions& acknowledged) : acknowledged_(acknowledged) {}

    // Reads until so many reports have come, or the end.
    void listen(const child_process& child, std::size_t reports) {
        while (count_ < reports) {
            const auto got = child.read(part_.data() + kept_, part_.size() - kept_);
            if (got == 0) return;
            kept_ += got;
            std::size_t at = 0;
            for (; kept_ - at >= sizeof(child_report); at += sizeof(child_report)) {
                child_report one;
                std::memcpy(&one, part_.data() + at, sizeof one);
                take(one);
            }
            std::memmove(part_.data(), part_.data() + at, kept_ - at);
            kept_ -= at;
        }
    }
    [[nodiscard]] const versions& acknowledged() const { return acknowledged_; }
    [[nodiscard]] std::size_t count() const { return count_; }

private:
    void take(const child_report& one) {
        REQUIRE(one.key < child_keys);
        auto& before = acknowledged_[one.key];
        if (count_++ < child_keys) {
            // One batch may have been written and not acknowledged any more.
            INFO("key " << one.key << " was acknowledged with version " << before);
            REQUIRE(one.version >= before);
            REQUIRE(one.version <= before + 1);
        } else {
            REQUIRE(one.version == before + 1);
        }
        before = one.version;
    }

    versions acknowledged_;
    std::size_t count_ = 0;
    std::size_t kept_ = 0;
    std::array<std::byte, 64 * sizeof(child_report)> part_{};
};

}  // namespace

TEST_CASE("no acknowledged write is lost when the process is killed", "[store]") {
    const temporary_folder folder;
    const auto directory = folder.file("data");
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    listener::versions acknowledged{};
    for (std::size_t round = 0; round < rounds; ++round) {
        child_process child({DUNLIN_TEST_PROGRAMS "/dunlin_store_child", "write", directory});
        listener of_child(acknowledged);
        // Some are killed while they open what the one before has left.
        const bool early = round % 5 == 4;
        of_child.listen(child, early ? random() % child_keys : child_keys + random() % 3000);
        REQUIRE(child.kill() == -SIGKILL);
        of_child.listen(child, SIZE_MAX);
        acknowledged = of_child.acknowledged();
    }

    runtime::store::rocks_settings settings;
    settings.directory = directory;
    settings.cluster = "test";
    const auto store = runtime::store::open_rocks_store(std::move(settings)).value();
    const auto space = store->open_space("s").value();
    std::uint64_t written = 0;
    for (std::uint32_t key = 0; key < child_keys; ++key) {
        const auto found = read_one(*store, space, child_key(key));
        const auto version = static_cast<std::uint32_t>(found.version);
        CHECK(version >= acknowledged[key]);
        CHECK(version <= acknowledged[key] + 1);
        CHECK(found.present == (version != 0 && child_present(version)));
        if (found.present) CHECK((text_of(found) == child_value(key, version)));
        written += version;
    }
    CHECK(written > rounds);
}

TEST_CASE("a full disk is an error of the write, and room is all that it takes to go on",
          "[store]") {
    // RocksDB 7.8 checks in a debug assertion, which Debian leaves in, that a log is not touched
    // any more once a write to it has failed, and does so itself now and then, when a memtable is
    // full at that moment. Then the process ends, as by a crash, and is started again.
    constexpr int starts_max = 5;
    for (int start = 1;; ++start) {
        const temporary_folder folder;
        child_process child({DUNLIN_TEST_PROGRAMS "/dunlin_store_child", "fill", folder.file("")});
        const auto said = child.read_to_end();
        const int ended = child.wait();
        if (ended == -SIGABRT && start < starts_max) continue;
        constexpr int cannot_mount = 77;
        if (ended == cannot_mount) {
            WARN("not tested: this process may not mount a small disk (that takes CAP_SYS_ADMIN)");
            return;
        }
        CHECK_THAT(said, Catch::EndsWith("ok\n"));  // after what the store has logged
        return;
    }
}
