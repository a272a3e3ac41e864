// SPDX-License-Identifier: Apache-2.0
//
// Keys that their owners before have named to this node, which is to own them now: their values are
// read before calls ask for them.
//
// Without that a node that takes over many keys would miss once for each. An offer is a hint and no
// more: what is not the node's by its own view is kept for a while, because others may know sooner
// who owns what, and then forgotten; so is what there is no room for. A value is read as for an
// operator's look at it: once, also when a call comes meanwhile, and into the cache as all values.
// `loads_max` reads are on their way at most. Owned by `hot_state`; any thread.
#pragma once

#include "actors/key_handover.hpp"
#include "actors/state_space.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::actors {

class key_offers final : public key_task, public std::enable_shared_from_this<key_offers> {
public:
    struct limits {
        std::size_t keys_max = 16384;  // that wait
        std::size_t loads_max = 512;   // that are being read
        /// How long a key that is not the node's waits to become so: two leases, and a little.
        std::int64_t patience_ns = 5'000'000'000;
    };

    /// @pre nodes share the store of the spaces
    explicit key_offers(std::vector<key_handover> spaces)
        : key_offers(std::move(spaces), limits()) {}
    key_offers(std::vector<key_handover> spaces, limits of);

    /// A node names keys. Those of spaces that are not here are left out, and those beyond the
    /// limit.
    void came(std::string_view space, const std::vector<std::string_view>& keys);
    /// What is this node's may be so only now.
    void rights_changed();
    /// Nothing is read from now on.
    void end();

    // key_task: a value has been read, or could not be.
    void run(key_entry* key, const dunlin_state_type* type, const error* why,
             turns_done& done) override;

private:
    struct offer {
        std::size_t space;
        std::string key;
        std::int64_t until_ns;
    };
    using held_lock = std::unique_lock<std::mutex>;

    void read_on(held_lock& lock);

    const std::vector<key_handover> spaces_;
    const limits limits_;
    std::mutex mutex_;
    std::deque<offer> waiting_;  // to be looked at
    std::deque<offer> later_;    // were not this node's when they were
    std::size_t loads_ = 0;
    std::uint32_t changes_ = 0;  // of rights
    bool reads_on_ = false;      // a thread is at it
    bool ended_ = false;
};

}  // namespace dunlin::actors
