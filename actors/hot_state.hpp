// SPDX-License-Identifier: Apache-2.0
//
// All spaces of a node, and the two threads between them and the store.
//
// Made before the pools, which get their space here; ended after the last call has been answered,
// when what was not waited for is still written. `space_of` while the node is put together, all
// else from any thread.
#pragma once

#include "actors/function_info.hpp"
#include "actors/key_offers.hpp"
#include "actors/owner_keeper.hpp"
#include "actors/state_space.hpp"
#include "actors/store_reader.hpp"
#include "actors/store_writer.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::actors {

class hot_state : public store_traffic {
public:
    /// By space: DUNLIN_STATE_DURABLE, ...
    using mode_table = std::map<std::string, std::uint32_t, std::less<>>;
    struct options {
        std::size_t cache_bytes_max = std::size_t{256} << 20;
        std::size_t waiting_max = 16384;    // calls at one key
        write_behind::limits relaxed = {};  // of what relaxed spaces may lose
        mode_table modes = {};              // what an operator has said
        std::uint64_t node = 0;             // this one among those that share the store
        node_lease::steady_clock_ns steady_ns = nullptr;  // by which it has leases there
        std::uint64_t hash_seed = 0;  // for lives that repeat to the letter; 0: drawn
    };
    /// `store` may be null if no function needs one, and outlives this.
    hot_state(options how, state_store* store, store_writer::complaint complain,
              wall_clock_ms now_ms);
    ~hot_state() override;

    /// Whether one of these has state that is stored.
    [[nodiscard]] static bool needs_store(const std::vector<const function_info*>& functions,
                                          const mode_table& modes);
    /// The spaces of these functions, before any is asked for. @returns an error when the store
    /// cannot have them.
    [[nodiscard]] result<void> open(const std::vector<const function_info*>& functions);
    /// The threads to the store and from it. @param move gets calls that waited at a key which is
    /// another node's by now, @param offer the hottest of such keys; not needed unless nodes share
    /// the store
    void start(owner_keeper::mover move = {}, owner_keeper::offerer offer = {});
    /// Whether other nodes use the store, too.
    [[nodiscard]] bool shares() const noexcept { return lease_ != nullptr; }
    /// The cluster has changed. @pre `shares()`, and it has started
    void seen(std::shared_ptr<const owner_view> view);
    /// Whether the keys that are others' since then have been offered to them.
    [[nodiscard]] bool has_offered() const { return !keeper_ || keeper_->has_offered(); }
    /// Keys that other nodes offer. Null unless nodes share the store, and before it has started.
    [[nodiscard]] key_offers* offers() const noexcept { return offers_.get(); }
    /// Null when no function of this node has its state there.
    [[nodiscard]] state_space* space(std::string_view name) const;
    /// Null for a function without one.
    [[nodiscard]] state_space* space_of(const function_info& function) const;
    [[nodiscard]] const std::map<std::string, std::unique_ptr<state_space>, std::less<>>& spaces()
        const noexcept {
        return spaces_;
    }
    [[nodiscard]] state_store* store() const noexcept { return store_; }

    /// Everything that has changed is written; nothing is afterwards. @pre the pools are shut down
    void end();
    /// Keys whose changes are lost, because the store did not take them. @pre it has ended
    [[nodiscard]] std::size_t unwritten() const { return writer_ ? writer_->unwritten() : 0; }

    // store_traffic
    void read_soon(key_entry& key) override { reader_->add(key); }
    void write_soon(key_entry& key) override { writer_->add(key); }
    void write_later(key_entry& key, std::size_t bytes) override { writer_->add_later(key, bytes); }
    void hurry() override { writer_->hurry(); }
    [[nodiscard]] bool behind() const noexcept override { return writer_->behind(); }

private:
    [[nodiscard]] static bool is_stored(const state_space::options& space) noexcept {
        return space.type != nullptr && space.mode != DUNLIN_STATE_EPHEMERAL;
    }
    [[nodiscard]] static std::map<std::string, state_space::options> spaces_of(
        const std::vector<const function_info*>& functions, const mode_table& modes);

    const options options_;
    state_store* const store_;
    const store_writer::complaint complain_;
    const wall_clock_ms now_ms_;
    std::map<std::string, std::unique_ptr<state_space>, std::less<>> spaces_;
    std::shared_ptr<node_lease> lease_;   // null: no other node uses the store
    std::uint32_t owner_rows_ = 0;        // the space of the nodes' rows
    std::shared_ptr<key_offers> offers_;  // null: no other node uses the store
    std::unique_ptr<owner_keeper> keeper_;
    std::unique_ptr<store_reader> reader_;
    std::unique_ptr<store_writer> writer_;
};

}  // namespace dunlin::actors
