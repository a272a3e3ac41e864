// SPDX-License-Identifier: Apache-2.0
//
// Actors without threads, sockets or real time: a test moves everything by hand.
//
//     actor_harness h;
//     auto& pool = h.make_pool(h.function("test/hello", [](call_view c) { return c.reply("hi");
//     })); const auto ticket = h.call(pool, "payload"); CHECK(h.outcome(ticket) == "open");     //
//     not yet: the message waits in a mailbox h.run();                                 // or step()
//     for one message at a time CHECK(h.outcome(ticket) == "ok: hi");
//
// CAF's testing scheduler keeps a list of actors with messages; nothing runs until the test says
// so, in the order of arrival. The clock stands until `advance`, which also fires what is due of
// the timers that functions armed. Calls to other functions wait in `router`; with `connect` they
// go to the harness's own pools. Answers are counted for each ticket, so a second one shows.
//
// `lane` stands for a lane's thread: while one lives, actors of short functions run through it,
// and a touch of the lane from inside user code, which another thread could have taken over,
// becomes a line in `violations`. One thread, but for blocking functions, which have real threads
// of their own: `answers.wait_for` waits for those.
#pragma once

#include "actors/blocking_threads.hpp"
#include "actors/pool.hpp"
#include "actors/run_unit.hpp"
#include "tests/support/recorded_looks.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::testing {

/// A clock that moves only when told.
class manual_time final : public actors::steady_time {
public:
    [[nodiscard]] std::int64_t now_ns() const noexcept override { return now_ns_.load(); }
    void advance(std::chrono::nanoseconds by) { now_ns_ += by.count(); }

private:
    std::atomic<std::int64_t> now_ns_{1'000'000'000};
};

/// Keeps every answer it is given. Any thread.
class recorded_answers final : public actors::answer_port {
public:
    void answer_value(actors::answer_address to, actors::output_buffer& payload) override;
    void answer_error(actors::answer_address to, error why) override;

    /// "open", "ok: payload" or "code: detail"; several answers are joined by " and ".
    [[nodiscard]] std::string outcome(std::uint32_t ticket) const;
    [[nodiscard]] std::size_t count(std::uint32_t ticket) const;
    /// The error of a ticket with exactly one answer; throws for others.
    [[nodiscard]] error failure(std::uint32_t ticket) const;
    /// Throws, naming `what`, when the ticket is not answered in time.
    void wait_for(std::uint32_t ticket, std::string_view what);

private:
    void keep(std::uint32_t ticket, std::string text, error why);
    struct record {
        std::vector<std::string> texts;
        error last;
    };
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::map<std::uint32_t, record> records_;
};

/// Calls from functions to functions wait here, unless their function is connected to a pool.
class recording_router final : public actors::call_router {
public:
    struct routed {
        std::string function;
        actors::bundle_ptr work;
        [[nodiscard]] actors::invocation& call() const { return (*work)[0]; }
        void reply(std::string_view payload) const;
        void fail(errc code, std::string detail) const;
    };
    void route(std::string_view function, actors::bundle_ptr single,
               const actors::callers_turn& by) override;
    void send_on(actors::pool& of, actors::bundle_ptr work, std::uint32_t index) override;
    void connect(actors::pool& pool) { pools_.push_back(&pool); }

    std::deque<routed> calls;
    /// Of these pools, by the payloads of the calls that went on to another node.
    std::deque<std::string> sent_on;

private:
    std::vector<actors::pool*> pools_;
};

class recording_lane;

/// Timers in virtual time.
class manual_timers final : public actors::timer_service {
public:
    struct timer final : actors::operation_timer {};
    std::shared_ptr<actors::operation_timer> arm(actors::activation_table& owner,
                                                 actors::answer_address operation,
                                                 std::int64_t deadline_ns,
                                                 std::int32_t code) override;
    void disarm(const std::shared_ptr<actors::operation_timer>& timer) override;
    /// Fires those due, in the order of their deadlines.
    void fire(std::int64_t now_ns);

    std::vector<std::shared_ptr<actors::operation_timer>> armed;
};

class silent_log final : public actors::function_log {
public:
    void write(std::int32_t /*level*/, std::string_view function, std::string_view /*request*/,
               std::string_view text) noexcept override {
        lines.push_back(std::string(function) + ": " + std::string(text));
    }
    std::vector<std::string> lines;
};

/// What a function built from a lambda sees of its call.
struct call_view {
    const dunlin_host& host;
    dunlin_call* call;
    std::string_view payload;

    std::int32_t reply(std::string_view text) const;
    std::int32_t fail(errc code, std::string_view detail) const;
    /// The answer of a function that has waited.
    void finish(std::string_view text) const;
    /// Operations: `done(code, data)` runs later, exactly once.
    using completion = std::function<void(std::int32_t code, std::string data)>;
    void sleep(std::chrono::nanoseconds duration, completion done) const;
    void invoke(std::string_view function, std::string_view input, completion done,
                std::chrono::nanoseconds timeout = std::chrono::nanoseconds(0)) const;
    /// One that the function ends itself; none when it may not begin.
    [[nodiscard]] dunlin_ticket* begin(completion done) const;
};
using test_function = std::function<std::int32_t(call_view)>;

/// Stands for the thread of a lane for as long as it lives.
class recording_lane final : public actors::run_unit {
public:
    explicit recording_lane(caf::actor_system& system) : run_unit(&system) { set_current(this); }
    ~recording_lane() override { set_current(nullptr); }
    void exec_later(caf::resumable* job) override;
    void enter_user_code(actors::pool& /*running*/) noexcept override { inside = true; }
    void leave_user_code() noexcept override { inside = false; }
    /// Something of the lane is touched.
    static void touched(std::string_view what);

    bool inside = false;
    std::deque<caf::resumable*> jobs;
    std::vector<std::string> violations;
};

struct pool_settings {
    std::size_t activations = 1;  // always as many
    std::size_t queue_depth_max = 16;
};

class actor_harness {
public:
    actor_harness();
    ~actor_harness();

    manual_time time;
    recorded_answers answers;
    recording_router router;
    manual_timers timers;
    silent_log log;
    recorded_looks looks;
    std::size_t payload_bytes_max = 1024;
    /// Where the pools made from now on find their spaces.
    actors::hot_state* state = nullptr;

    /// A function description for `make_pool`; the harness keeps the lambda.
    [[nodiscard]] actors::function_info function(std::string name, test_function body,
                                                 std::uint32_t flags = 0);
    actors::pool& make_pool(actors::function_info info, pool_settings settings = {});
    /// ... whose activations come and go; `env().looks` is `looks`.
    actors::pool& make_elastic_pool(actors::function_info info, const actors::scale_settings& scale,
                                    std::size_t queue_depth_max = 16);
    /// A pool of a function that begins operations and answers at the end of one.
    actors::pool& make_waiting(std::string name, std::function<void(call_view)> body,
                               pool_settings settings = {});

    /// Invocations that share a bundle; their tickets are consecutive, from `*first_ticket` on.
    [[nodiscard]] actors::bundle_ptr bundle_of(const std::vector<std::string>& payloads,
                                               std::uint32_t* first_ticket = nullptr,
                                               std::int64_t deadline_ns = actors::no_deadline);
    /// @returns how many the pool took; it refuses the rest with `overloaded`.
    std::uint32_t submit(actors::pool& pool, actors::bundle_ptr work);
    /// Several of `bundle_of` get keys. The texts outlive the calls.
    static void set_keys(actors::bundle& work, const std::vector<std::string>& keys);
    /// One invocation in a bundle of its own. @returns its ticket.
    std::uint32_t call(actors::pool& pool, std::string_view payload,
                       std::int64_t deadline_ns = actors::no_deadline);
    /// The same, and handles messages until there are none.
    std::uint32_t call_and_run(actors::pool& pool, std::string_view payload,
                               std::int64_t deadline_ns = actors::no_deadline);
    /// The bundle of the last `call`.
    actors::bundle_ptr last;

    /// Handles one message. @returns false when there is none.
    bool step();
    /// Handles messages until there are none. @returns how many there were.
    std::size_t run();
    /// Moves the clock; what is due has fired, and waits in mailboxes.
    void advance(std::chrono::nanoseconds by);
    /// The same, and handles the messages.
    void pass(std::chrono::nanoseconds by);
    [[nodiscard]] std::string outcome(std::uint32_t ticket) const {
        return answers.outcome(ticket);
    }

    [[nodiscard]] caf::actor_system& system() noexcept { return *system_; }
    /// What its pools are given.
    [[nodiscard]] actors::environment env() {
        actors::environment all{time, router,  timers, log, *blocking_, payload_bytes_max, 1, 1,
                                0,    nullptr, 1,      1,   &looks};
        all.state = state;
        return all;
    }

private:
    [[nodiscard]] caf::scheduler::test_coordinator& scheduler();

    std::unique_ptr<caf::actor_system_config> config_;
    std::unique_ptr<caf::actor_system> system_;
    std::unique_ptr<actors::blocking_threads> blocking_;
    std::deque<test_function> functions_;
    std::vector<std::unique_ptr<actors::pool>> pools_;
    std::uint32_t tickets_ = 0;
};

}  // namespace dunlin::testing
