// SPDX-License-Identifier: Apache-2.0
//
// A store that is opened when somebody first needs it.
//
// A node that nobody has given a place for state serves functions without state as well, and most
// nodes are for these: it makes no folder, and fails for no lock, until a call asks for its state.
// A store that cannot be opened is tried again at the next call, at most once a second. Any thread;
// who comes while it is being opened waits.
#pragma once

#include "actors/state/state_store.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace dunlin::runtime {

class deferred_store final : public actors::state_store {
public:
    using opener = std::function<result<std::unique_ptr<actors::state_store>>()>;

    /// `described`: what it will be.
    deferred_store(opener open, std::string described)
        : open_(std::move(open)),
          described_(std::move(described)) {}

    [[nodiscard]] result<std::uint32_t> open_space(std::string_view name) override;
    [[nodiscard]] result<void> write(std::span<actors::state_write> batch) override;
    [[nodiscard]] result<void> read(std::span<actors::state_read> wanted) override;
    [[nodiscard]] result<std::vector<actors::listed_state>> list(std::uint32_t space,
                                                                 std::string_view prefix,
                                                                 std::string_view after,
                                                                 std::size_t count_max) override;
    [[nodiscard]] bool shared() const noexcept override { return false; }
    [[nodiscard]] std::string describe() const override { return described_; }

private:
    static constexpr std::chrono::seconds pause{1};

    /// Opens it, if it is not.
    [[nodiscard]] result<actors::state_store*> opened();
    /// Calls with the numbers that the store has for the spaces.
    template <class Requests, class Call>
    [[nodiscard]] result<void> numbered(Requests& all, Call&& call);

    const opener open_;
    const std::string described_;
    std::mutex mutex_;
    std::vector<std::string> spaces_;
    std::vector<std::uint32_t> numbers_;  // of the store, for each of these
    std::unique_ptr<actors::state_store> store_;
    error failed_;
    std::chrono::steady_clock::time_point again_{};
};

}  // namespace dunlin::runtime
