// SPDX-License-Identifier: Apache-2.0
//
// The thread that runs activations where their work arrives, as the actors see it.
//
// A lane's thread is a CAF execution unit. Around every entry into user code it is told, because
// a lane that is held too long is taken over by another thread; after `leave_user_code` the unit
// may have lost its lane, and then stops being `current()`. On all other threads (CAF's
// scheduler, threads of blocking functions) there is no current unit. One per thread.
#pragma once

#include "actors/running_code.hpp"

#include <caf/execution_unit.hpp>

#include <cstdint>
#include <utility>

namespace dunlin::actors {

class pool;

class run_unit : public caf::execution_unit {
public:
    using caf::execution_unit::execution_unit;

    /// `running` is the pool whose function takes the thread now.
    virtual void enter_user_code(pool& running) noexcept = 0;
    virtual void leave_user_code() noexcept = 0;

    /// What becomes ready next belongs to that function.
    void announce(const pool& function) noexcept { announced_ = &function; }

    [[nodiscard]] static run_unit* current() noexcept { return current_; }
    static void set_current(run_unit* unit) noexcept { current_ = unit; }

protected:
    /// Null: to none. Once for each announcement.
    [[nodiscard]] const pool* take_announced() noexcept {
        return std::exchange(announced_, nullptr);
    }

private:
    static thread_local run_unit* current_;

    const code_thread listed_;
    const pool* announced_ = nullptr;
};

/// Marks user code for as long as it lives, and notes whose it is.
class user_code_scope {
public:
    user_code_scope(pool& running, std::int64_t deadline_ns) noexcept
        : note_(running, deadline_ns),
          unit_(run_unit::current()) {
        if (unit_ != nullptr) unit_->enter_user_code(running);
    }
    ~user_code_scope() {
        if (unit_ != nullptr) unit_->leave_user_code();
    }
    user_code_scope(const user_code_scope&) = delete;
    user_code_scope& operator=(const user_code_scope&) = delete;

private:
    const code_note note_;
    run_unit* unit_;
};

/// The way back into the node in the middle of user code, for host functions that touch more than
/// their call. If the lane was lost meanwhile there is no current unit inside, nor afterwards.
class host_code_scope {
public:
    explicit host_code_scope(pool& running) noexcept : running_(running) {
        if (auto* unit = run_unit::current()) unit->leave_user_code();
    }
    ~host_code_scope() {
        if (auto* unit = run_unit::current()) unit->enter_user_code(running_);
    }
    host_code_scope(const host_code_scope&) = delete;
    host_code_scope& operator=(const host_code_scope&) = delete;

private:
    pool& running_;
};

/// Makes a lane's thread one like any other for as long as it lives: what becomes ready goes to
/// CAF's scheduler. For what user code does to others, for the lane is not to be touched in it.
class elsewhere_scope {
public:
    elsewhere_scope() noexcept : hidden_(run_unit::current()) { run_unit::set_current(nullptr); }
    ~elsewhere_scope() { run_unit::set_current(hidden_); }
    elsewhere_scope(const elsewhere_scope&) = delete;
    elsewhere_scope& operator=(const elsewhere_scope&) = delete;

private:
    run_unit* hidden_;
};

}  // namespace dunlin::actors
