// SPDX-License-Identifier: Apache-2.0
//
// All spaces of a node, and the two threads between them and the store.
//
// Made before the pools, which get their space here; ended after the last call has been answered,
// when what was not waited for is still written. `space_of` while the node is put together, all
// else from any thread.
#pragma once

#include "actors/function_info.hpp"
#include "actors/state_space.hpp"
#include "actors/store_reader.hpp"
#include "actors/store_writer.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::actors {

class hot_state : public store_traffic {
public:
    struct options {
        std::size_t cache_bytes_max = std::size_t{256} << 20;
        std::size_t waiting_max = 16384;  // calls at one key
    };
    /// `store` may be null if no function needs one, and outlives this.
    hot_state(options how, state_store* store, store_writer::complaint complain,
              wall_clock_ms now_ms);
    ~hot_state() override;

    /// Whether one of these has state that is stored.
    [[nodiscard]] static bool needs_store(const std::vector<const function_info*>& functions);
    /// The spaces of these functions, before any is asked for. @returns an error when the store
    /// cannot have them.
    [[nodiscard]] result<void> open(const std::vector<const function_info*>& functions);
    /// The threads to the store and from it.
    void start();
    /// Null when no function of this node has its state there.
    [[nodiscard]] state_space* space(std::string_view name) const;
    /// Null for a function without one.
    [[nodiscard]] state_space* space_of(const function_info& function) const;
    [[nodiscard]] const std::map<std::string, std::unique_ptr<state_space>, std::less<>>& spaces()
        const noexcept {
        return spaces_;
    }
    [[nodiscard]] const store_writer* writer() const noexcept { return writer_.get(); }
    [[nodiscard]] state_store* store() const noexcept { return store_; }

    /// Everything that has changed is written; nothing is afterwards. @pre the pools are shut down
    void end();

    // store_traffic
    void read_soon(key_entry& key) override { reader_->add(key); }
    void write_soon(key_entry& key) override { writer_->add(key); }

private:
    [[nodiscard]] static bool is_stored(const state_space::options& space) noexcept {
        return space.type != nullptr && space.mode != DUNLIN_STATE_EPHEMERAL;
    }
    [[nodiscard]] static std::map<std::string, state_space::options> spaces_of(
        const std::vector<const function_info*>& functions);

    const options options_;
    state_store* const store_;
    const store_writer::complaint complain_;
    const wall_clock_ms now_ms_;
    std::map<std::string, std::unique_ptr<state_space>, std::less<>> spaces_;
    std::unique_ptr<store_reader> reader_;
    std::unique_ptr<store_writer> writer_;
};

}  // namespace dunlin::actors
