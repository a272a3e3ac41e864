// SPDX-License-Identifier: Apache-2.0
//
// Lets code outside of the actors end an operation, on any thread and at any time.
//
// A function may wait for something of its own: a client of another node, a library that calls
// back. Whatever that is holds a ticket, which may outlive the call, its activation, the pool and
// the node. So it reaches the pool through its gate alone, which closes when the pool shuts down:
// an end that comes later is for nobody, and is dropped. The table of its activations drops what
// is for one that has ended, and the call what is not for its open operations, both by the
// operation's generation. Shared; safe from any thread.
#pragma once

#include "actors/answer_port.hpp"

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace dunlin::actors {

class activation_table;

class gate {
public:
    /// Runs `visit` unless the gate is closed; it stays open until `visit` has returned.
    template <class Visit>
    void pass(Visit&& visit) const {
        const std::shared_lock open(mutex_);
        if (!closed_) std::forward<Visit>(visit)();
    }
    /// Returns when nobody is on the way through any more.
    void close() {
        const std::unique_lock alone(mutex_);
        closed_ = true;
    }

private:
    mutable std::shared_mutex mutex_;
    bool closed_ = false;
};

}  // namespace dunlin::actors

/// Opaque to modules.
struct dunlin_ticket {
    std::shared_ptr<const dunlin::actors::gate> way;
    dunlin::actors::activation_table* owner;
    dunlin::actors::answer_address operation;
};
