// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/lane.hpp"

#include "runtime/log.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>
#include <poll.h>

#include <algorithm>
#include <cstring>

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

/// How long calls are taken from a peer that does not say that it has heard of the drain.
constexpr std::int64_t drain_grace_ns = 500'000'000;

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

support::timer_node::time_point time_point_of(std::int64_t ns) {
    return support::timer_node::time_point(std::chrono::nanoseconds(ns));
}

std::int64_t ns_of(support::timer_node::time_point at) {
    return at.time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace

// -- life ------------------------------------------------------------------------------------

lane::lane(caf::actor_system& system, const function_registry& functions, actors::steady_time& time,
           lane_alarm& alarm, frame_budget& frames, reply_budget& replies, call_window& calls,
           lane_options options)
    : system_(system),
      functions_(functions),
      time_(time),
      alarm_(alarm),
      frames_(frames),
      replies_(replies),
      options_(std::move(options)),
      socket_(
          {sockets_max(options_.descriptors), options_.frame_bytes_accepted(), options_.security}),
      busy_poll_(options_.busy_poll, options_.idle_poll),
      ownership_([this] { return serve(); }, counters_.takeovers),
      connections_(replies),
      loads_(now_ns_),
      outlet_(socket_, connections_, replies, loads_, counters_, now_ns_,
              {options_.node_name, options_.backlog_bytes_max}),
      keeper_(socket_, connections_, outlet_, frames, replies, counters_, now_ns_,
              {options_.descriptors.connections_max, options_.trim}),
      handshake_(outlet_, keeper_, loads_, counters_, view_, now_ns_,
                 {options_.node_name, options_.cluster, options_.instance,
                  options_.payload_bytes_max, options_.in_flight_max}),
      repeats_(calls, outlet_, *this, now_ns_, {options_.node_name, options_.in_flight_max}),
      links_(socket_.context(), router_, counters_, link_options_of(options_)),
      away_(ledger_, links_, counters_, options_.instance),
      router_(functions, ledger_, links_, away_, *this, counters_, link_options_of(options_)),
      wheel_(time_point_of(time.now_ns())) {
    if (options_.security == nullptr) return;
    authorizer_ = std::make_unique<authorizer>(*options_.security, options_.instance, view_,
                                               outlet_, counters_, now_ns_);
    links_.use_keys(authorizer_->node_keys());
    handshake_.use_keys(*authorizer_);
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
    inside_.retries = cluster::retry_budget(time_.now_ns());
}

// -- the loop --------------------------------------------------------------------------------

bool lane::serve() {
    lane_thread unit(system_, ownership_, ready_);
    ownership_.acquire(unit);
    keeper_.start();
    while (stage_ == stage::serving) {
        switch (turn(unit)) {
            case turned::idle: sleep_until_work(); break;
            case turned::busy: break;
            case turned::lost: return false;
        }
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
    now_ns_ = time_.now_ns();
    const auto turn_end_ns = now_ns_ + turn_ns_max;
    int frames_left = std::exchange(quiet_, false) ? 0 : frames_per_turn_max;
    while (frames_left > 0 && now_ns_ < turn_end_ns && receive()) {
        --frames_left;
        if (!run_ready(unit, turn_end_ns)) return turned::lost;
        outlet_.flush_large();
    }
    // A slice in any case: bulk must not starve either.
    for (bool some = keeper_.has_bulk(); some; some = keeper_.has_bulk() && now_ns_ < turn_end_ns) {
        read_bulk();
        if (!run_ready(unit, turn_end_ns)) return turned::lost;
        outlet_.flush_large();
    }
    const bool more = links_.receive(router_, now_ns_);
    read_commands();
    fire_timers();
    tend_cluster();
    if (!run_ready(unit, turn_end_ns)) return turned::lost;
    end_turn();
    const bool idle = ready_.empty() && !keeper_.has_bulk() && !more && stage_ == stage::serving;
    return idle ? turned::idle : turned::busy;
}

bool lane::run_ready(lane_thread& unit, std::int64_t turn_end_ns) {
    for (int jobs = 0; jobs < jobs_per_turn_max && !ready_.empty(); ++jobs) {
        auto* job = ready_.front();
        ready_.pop_front();
        const auto state = job->resume(&unit, actors::limits::messages_per_turn_max);
        if (state == caf::resumable::resume_later) {
            if (unit.lost() || !belongs_on_lane(*job))
                unit.system().scheduler().enqueue(job);  // not ours: the lane may be gone
            else
                ready_.push_back(job);
        } else {
            caf::intrusive_ptr_release(job);
        }
        if (unit.lost()) return false;
        now_ns_ = time_.now_ns();
        if (now_ns_ >= turn_end_ns) break;
    }
    return true;
}

void lane::fire_timers() {
    wheel_.advance(time_point_of(now_ns_), [this](support::timer_node& node) {
        auto& item = static_cast<wheel_item&>(node);
        if (item.what == wheel_item::kind::operation) {
            const auto fired = std::exchange(static_cast<lane_timer&>(item).self, nullptr);
            fired->owner->timer_fired(*fired);
        } else {
            auto& entry = static_cast<ledger_entry&>(item);
            answer_in_place(entry, errc::deadline_exceeded,
                            "no answer from " + function_of(entry) + " before the deadline" +
                                (entry.pool != nullptr ? entry.pool->why_queued() : ""));
        }
    });
}

void lane::settle() {
    ledger_.settle_fresh([this](ledger_entry& entry) {
        entry.work->retain();
        entry.keep = actors::bundle_ptr(entry.work);
        const auto deadline_ns = entry.invocation().deadline_ns;
        if (deadline_ns != actors::no_deadline) wheel_.insert(entry, time_point_of(deadline_ns));
        if (entry.asker->what != caller::kind::peer) return;
        if (entry.asker->settled.insert(entry)) return;
        const auto work = entry.keep;
        const auto index = entry.index;
        outlet_.reply_error(
            peer_of(entry), entry.call_id,
            {errc::invalid_argument, "call id " + std::to_string(entry.call_id) +
                                         " belongs to a call that is not answered yet"});
        if (entry.via != nullptr) away_.withdraw(entry);
        close(entry);
        actors::activation::stop(work, index, errc::cancelled);
    });
}

void lane::end_turn() {
    settle();
    turn_work_.clear();
    names_unknown_ = 0;
    // Sleeping reads it too; one that never sleeps must hear of peers that are gone all the same.
    counters_.turns.add();
    if (counters_.turns.get() % turns_per_monitor_look == 0) read_events();
    outlet_.probe_suspects();
    if (now_ns_ >= keeper_.due_ns()) keeper_.tend();
    links_.flush();
    flush_all();
    counters_.calls_open.set(ledger_.open_count());
    counters_.peers.set(outlet_.peers().size());
    if (draining_) {
        end_drain_grace();
        std::size_t unaware = 0;
        outlet_.peers().for_each([&](const peer& each) { unaware += each.drain_due ? 1 : 0; });
        counters_.peers_unaware.set(unaware);
        counters_.draining.publish(1);
    }
}

void lane::read_events() {
    keeper_.read_monitor();
    links_.read_events();
}

bool lane::may_wait() {
    if (stage_ != stage::serving) return !unread_at_end();
    return !socket_.has_news() && !links_.has_news() && inbox_.prepare_to_sleep();
}

std::int64_t lane::due_ns() {
    if (stage_ != stage::serving) return finish_due_ns();
    auto until_ns = ns_of(wheel_.next_deadline());
    if (draining_ && now_ns_ < drain_until_ns_) until_ns = std::min(until_ns, drain_until_ns_);
    if (outlet_.tries_again()) until_ns = std::min(until_ns, time_.now_ns() + 1'000'000);
    return std::min({until_ns, links_due_ns_, membership_due_ns_, keeper_.due_ns()});
}

void lane::sleep_until_work() {
    if (!may_wait()) return;
    poll_items_.assign(
        {{socket_.fd(), POLLIN, 0}, {inbox_.fd(), POLLIN, 0}, {socket_.monitor_fd(), POLLIN, 0}});
    links_.add_poll_items(poll_items_);
    using support::awaited;
    busy_poll_.wait(poll_items_, time_point_of(due_ns()),
                    away_.answers_due(now_ns_) ? awaited::answers : awaited::anything);
    inbox_.woke_up();
    quiet_ = poll_items_[0].revents == 0;
    if (poll_items_[2].revents != 0) keeper_.read_monitor();
    links_.polled(std::span(poll_items_).subspan(3));
}

void lane::tend_cluster() {
    if (options_.instance == 0) return;
    // Every turn: what was heard since may have brought the next timer nearer.
    if (membership_ != nullptr) membership_due_ns_ = membership_->advance(now_ns_);
    links_due_ns_ = std::min(links_.advance(now_ns_), router_.advance(now_ns_));
    counters_.links_coming_up.set(links_.coming_up());
    counters_.members_seen.publish(view_ ? view_->members.size() : 0);
}

// -- what other threads have for the lane ----------------------------------------------------

void lane::read_commands() {
    if (!inbox_.take(batch_)) return;
    for (auto& command : batch_) apply(command);
    batch_.clear();
}

void lane::apply(lane_command& command) {
    if (auto* value = std::get_if<value_answer>(&command)) {
        answer_value(value->to, value->payload);
    } else if (auto* failed = std::get_if<error_answer>(&command)) {
        answer_error(failed->to, std::move(failed->why));
    } else if (auto* change = std::get_if<timer_change>(&command)) {
        auto& timer = *change->timer;
        if (!change->arm) {
            timer.disarmed = true;
            support::timer_wheel::remove(timer);
            timer.self = nullptr;
        } else if (!timer.disarmed) {
            timer.self = change->timer;
            wheel_.insert(timer, time_point_of(timer.deadline_ns));
        }
    } else if (std::holds_alternative<begin_drain>(command)) {
        drain();
    } else if (auto* changed = std::get_if<view_change>(&command)) {
        if (stage_ == stage::serving) take_view(std::move(changed->view));
    } else if (auto* call = std::get_if<travelling_call>(&command)) {
        take_travelling(*call);
    } else if (auto* stop = std::get_if<carried_stop>(&command)) {
        withdraw(stop->carried, stop->reason);
    } else if (auto* found = std::get_if<seeds_found>(&command)) {
        if (membership_ != nullptr && stage_ == stage::serving)
            membership_->seeds(std::move(found->endpoints));
    } else if (std::holds_alternative<access_change>(command)) {
        take_access();
    } else if (auto* named = std::get_if<addresses_found>(&command)) {
        links_.found_addresses(named->endpoint, named->addresses, named->problem, now_ns_);
    } else if (std::holds_alternative<drain_question>(command)) {
        if (membership_ != nullptr) membership_->ask_to_drain();
    } else if (stage_ == stage::serving) {
        stage_ = stage::stopping;
    }
}

// Nobody loses a call by it: what a peer sent before it heard is still taken.
void lane::drain() {
    if (std::exchange(draining_, true)) return;
    drain_until_ns_ = now_ns_ + drain_grace_ns;
    handshake_.set_draining();
    if (membership_ != nullptr) membership_->drain();
    outlet_.peers().for_each([this](peer& each) {
        each.drain_due = true;
        outlet_.say_goaway(each);
        outlet_.say(each, wire::ping{drain_token});
    });
}

void lane::end_drain_grace() {
    if (!draining_ || now_ns_ < drain_until_ns_) return;
    outlet_.peers().for_each([](peer& each) { each.drain_due = false; });
}

void lane::answer_value(actors::answer_address to, actors::output_buffer& payload) {
    if (!ownership_.owned_here()) return from_elsewhere(value_answer{to, std::move(payload)});
    auto* entry = ledger_.find(to);
    if (entry == nullptr) return counters_.answers_late.add();
    if (entry->leads()) repeats_.remember_value(*entry, payload.view());
    if (entry->plays != ledger_entry::part::orphan)
        outlet_.reply_value(peer_of(*entry), entry->call_id, entry->pool, payload);
    close(*entry);
}

void lane::answer_error(actors::answer_address to, error why) {
    if (!ownership_.owned_here()) return from_elsewhere(error_answer{to, std::move(why)});
    auto* entry = ledger_.find(to);
    if (entry == nullptr) return counters_.answers_late.add();
    answer(*entry, why);
    close(*entry);
}

void lane::from_elsewhere(lane_command answer) {
    // An ended lane has answered everything itself.
    if (!inbox_.push(std::move(answer))) counters_.answers_after_end.add();
}

std::shared_ptr<lane_timer> lane::arm_timer(actors::activation_slot& owner,
                                            actors::answer_address operation,
                                            std::int64_t deadline_ns, std::int32_t code) {
    auto timer = std::make_shared<lane_timer>(*this);
    timer->owner = &owner;
    timer->operation = operation;
    timer->deadline_ns = deadline_ns;
    timer->code = code;
    lane_command command = timer_change{timer, true};
    if (ownership_.owned_here())
        apply(command);
    else if (!inbox_.push(std::move(command)))
        timer->fire_at_end();
    return timer;
}

void lane::disarm_timer(const std::shared_ptr<lane_timer>& timer) {
    lane_command command = timer_change{timer, false};
    if (ownership_.owned_here())
        apply(command);
    else
        inbox_.push(std::move(command));  // an ended lane has no timers left to disarm
}

// -- calls and peers that end ----------------------------------------------------------------

void lane::close(ledger_entry& entry) {
    auto& asker = *entry.asker;
    if (entry.via != nullptr) away_.detach(entry);
    if (entry.plays != ledger_entry::part::none) repeats_.leave(entry);
    --asker.in_flight;
    if (entry.settled()) asker.settled.erase(entry);
    ledger_.close(entry);
    // A peer without anything else under way waits for just this answer: nothing could join it.
    if (asker.in_flight == 0 && asker.what == caller::kind::peer)
        outlet_.flush(static_cast<peer&>(asker));
}

void lane::remove(peer& leaving, std::string_view why) {
    log().debug("peer gone",
                {{"name", leaving.name}, {"why", why}, {"calls_open", leaving.in_flight}});
    settle();
    // Nobody waits for its calls any more: they are withdrawn.
    for (auto* each : leaving.settled.take_all()) {
        auto& entry = *each;
        if (repeats_.leave_to_repeats(entry)) continue;
        if (entry.plays != ledger_entry::part::none) repeats_.leave(entry);
        const auto work = entry.keep;
        const auto index = entry.index;
        if (entry.via != nullptr) away_.withdraw(entry);
        ledger_.close(entry);
        actors::activation::stop(work, index, errc::cancelled);
    }
    keeper_.take_bulk(leaving);
    outlet_.forget(leaving);
    keeper_.detach(leaving);
    outlet_.peers().remove(leaving);
}

// -- on a node with a key --------------------------------------------------------------------

void lane::take_access() {
    if (!authorizer_) return;
    const auto before = authorizer_->renew();
    if (!before) return;
    links_.use_keys(authorizer_->node_keys());
    std::vector<peer*> no_more;
    outlet_.peers().for_each([&](peer& each) {
        if (!authorizer_->renew(each)) return no_more.push_back(&each);
        // It may call other functions now.
        if (each.wants_cluster && each.role != wire::peer_role::node) handshake_.tell_catalog(each);
    });
    for (auto* each : no_more) expel(*each);
}

// Its connection ends a little later, when the peer can have read why.
void lane::expel(peer& who) {
    authorizer_->note_expelled(who);
    settle();
    for (auto* each : who.settled.take_all()) {
        auto& entry = *each;
        if (!entry.open()) continue;  // a repeat, which ended with the call it waited for
        const auto function = function_of(entry);
        answer_in_place(
            entry, errc::unavailable,
            "the key of this connection is not allowed any more; " + function + " may have run");
    }
    wire::append(who.out, wire::goaway{static_cast<std::int64_t>(errc::unauthenticated),
                                       "the key of this connection is not allowed any more"});
    outlet_.flush(who);
    keeper_.end_later(who);
    remove(who, "its key is not allowed any more");
}

void lane::flush_all() {
    outlet_.flush_all([this](peer& gone, std::string_view why) { remove(gone, why); });
}

void lane::answer_in_place(ledger_entry& entry, errc reason, std::string detail) {
    const auto work = entry.keep;
    const auto index = entry.index;
    if (entry.via != nullptr) away_.withdraw(entry);
    answer(entry, {reason, std::move(detail)});
    close(entry);
    if (work) actors::activation::stop(work, index, reason);
}

}  // namespace dunlin::runtime
