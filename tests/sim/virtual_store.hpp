// SPDX-License-Identifier: Apache-2.0
//
// A store in virtual time that fails in every way that one can, by its seed.
//
// A write takes effect, all of it at once, some time after it was asked for, and is answered some
// time after that. It may fail before it has an effect, or have one and lose its answer, or be
// given up by the process while it is under way and take effect later; and it may be slow. Reads
// fail and are slow, too. What a process asked for before it died takes effect or does not. Behind
// it is the store of memory, whose conditions on versions are those of every store. One owner, one
// thread.
#pragma once

#include "actors/state/memory_store.hpp"
#include "actors/state/state_store.hpp"
#include "cluster/random.hpp"
#include "tests/sim/script.hpp"
#include "tests/sim/virtual_time.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::sim {

/// What a store may not do, for tests that see it caught.
struct store_lies {
    bool writes_lost = false;       // some are called written, and are not
    bool versions_ignored = false;  // a write from another version is taken
};

struct store_faults {
    /// Of a hundred writes, and of a hundred reads.
    unsigned failed = 0;
    unsigned unanswered = 0;  // take effect, and their answers are lost
    unsigned late = 0;  // are given up and take effect later; never while a process has it alone
    unsigned slow = 0;
};

class virtual_store {
public:
    using outcomes = std::vector<actors::write_outcome>;
    /// `failed`: the store has failed, and outcomes are not known.
    using write_done = std::function<void(bool failed, const outcomes& each)>;
    using read_done = std::function<void(result<actors::stored_state> found)>;

    virtual_store(virtual_time& time, std::uint64_t seed, store_lies lies)
        : random_(seed),
          lies_(lies),
          later_(time),
          now_(*this) {}

    store_faults faults;
    bool shared = false;  // other processes use it at the same time

    /// The batch is copied. `done` is called once, in virtual time.
    void write(const std::vector<actors::state_write>& batch, write_done done);
    void read(std::uint32_t space, const std::string& key, read_done done);

    /// Whoever had it alone is gone: of writes that had no effect yet some have it now, the others
    /// never.
    void given_up();

    /// For those who do not wait: what is there now, if the store answers.
    [[nodiscard]] actors::state_store& at_once() noexcept { return now_; }
    [[nodiscard]] actors::memory_store& kept() noexcept { return kept_; }
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

private:
    struct owned_write {
        actors::state_write what;
        std::string key;
        std::vector<std::byte> value;
        std::vector<std::byte> recent;
    };
    struct pending {
        std::vector<owned_write> writes;
        bool settled = false;  // it has had its effect, or never will
    };
    class answering_now final : public actors::state_store {
    public:
        explicit answering_now(virtual_store& of) : of_(of) {}
        [[nodiscard]] result<std::uint32_t> open_space(std::string_view name) override {
            return of_.kept_.open_space(name);
        }
        [[nodiscard]] result<void> write(std::span<actors::state_write> batch) override {
            return of_.kept_.write(batch);
        }
        [[nodiscard]] result<void> read(std::span<actors::state_read> wanted) override;
        [[nodiscard]] result<std::vector<actors::listed_state>> list(
            std::uint32_t space, std::string_view prefix, std::string_view after,
            std::size_t count_max) override {
            return of_.kept_.list(space, prefix, after, count_max);
        }
        [[nodiscard]] bool shared() const noexcept override { return of_.shared; }
        [[nodiscard]] std::string describe() const override { return "a store in virtual time"; }

    private:
        virtual_store& of_;
    };

    [[nodiscard]] bool drawn(unsigned of_hundred) { return random_.next() % 100 < of_hundred; }
    [[nodiscard]] std::int64_t way_ns();
    outcomes take_effect(pending& batch);

    cluster::random_source random_;
    const store_lies lies_;
    script later_;
    actors::memory_store kept_;
    answering_now now_;
    std::vector<std::shared_ptr<pending>> under_way_;
    std::uint64_t failures_ = 0;
};

}  // namespace dunlin::sim
