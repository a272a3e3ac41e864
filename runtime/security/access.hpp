// SPDX-License-Identifier: Apache-2.0
//
// Who may connect to this node, and as what: the node's own key, and the keys of its allow-list.
//
// An `access` is what holds at one moment; it never changes, so a holder asks without a
// lock. The `access_board` has the newest: the gate puts it there, the lanes take it from there.
// Any thread.
#pragma once

#include "runtime/security/allow_list.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::runtime {

class access {
public:
    /// `own_key`: the public key that the nodes of this cluster share.
    access(std::string own_key, std::string own_name, allow_list others)
        : own_key_(std::move(own_key)),
          others_(std::move(others)) {
        own_.name = std::move(own_name);
        own_.as = role::node;
    }
    /// The one that holds after this one.
    [[nodiscard]] access next(allow_list others) const {
        others.go_on_from(others_);
        return {own_key_, own_.name, std::move(others)};
    }

    /// Null: nobody of ours. @param public_key Z85
    [[nodiscard]] const grant* find(std::string_view public_key) const {
        return public_key == own_key_ ? &own_ : others_.find(public_key);
    }

    /// Further keys of nodes.
    [[nodiscard]] std::vector<std::string> other_nodes() const {
        return others_.keys_of(role::node);
    }

private:
    std::string own_key_;
    grant own_;
    allow_list others_;
};

class access_board {
public:
    explicit access_board(std::shared_ptr<const access> first) : newest_(std::move(first)) {}

    /// Never null.
    [[nodiscard]] std::shared_ptr<const access> newest() const {
        const std::lock_guard lock(mutex_);
        return newest_;
    }
    void put(std::shared_ptr<const access> next) {
        const std::lock_guard lock(mutex_);
        newest_ = std::move(next);
        number_.fetch_add(1, std::memory_order_release);
    }
    /// Grows with each `put`. Cheap enough to ask for each frame.
    [[nodiscard]] std::uint64_t number() const noexcept {
        return number_.load(std::memory_order_acquire);
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const access> newest_;
    std::atomic<std::uint64_t> number_{0};
};

}  // namespace dunlin::runtime
