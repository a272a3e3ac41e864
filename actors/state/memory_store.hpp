// SPDX-License-Identifier: Apache-2.0
//
// The store in memory: what a store does, in its shortest form.
//
// For tests and for the simulator, where several nodes may share one, and the model that the
// conformance suite holds the others against. What it has is gone with it. Safe from any thread;
// `write` may also come from several nodes at once.
#pragma once

#include "actors/state/state_store.hpp"

#include <functional>
#include <map>
#include <mutex>

namespace dunlin::actors {

class memory_store final : public state_store {
public:
    enum class users : std::uint8_t { one_node, many_nodes };

    explicit memory_store(users of = users::one_node) noexcept : users_(of) {}

    [[nodiscard]] result<std::uint32_t> open_space(std::string_view name) override;
    [[nodiscard]] result<void> write(std::span<state_write> batch) override;
    [[nodiscard]] result<void> read(std::span<state_read> wanted) override;
    [[nodiscard]] result<std::vector<listed_state>> list(std::uint32_t space,
                                                         std::string_view prefix,
                                                         std::string_view after,
                                                         std::size_t count_max) override;
    [[nodiscard]] bool shared() const noexcept override { return users_ == users::many_nodes; }
    [[nodiscard]] std::uint64_t identity() const noexcept override {
        return shared() ? reinterpret_cast<std::uintptr_t>(this) : 0;
    }
    [[nodiscard]] std::string describe() const override { return "memory"; }

private:
    struct named_space {
        std::string name;
        std::map<std::string, stored_state, std::less<>> values;  // erased ones, too
    };

    const users users_;
    std::mutex mutex_;
    std::vector<named_space> spaces_;
};

}  // namespace dunlin::actors
