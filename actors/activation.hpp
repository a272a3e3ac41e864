// SPDX-License-Identifier: Apache-2.0
//
// One actor serving one function: it runs one invocation at a time.
//
// User code runs here and nowhere else. An invocation that runs through is answered on the spot;
// one that suspends is kept until its operations end, without holding a thread, and the
// activation takes no other meanwhile. Its pool may end it while it is idle, so everybody else
// points at its place in a table
// (`activation_table.hpp`). Owned by its pool; resumed by a lane, the scheduler
// or a thread that it may hold, by one of them at a time.
#pragma once

#include "actors/activation_table.hpp"
#include "actors/bundle.hpp"
#include "actors/call.hpp"
#include "actors/turn_list.hpp"

#include <caf/event_based_actor.hpp>

#include <atomic>
#include <cstdint>
#include <memory>

namespace dunlin::actors {

class pool;

// The messages an activation understands.

struct run_bundle {
    bundle_ptr work;
    std::uint32_t first = 0;  // those before it have been run
};
struct run_grant {
    key_grant held;
};
struct run_turns {};  // it has some left
struct operation_done {
    answer_address operation;
    std::int32_t code = 0;
    std::shared_ptr<const output_buffer> data;  // payload, or a detail; null: empty
};
struct stop_running {
    bundle_ptr work;
    std::uint32_t index = 0;
};
struct end_now {};  // it is retired, or the pool is shut down

class activation final : public caf::event_based_actor {
public:
    activation(caf::actor_config& config, const activation_place& place);
    ~activation() override;

    /// Gives it a bundle; only the pool, and only while it is idle.
    void start(bundle_ptr work);
    void start(key_grant held);
    /// It ends after what it has been given already.
    void end();

    /// Requests the stop of an invocation, wherever it is: waiting, running or suspended.
    /// @returns true when it has not started, and so never will. False when it has, or is away.
    static bool stop(const bundle_ptr& work, std::uint32_t index, errc reason);

    /// Runs the stop callback of an invocation that has started, here, and then ends what the
    /// invocation waits for, if it still does.
    static void finish_stop(stop_running stop);

    // Ends of one of its operations, from any thread; one that is not open is dropped.
    void end_operation(answer_address which, output_buffer& payload);
    void end_operation(answer_address which, error why);
    void timer_fired(const operation_timer& timer);

    [[nodiscard]] static activation& of(const caf::actor& handle) noexcept;
    [[nodiscard]] pool& home() noexcept { return pool_; }
    /// The port of its operations, and its number there.
    [[nodiscard]] activation_table& table() noexcept { return table_; }
    [[nodiscard]] std::uint32_t slot() const noexcept { return slot_; }
    [[nodiscard]] std::uint32_t next_generation() noexcept { return ++generation_; }
    [[nodiscard]] std::uint32_t newest_generation() const noexcept { return generation_; }

    caf::resumable::resume_result resume(caf::execution_unit* unit, std::size_t messages) override;
    void intrusive_ptr_release_impl() override;

protected:
    caf::behavior make_behavior() override;

private:
    void run(const bundle_ptr& work, std::uint32_t first);
    /// The same for calls that take turns by key.
    void run_keyed();
    /// Answers an invocation that nobody waits for, or whose deadline has passed.
    /// @returns whether it did.
    bool dropped(invocation& next, std::int64_t now_ns);
    /// Of the invocations `from` up to before `to`, which are answered now.
    void record_latencies(bundle& work, std::uint32_t from, std::uint32_t to,
                          std::int64_t now_ns) noexcept;
    /// @returns false when the invocation suspended.
    bool run_one(const bundle_ptr& work, std::uint32_t index);
    void occupied_since(std::int64_t began_ns) noexcept;
    void occupied_until(std::int64_t began_ns, std::int64_t now_ns) noexcept;
    void complete(const operation_done& ended);
    void stop_suspended(const stop_running& stop);
    void stop_what_waits();
    void leave_if_finished(std::int64_t began_ns);
    template <class Message>
    void post(Message message);

    activation_table& table_;
    pool& pool_;
    std::atomic<std::int64_t>& busy_since_ns_;
    const std::uint32_t slot_;
    const std::uint32_t oldest_generation_;
    std::unique_ptr<turn_list> turns_;  // null: the function is not keyed
    std::unique_ptr<dunlin_call> suspended_;
    std::uint32_t suspended_index_ = 0;    // in its bundle
    std::int64_t suspended_since_ns_ = 0;  // when it started
    std::uint32_t generation_;
};

/// The reason to give to a nested call whose operation ended with `code`.
[[nodiscard]] errc stop_reason_for(std::int32_t code) noexcept;

}  // namespace dunlin::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::actors::run_bundle)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::actors::run_grant)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::actors::run_turns)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::actors::operation_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::actors::stop_running)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::actors::end_now)
