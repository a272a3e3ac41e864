// SPDX-License-Identifier: Apache-2.0
#include "actors/activation.hpp"

#include "actors/hot_state.hpp"
#include "actors/limits.hpp"
#include "actors/pool.hpp"
#include "actors/run_unit.hpp"
#include "support/tsan.hpp"

#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/mailbox_element.hpp>

#include <utility>

namespace dunlin::actors {

thread_local run_unit* run_unit::current_ = nullptr;

namespace {

/// The call object of this thread, for invocations that run through.
std::unique_ptr<dunlin_call>& spare_call() {
    thread_local std::unique_ptr<dunlin_call> spare;
    if (!spare) spare = std::make_unique<dunlin_call>();
    return spare;
}

std::shared_ptr<const output_buffer> copy_of(std::string_view text) {
    auto buffer = std::make_shared<output_buffer>();
    buffer->append(text.data(), text.size());
    return buffer;
}

std::unique_ptr<turn_list> turns_of(pool& home) {
    auto* spaces = home.env().state;
    auto* space = spaces == nullptr ? nullptr : spaces->space_of(home.info());
    return space == nullptr ? nullptr : std::make_unique<turn_list>(home, *space);
}

}  // namespace

errc stop_reason_for(std::int32_t code) noexcept {
    return errc_from_number(code) == errc::deadline_exceeded ? errc::deadline_exceeded
                                                             : errc::cancelled;
}

activation::activation(caf::actor_config& config, const activation_place& place)
    : caf::event_based_actor(config),
      table_(place.table),
      pool_(place.table.home()),
      busy_since_ns_(place.busy_since_ns),
      slot_(place.slot),
      oldest_generation_(place.generation),
      turns_(turns_of(pool_)),
      generation_(place.generation) {}

namespace {

/// One message after another, on whichever threads: CAF orders them, which no sanitizer sees.
class one_at_a_time {
public:
    explicit one_at_a_time(const activation* of) noexcept : of_(of) { support::tsan_acquire(of_); }
    one_at_a_time(const one_at_a_time&) = delete;
    one_at_a_time& operator=(const one_at_a_time&) = delete;
    ~one_at_a_time() { support::tsan_release(of_); }

private:
    const activation* of_;
};

}  // namespace

activation::~activation() { support::tsan_acquire(this); }

activation& activation::of(const caf::actor& handle) noexcept {
    return static_cast<activation&>(*caf::actor_cast<caf::abstract_actor*>(handle));
}

// The framework orders what one thread does to an activation before what the next one does.
caf::resumable::resume_result activation::resume(caf::execution_unit* unit, std::size_t messages) {
    support::tsan_acquire(this);
    const auto state = caf::event_based_actor::resume(unit, messages);
    support::tsan_release(this);
    return state;
}

// ... and what it did with it from its end, by counting references.
void activation::intrusive_ptr_release_impl() {
    support::tsan_release(this);
    caf::event_based_actor::intrusive_ptr_release_impl();
}

caf::behavior activation::make_behavior() {
    return {
        [this](run_bundle& message) {
            const one_at_a_time handled(this);
            const bundle_ptr work = std::move(message.work);
            support::tsan_acquire(work.get());
            if (!turns_) return run(work, message.first);
            turns_->take(work);
            run_keyed();
        },
        [this](run_grant& message) {
            const one_at_a_time handled(this);
            turns_->take(std::move(message.held));
            run_keyed();
        },
        [this](run_turns) {
            const one_at_a_time handled(this);
            run_keyed();
        },
        [this](operation_done& message) {
            const one_at_a_time handled(this);
            complete(message);
        },
        [this](stop_running& message) {
            const one_at_a_time handled(this);
            stop_suspended(message);
        },
        [this](end_now) {
            const one_at_a_time handled(this);
            stop_what_waits();
            quit(caf::exit_reason::user_shutdown);
        },
    };
}

template <class Message>
void activation::post(Message message) {
    // Where this thread is a lane and the function is short, the activation runs right here;
    // otherwise CAF's scheduler, or a thread that it may hold, takes it.
    caf::execution_unit* host = nullptr;
    switch (pool_.where()) {
        case placement::lane:
            if (auto* lane = run_unit::current()) {
                lane->announce(pool_);
                host = lane;
            }
            break;
        case placement::threads: host = &pool_.env().blocking; break;
        case placement::scheduler: break;
    }
    auto element =
        caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(message));
    support::tsan_release(this);
    enqueue(std::move(element), host);
}

void activation::start(bundle_ptr work) {
    support::tsan_release(work.get());
    post(run_bundle{std::move(work), 0});
}

void activation::start(key_grant held) { post(run_grant{std::move(held)}); }

// Not through `post`: that it ends is no reason to make a thread.
void activation::end() {
    auto element = caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, end_now{});
    support::tsan_release(this);
    enqueue(std::move(element), nullptr);
}

void activation::end_operation(answer_address which, output_buffer& payload) {
    auto data = std::make_shared<output_buffer>(std::move(payload));
    post(operation_done{which, 0, std::move(data)});
}

void activation::end_operation(answer_address which, error why) {
    post(operation_done{which, static_cast<std::int32_t>(why.code), copy_of(why.detail)});
}

void activation::timer_fired(const operation_timer& timer) {
    std::shared_ptr<const output_buffer> data;
    if (timer.code != 0) data = copy_of(stop_detail(static_cast<errc>(timer.code)));
    post(operation_done{timer.operation, timer.code, std::move(data)});
}

bool activation::stop(const bundle_ptr& work, std::uint32_t index, errc reason) {
    if (index >= work->size()) return true;  // refused by its pool, and answered then
    auto& stopped = (*work)[index];
    const bool first = stopped.stop.request(reason);
    // Either the activation sees the request when it starts, or we see the activation here.
    auto* table = stopped.runner.load(std::memory_order_seq_cst);
    if (table == nullptr) {
        // It may be on another node, which looks for the request after taking it.
        auto* carrier = stopped.carrier.load(std::memory_order_seq_cst);
        if (carrier == nullptr) return true;
        if (first) carrier->withdraw(stopped.carried, reason);
        return false;
    }
    if (!first) return false;
    if (!stopped.stop.has_callback()) {
        // One that is left from now on is called by the thread of the function, and not waited for.
        if (const auto runner = table->find(stopped.runner_slot, stopped.runner_generation))
            of(runner).post(stop_running{work, index});
        return false;
    }
    // What the author left for this moment may wait for something, and a lane must not.
    const bool on_lane = run_unit::current() != nullptr;
    if (!on_lane || !table->home().pass_stop_on({work, index})) finish_stop({work, index});
    return false;
}

// The callback first: an operation that ends may end the function, and with it the callback.
void activation::finish_stop(stop_running stop) {
    auto& stopped = (*stop.work)[stop.index];
    auto& table = *stopped.runner.load(std::memory_order_seq_cst);
    {
        const code_note in_callback(table.home(), stopped.deadline_ns);
        stopped.stop.run_callback();
    }
    // The function may have answered while the callback ran, and its activation may have ended.
    if (const auto runner = table.find(stopped.runner_slot, stopped.runner_generation))
        of(runner).post(std::move(stop));
}

void activation::run(const bundle_ptr& work, std::uint32_t first) {
    const auto& time = pool_.env().time;
    const auto began_ns = time.now_ns();
    const bool on_lane = run_unit::current() != nullptr;
    const bool blocking = pool_.info().blocking();
    const auto had_processor_ns = blocking ? time.processor_ns() : 0;
    auto looked_ns = began_ns;
    std::uint32_t ran = 0;
    occupied_since(began_ns);
    for (std::uint32_t i = first; i < work->size(); ++i) {
        auto& next = (*work)[i];
        // Off the lane functions are long, and the clock costs nothing beside them.
        const bool look = ran != 0 && (run_unit::current() == nullptr ||
                                       ran % limits::invocations_per_look == 0 ||
                                       next.deadline_ns - looked_ns < limits::deadline_near_ns);
        if (look) looked_ns = time.now_ns();
        if (on_lane && look && looked_ns - began_ns > limits::bundle_hold_ns_max) {
            pool_.runs().began(looked_ns - began_ns, ran);
            occupied_until(began_ns, looked_ns);
            record_latencies(*work, first, i, looked_ns);
            return post(run_bundle{work, i});
        }
        // Before the look for a stop in `dropped`, and both seq_cst: either that sees the request,
        // or the one who requests it sees the runner. Stored once, so the rest is settled before.
        next.runner_slot = slot_;
        next.runner_generation = oldest_generation_;
        next.runner.store(&table_, std::memory_order_seq_cst);
        if (dropped(next, looked_ns)) continue;
        ++ran;
        if (!run_one(work, i)) {
            suspended_since_ns_ = began_ns;
            pool_.runs().count_suspended(true);
            const auto now_ns = time.now_ns();
            record_latencies(*work, first, i, now_ns);
            return pool_.runs().began(now_ns - began_ns, ran);
        }
    }
    auto now_ns = began_ns;
    if (ran != 0) {
        now_ns = time.now_ns();
        pool_.runs().began(now_ns - began_ns, ran);
        if (pool_.info().async()) pool_.runs().occupied_one((now_ns - began_ns) / ran);
        if (blocking)
            pool_.record_processor(now_ns - began_ns, time.processor_ns() - had_processor_ns,
                                   now_ns);
        record_latencies(*work, first, work->size(), now_ns);
    }
    occupied_until(began_ns, now_ns);
    pool_.release(*this, work->size(), now_ns);
}

void activation::run_keyed() {
    const auto& time = pool_.env().time;
    const auto began_ns = time.now_ns();
    auto looked_ns = began_ns;
    std::uint32_t ran = 0;
    std::uint32_t answered = 0;
    occupied_since(began_ns);
    for (turn next; turns_->next(next);) {
        auto& call = next.call();
        const bool look = ran != 0 && (run_unit::current() == nullptr ||
                                       ran % limits::invocations_per_look == 0 ||
                                       call.deadline_ns - looked_ns < limits::deadline_near_ns);
        if (look) looked_ns = time.now_ns();
        call.runner_slot = slot_;
        call.runner_generation = oldest_generation_;
        call.runner.store(&table_, std::memory_order_seq_cst);
        ++answered;
        if (dropped(call, looked_ns)) {
            turns_->not_run();
            continue;
        }
        if (turns_->put_back(next)) continue;
        ++ran;
        if (!run_one(next.work, next.index)) {
            suspended_since_ns_ = began_ns;
            pool_.runs().count_suspended(true);
            pool_.answered(static_cast<std::int32_t>(answered) - 1);
            const auto now_ns = time.now_ns();
            turns_->record_latencies(pool_.runs(), now_ns);
            return pool_.runs().began(now_ns - began_ns, ran);
        }
        turns_->has_run(call);
        // What is left keeps its keys, and has its turn after what others have waited for.
        if (look && looked_ns - began_ns > limits::bundle_hold_ns_max) {
            pool_.runs().began(looked_ns - began_ns, ran);
            pool_.answered(static_cast<std::int32_t>(answered));
            turns_->record_latencies(pool_.runs(), looked_ns);
            occupied_until(began_ns, looked_ns);
            return post(run_turns{});
        }
    }
    auto now_ns = began_ns;
    if (ran != 0) {
        now_ns = time.now_ns();
        pool_.runs().began(now_ns - began_ns, ran);
        if (pool_.info().async()) pool_.runs().occupied_one((now_ns - began_ns) / ran);
        turns_->record_latencies(pool_.runs(), now_ns);
    }
    occupied_until(began_ns, now_ns);
    pool_.release(*this, answered, now_ns);
}

// From the first of its invocations to the end of the last, or as long as one is suspended.
void activation::occupied_since(std::int64_t began_ns) noexcept {
    busy_since_ns_.store(began_ns, std::memory_order_relaxed);
    pool_.runs().occupied().start(began_ns);
}

void activation::occupied_until(std::int64_t began_ns, std::int64_t now_ns) noexcept {
    busy_since_ns_.store(0, std::memory_order_relaxed);
    pool_.runs().occupied().end(began_ns, now_ns);
}

void activation::record_latencies(bundle& work, std::uint32_t from, std::uint32_t to,
                                  std::int64_t now_ns) noexcept {
    // Calls of one frame arrived together, and are counted together.
    for (auto i = from; i < to;) {
        const auto arrived_ns = work[i].arrived_ns;
        const auto first = i++;
        while (i < to && work[i].arrived_ns == arrived_ns) ++i;
        if (arrived_ns != 0) pool_.runs().answered(now_ns - arrived_ns, i - first);
    }
}

// This one and `run_one` are inlined into both that use them: with a second user compilers stop
// doing so, and each call pays some fifty instructions.
[[gnu::always_inline]] inline bool activation::dropped(invocation& next, std::int64_t now_ns) {
    if (next.stop.requested()) {
        // The one that stopped it has answered, or this does; an answer that comes second is
        // dropped at its port.
        const auto reason = next.stop.reason();
        next.origin->answer_error(next.address, {reason, std::string(stop_detail(reason))});
        return true;
    }
    if (next.deadline_ns > now_ns) return false;
    next.origin->answer_error(
        next.address, {errc::deadline_exceeded, "the deadline of " + pool_.info().name +
                                                    " passed before it ran; it did not run"});
    return true;
}

[[gnu::always_inline]] inline bool activation::run_one(const bundle_ptr& work,
                                                       std::uint32_t index) {
    auto& invocation = (*work)[index];
    auto& spare = spare_call();
    auto* call = spare.get();
    const auto& function = pool_.info();
    call->begin(*this, function, pool_.env(), invocation);
    std::int32_t state = DUNLIN_DONE;
    if (turns_ == nullptr || turns_->open(*call)) {
        user_code_scope in_user_code(pool_, invocation.deadline_ns);
        state = function.run(function.self, &host_table(), call,
                             reinterpret_cast<const std::uint8_t*>(invocation.payload.data()),
                             invocation.payload.size());
    }
    if (state == DUNLIN_PENDING && !call->finished) {
        suspended_ = std::move(spare);
        suspended_->keep = work;
        suspended_index_ = index;
        return false;
    }
    call->answer();
    return true;
}

void activation::complete(const operation_done& ended) {
    if (!suspended_) return;
    const auto began_ns = pool_.env().time.now_ns();
    const auto* data = ended.data ? ended.data->data : nullptr;
    if (suspended_->complete(ended.operation, ended.code, data, ended.data ? ended.data->size : 0))
        leave_if_finished(began_ns);
}

void activation::stop_suspended(const stop_running& stop) {
    if (!suspended_ || suspended_->invocation != &(*stop.work)[stop.index]) return;
    const auto began_ns = pool_.env().time.now_ns();
    suspended_->stop_operations();
    leave_if_finished(began_ns);
}

// Nobody else ends it any more. A function that begins something new each time is left as it is.
void activation::stop_what_waits() {
    for (int round = 0; suspended_ && round < limits::stop_rounds_max; ++round) {
        const bundle_ptr work = suspended_->keep;
        auto& waiting = (*work)[suspended_index_];
        if (waiting.stop.request(errc::unavailable) && waiting.stop.has_callback()) {
            const code_note in_callback(pool_, waiting.deadline_ns);
            waiting.stop.run_callback();
        }
        stop_suspended({work, suspended_index_});
    }
}

void activation::leave_if_finished(std::int64_t began_ns) {
    const auto now_ns = pool_.env().time.now_ns();
    pool_.runs().went_on(now_ns - began_ns);
    if (!suspended_->finished) return;
    pool_.runs().occupied_one(now_ns - suspended_since_ns_);
    occupied_until(suspended_since_ns_, now_ns);
    record_latencies(*suspended_->keep, suspended_index_, suspended_index_ + 1, now_ns);
    pool_.runs().count_suspended(false);
    const auto work = suspended_->keep;
    suspended_->answer();
    suspended_.reset();
    if (turns_) {
        pool_.answered(1);
        return run_keyed();
    }
    // Functions that may suspend travel alone; the others may suspend all the same.
    run(work, suspended_index_ + 1);
}

}  // namespace dunlin::actors
