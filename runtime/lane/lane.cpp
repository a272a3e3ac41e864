// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/lane.hpp"

#include "actors/activation.hpp"
#include "actors/pool.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace dunlin::runtime {

namespace {

/// How much a turn takes on before it looks at everything else again.
constexpr int frames_per_turn_max = 64;
constexpr int jobs_per_turn_max = 256;
/// ... and how long it may do so, since answers leave and others are heard at its end. What is
/// ready then goes on in the next turn.
constexpr std::int64_t turn_ns_max = 1'000'000;

/// A look at the monitor takes two system calls.
constexpr std::uint64_t turns_per_monitor_look = 64;

/// Between two tries to send to peers that could not be sent to.
constexpr std::int64_t try_again_ns = 1'000'000;

/// Whether the job's function is still one that runs on lanes.
bool belongs_on_lane(caf::resumable& job) {
    auto* running = dynamic_cast<actors::activation*>(&job);
    return running == nullptr || running->home().where() == actors::placement::lane;
}

/// A link for which there is no socket left is not opened: that is how the share is kept.
int sockets_max(const descriptor_shares& shares) {
    const auto links = std::min(shares.links_max, link_limits::links_max);
    return static_cast<int>(links * link_limits::sockets_per_link + link_limits::sockets_of_lane);
}

link_options link_options_of(const lane_options& lane) {
    return {lane.node_name, lane.cluster, lane.instance, lane.number, lane.instance + lane.number};
}

}  // namespace

// -- life ------------------------------------------------------------------------------------

lane::lane(caf::actor_system& system, const function_registry& functions, actors::steady_time& time,
           lane_alarm& alarm, memory_budget& budget, reply_budget& replies, call_window& window,
           lane_options options)
    : system_(system),
      functions_(functions),
      alarm_(alarm),
      options_(std::move(options)),
      ownership_([this] { return serve(); }, counters_.takeovers),
      clock_(time),
      socket_(
          {sockets_max(options_.descriptors), options_.frame_bytes_accepted(), options_.security}),
      connections_(replies),
      loads_(clock_.now_ns()),
      outlet_(socket_, connections_, replies, loads_, counters_, clock_.now_ns(),
              {options_.node_name, options_.backlog_bytes_max}),
      keeper_(socket_, connections_, outlet_, budget, replies, counters_, clock_.now_ns(),
              {options_.descriptors.connections_max, options_.trim}),
      poll_(socket_, inbox_, keeper_, links_, {options_.busy_poll, options_.idle_poll}),
      neighbours_(links_, router_, outlet_, loads_, handshake_, counters_, clock_.now_ns(),
                  options_.instance),
      handshake_(outlet_, keeper_, loads_, counters_, neighbours_.view(), clock_.now_ns(),
                 {options_.node_name, options_.cluster, options_.instance,
                  options_.payload_bytes_max, options_.in_flight_max}),
      calls_(ownership_, inbox_, outlet_, repeats_, links_, counters_, clock_.now_ns(),
             clock_.peek(), {options_.node_name, options_.instance, options_.names}),
      repeats_(window, outlet_, calls_, clock_.now_ns(),
               {options_.node_name, options_.in_flight_max}),
      links_(socket_.context(), router_, counters_, link_options_of(options_)),
      router_(functions, calls_.ledger(), links_, calls_.away(), calls_, counters_,
              link_options_of(options_)),
      departures_(outlet_, keeper_, handshake_, calls_, links_),
      admission_(functions, router_, calls_, repeats_, outlet_, budget, poll_.load(), counters_,
                 clock_.now_ns(),
                 {options_.node_name, options_.in_flight_max, options_.payload_bytes_max}),
      intake_(socket_, keeper_, outlet_, handshake_, departures_, neighbours_, calls_, admission_,
              budget, poll_.load(), counters_, clock_, options_.frame_bytes_max()),
      draining_(outlet_, counters_, clock_.now_ns()) {
    intake_.use_offers(options_.offers);
    if (options_.security == nullptr) return;
    authorizer_ =
        std::make_unique<authorizer>(*options_.security, options_.instance, neighbours_.view(),
                                     outlet_, counters_, clock_.now_ns());
    links_.use_keys(authorizer_->node_keys());
    handshake_.use_keys(*authorizer_);
    departures_.use_keys(*authorizer_);
    admission_.use_keys(*authorizer_);
    intake_.use_keys(*authorizer_);
}

lane::~lane() { join(); }

void lane::join() {
    if (!ownership_.started()) return;
    finish_soon();
    ownership_.join();
}

void lane::start(std::vector<std::string> endpoints) {
    prepare(std::move(endpoints));
    ownership_.start();
}

void lane::prepare(std::vector<std::string> endpoints) {
    handshake_.use_endpoints(std::move(endpoints));
    loads_.use_catalog(functions_.pools());
}

// -- the loop --------------------------------------------------------------------------------

bool lane::serve() {
    lane_thread unit(system_, ownership_, ready_);
    ownership_.acquire(unit);
    keeper_.start();
    while (stage_ == stage::serving) {
        const auto found = turn(unit);
        if (found == turned::lost) return false;
        if (found == turned::idle && may_wait())
            poll_.sleep(due_ns(), calls_.away().answers_due(clock_.now_ns())
                                      ? support::awaited::answers
                                      : support::awaited::anything);
    }
    // Runs no user code, so it cannot be lost.
    for (finish(); stage_ != stage::ended; finish()) wait_to_finish();
    ownership_.release();
    return true;
}

lane::turned lane::turn(lane_thread& unit) {
    // Every turn, not only after a sleep: a lane that is awake without running user code must not
    // look asleep to the watchdog when user code comes at last.
    unit.stir();
    alarm_.ring();
    const auto turn_end_ns = clock_.read() + turn_ns_max;
    int frames_left = poll_.take_quiet() ? 0 : frames_per_turn_max;
    while (frames_left > 0 && clock_.now_ns() < turn_end_ns && intake_.receive()) {
        --frames_left;
        if (!run_ready(unit, turn_end_ns)) return turned::lost;
        outlet_.flush_large();
    }
    // A slice in any case: bulk must not starve either.
    for (bool some = keeper_.has_bulk(); some;
         some = keeper_.has_bulk() && clock_.now_ns() < turn_end_ns) {
        intake_.read_bulk();
        if (!run_ready(unit, turn_end_ns)) return turned::lost;
        outlet_.flush_large();
    }
    const bool more = links_.receive(router_, clock_.now_ns());
    read_commands();
    calls_.fire_timers();
    neighbours_.tend();
    if (!run_ready(unit, turn_end_ns)) return turned::lost;
    end_turn();
    const bool idle = ready_.empty() && !keeper_.has_bulk() && !more && stage_ == stage::serving;
    return idle ? turned::idle : turned::busy;
}

// The lane is consistent before each `resume`; behind it, only the unit says whose it is.
bool lane::run_ready(lane_thread& unit, std::int64_t turn_end_ns) {
    for (int jobs = 0; jobs < jobs_per_turn_max && !ready_.empty(); ++jobs) {
        const auto job = ready_.pop();
        const auto state = job.what->resume(&unit, actors::limits::messages_per_turn_max);
        if (state == caf::resumable::resume_later) {
            if (unit.lost() || !belongs_on_lane(*job.what))
                unit.system().scheduler().enqueue(job.what);  // not ours: the lane may be gone
            else
                ready_.push_again(job);
        } else {
            caf::intrusive_ptr_release(job.what);
        }
        if (unit.lost()) return false;
        const auto began_ns = clock_.now_ns();
        const auto now_ns = clock_.read();
        ready_.charge(job.of, now_ns - began_ns);
        if (now_ns >= turn_end_ns) break;
    }
    return true;
}

void lane::end_turn() {
    calls_.end_turn();
    admission_.end_turn();
    // Sleeping reads it too; one that never sleeps must hear of peers that are gone all the same.
    counters_.turns.add();
    if (counters_.turns.get() % turns_per_monitor_look == 0) read_events();
    outlet_.probe_suspects();
    if (clock_.now_ns() >= keeper_.due_ns()) keeper_.tend();
    links_.flush();
    departures_.flush_all();
    counters_.calls_open.set(calls_.ledger().open_count());
    counters_.peers.set(outlet_.peers().size());
    draining_.tend();
}

void lane::read_events() {
    keeper_.read_monitor();
    links_.read_events();
}

bool lane::may_wait() {
    return stage_ == stage::serving ? poll_.prepare_to_sleep() : !unread_at_end();
}

std::int64_t lane::due_ns() {
    if (stage_ != stage::serving) return finish_due_ns();
    auto until_ns =
        std::min({calls_.due_ns(), draining_.due_ns(), neighbours_.due_ns(), keeper_.due_ns()});
    if (outlet_.tries_again()) until_ns = std::min(until_ns, clock_.peek() + try_again_ns);
    return until_ns;
}

// -- what other threads have for the lane ----------------------------------------------------

void lane::read_commands() {
    if (!inbox_.take(batch_)) return;
    for (auto& command : batch_) apply(command);
    batch_.clear();
}

void lane::apply(lane_command& command) {
    if (auto* value = std::get_if<value_answer>(&command)) {
        calls_.answer_value(value->to, value->payload);
    } else if (auto* failed = std::get_if<error_answer>(&command)) {
        calls_.answer_error(failed->to, std::move(failed->why));
    } else if (auto* many = std::get_if<batch_answer>(&command)) {
        calls_.answer_batch_of(std::move(many->answers));
    } else if (auto* cold = std::get_if<cold_remark>(&command)) {
        calls_.started_cold(cold->of);
    } else if (auto* timer = std::get_if<timer_change>(&command)) {
        calls_.change(*timer);
    } else if (auto* stop = std::get_if<carried_stop>(&command)) {
        calls_.withdraw(stop->carried, stop->reason);
    } else if (auto* call = std::get_if<travelling_call>(&command)) {
        admission_.take(*call);
    } else if (auto* moving = std::get_if<moving_call>(&command)) {
        admission_.send_on(*moving);
    } else if (std::holds_alternative<begin_drain>(command)) {
        drain();
    } else if (auto* seen = std::get_if<view_change>(&command)) {
        if (stage_ == stage::serving) neighbours_.changed(std::move(seen->view));
    } else if (auto* seeds = std::get_if<seeds_found>(&command)) {
        if (stage_ == stage::serving) neighbours_.found(std::move(seeds->endpoints));
    } else if (auto* named = std::get_if<addresses_found>(&command)) {
        links_.found_addresses(named->endpoint, named->addresses, named->problem, clock_.now_ns());
    } else if (auto* offer = std::get_if<key_offer>(&command)) {
        neighbours_.offer(std::move(*offer));
    } else if (std::holds_alternative<drain_question>(command)) {
        neighbours_.ask_to_drain();
    } else if (std::holds_alternative<access_change>(command)) {
        departures_.renew_access();
    } else if (stage_ == stage::serving) {
        stage_ = stage::stopping;
        admission_.stop();
    }
}

void lane::drain() {
    if (draining_.begun()) return;
    admission_.drain();
    handshake_.set_draining();
    neighbours_.drain();
    draining_.begin();
}

}  // namespace dunlin::runtime
