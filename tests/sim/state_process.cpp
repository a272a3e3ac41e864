// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/state_process.hpp"

#include "actors/state_shard.hpp"
#include "actors/store_writer.hpp"
#include "tests/sim/entry_state.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace dunlin::sim {

namespace {

using namespace dunlin::actors;
using testing::call_view;

constexpr auto never_ns = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kinds = 4;  // of functions: quick, slow, look, idempotent

thread_local const virtual_time* wall = nullptr;

// Some day of 2023, and on from there.
std::int64_t wall_ms() noexcept {
    constexpr std::int64_t begin_ms = 1'700'000'000'000;
    return begin_ms + (wall == nullptr ? 0 : wall->now_ns() / 1'000'000);
}

std::size_t kind_of(deed what) {
    switch (what) {
        case deed::append:
        case deed::fail: return 0;
        case deed::append_slow:
        case deed::append_late:
        case deed::fail_slow: return 1;
        case deed::append_again: return 3;
        case deed::look: break;
    }
    return 2;
}

std::int32_t reply(const call_view& call, std::uint64_t count,
                   const std::vector<std::uint64_t>& entries = {}) {
    std::string text(sizeof count * (1 + entries.size()), '\0');
    std::memcpy(text.data(), &count, sizeof count);
    if (!entries.empty())
        std::memcpy(text.data() + sizeof count, entries.data(), entries.size() * sizeof count);
    return call.reply(text);
}

entry_list& state_of(const call_view& call) {
    return *static_cast<entry_list*>(call.host.state(call.call));
}

std::vector<std::uint64_t>& entries_of(const call_view& call) {
    auto& value = state_of(call);
    return value ? *value : value.emplace();
}

state_order order_of(const call_view& call) {
    state_order order;
    std::memcpy(&order, call.payload.data(), sizeof order);
    return order;
}

void give_up(const call_view& call, std::int32_t code, const std::string& why) {
    call.host.fail(call.call, code, why.data(), why.size());
    call.host.finish(call.call);
}

}  // namespace

class state_process::traffic final : public hot_state {
public:
    traffic(state_process& of, options how)
        : hot_state(
              how, &of.store_.at_once(), [](const error&) {}, &wall_ms),
          of_(of) {}
    void read_soon(key_entry& key) override { of_.read(key); }
    void write_soon(key_entry& key) override {
        if (of_.dead_) return;
        of_.to_write_.push_back(&key);
        of_.later_.in(0, [&of = of_] { of.begin_write(); });
    }
    void write_later(key_entry& key, std::size_t /*bytes*/) override { write_soon(key); }
    void hurry() override {}
    [[nodiscard]] bool behind() const noexcept override { return false; }

private:
    state_process& of_;
};

class state_process::answers final : public answer_port {
public:
    explicit answers(state_process& of) : of_(of) {}
    void answer_value(answer_address to, output_buffer& payload) override {
        answer told;
        told.id = to.slot;
        told.attempt = to.generation;
        const auto* from = payload.data;
        const auto numbers = payload.size / sizeof(std::uint64_t);
        if (numbers == 0)
            return tell({to.slot, to.generation, error{errc::internal, "an empty reply"}, {}, 0});
        std::memcpy(&told.count, from, sizeof told.count);
        told.entries.resize(numbers - 1);
        if (numbers > 1)
            std::memcpy(told.entries.data(), from + sizeof told.count,
                        (numbers - 1) * sizeof(std::uint64_t));
        tell(told);
    }
    void answer_error(answer_address to, error why) override {
        tell({to.slot, to.generation, std::move(why), {}, 0});
    }

    std::map<std::pair<std::uint64_t, std::uint32_t>, bundle_ptr> open;

private:
    void tell(const answer& told) {
        open.erase({told.id, told.attempt});
        if (!of_.dead_) of_.tell_(told);
    }
    state_process& of_;
};

state_process::state_process(virtual_time& time, virtual_store& store, settings how, answered tell)
    : time_(time),
      store_(store),
      how_(how),
      tell_(std::move(tell)),
      later_(time),
      seen_ns_(time.now_ns()),
      timer_ns_(never_ns),
      answers_(std::make_unique<answers>(*this)),
      harness_(std::make_unique<testing::actor_harness>()) {
    wall = &time;
    add_functions();
}

state_process::~state_process() { kill(); }

void state_process::add_functions() {
    for (std::size_t space = 0; space < spaces.size(); ++space)
        for (std::size_t kind = 0; kind < kinds; ++kind) {
            constexpr std::array<const char*, kinds> names{"/quick", "/slow", "/look", "/again"};
            auto info = harness_->function(
                std::string(spaces.at(space)) + names.at(kind),
                [this](call_view call) { return run(call); },
                kind == 1   ? std::uint32_t{DUNLIN_ASYNC}
                : kind == 3 ? std::uint32_t{DUNLIN_IDEMPOTENT}
                            : 0u);
            info.space = spaces.at(space);
            info.state = &entry_state(space == 1);
            info.writes_state = kind != 2;
            functions_.push_back(std::move(info));
        }
    std::vector<const function_info*> keyed;
    for (const auto& each : functions_) keyed.push_back(&each);
    hot_state::options options;
    options.cache_bytes_max = how_.cache_bytes_max;
    options.hash_seed = how_.seed | 1;
    state_ = std::make_unique<traffic>(*this, options);
    if (auto opened = state_->open(keyed); !opened) throw std::logic_error(opened.error().detail);
    harness_->state = state_.get();
    harness_->payload_bytes_max = std::size_t{1} << 20;
    for (const auto& each : functions_)
        pools_.push_back(&harness_->make_pool(each, {.activations = 4, .queue_depth_max = 256}));
}

void state_process::kill() {
    if (std::exchange(dead_, true)) return;
    harness_.reset();
    answers_->open.clear();
    to_write_.clear();
    writing_.clear();
    state_.reset();
}

bool state_process::idle() const noexcept {
    return dead_ ||
           (reads_ == 0 && to_write_.empty() && writing_.empty() && answers_->open.empty());
}

std::uint64_t state_process::evicted() const {
    std::uint64_t all = 0;
    if (state_)
        for (const auto& [name, space] : state_->spaces()) all += space->look().counted.evicted;
    return all;
}

std::uint64_t state_process::conflicts() const {
    std::uint64_t all = 0;
    if (state_)
        for (const auto& [name, space] : state_->spaces()) all += space->look().counted.conflicts;
    return all;
}

// -- calls ----------------------------------------------------------------------------------------

void state_process::call(std::size_t space, const std::string& key, const state_order& order,
                         std::int64_t deadline_ns, std::uint32_t attempt) {
    const std::string payload(reinterpret_cast<const char*>(&order), sizeof order);
    const auto ahead_ns = harness_->time.now_ns() - seen_ns_;
    auto work = harness_->bundle_of({payload, key}, nullptr, deadline_ns + ahead_ns);
    auto& one = (*work)[0];
    // The second payload is where the key's text is kept.
    one.key = (*work)[1].payload;
    one.id = order.id;
    one.source = how_.names_lost ? 1 + attempt : 1;
    one.attempt = attempt;
    one.origin = answers_.get();
    one.address = {static_cast<std::uint32_t>(order.id), attempt};
    work->truncate(1);
    answers_->open[{order.id, attempt}] = work;
    pools_.at(space * kinds + kind_of(order.what))
        ->submit(work, [&](bundle& refused, std::uint32_t from, const admission_decision&) {
            for (auto i = from; i < refused.size(); ++i) {
                error why{errc::overloaded, "queue full"};
                why.did_not_run = true;
                refused[i].origin->answer_error(refused[i].address, std::move(why));
            }
        });
    pump_soon();
}

void state_process::withdraw(std::uint64_t id, std::uint32_t attempt) {
    if (dead_) return;
    const auto found = answers_->open.find({id, attempt});
    if (found != answers_->open.end()) (*found->second)[0].stop.request(errc::deadline_exceeded);
}

std::int32_t state_process::run(const call_view& call) {
    if (dead_) return call.fail(errc::unavailable, "it is gone");
    const auto order = order_of(call);
    const auto wait = std::chrono::microseconds(order.wait_us);
    switch (order.what) {
        case deed::look: {
            const auto& value = state_of(call);
            return value ? reply(call, value->size(), *value) : reply(call, 0);
        }
        case deed::append:
        case deed::append_again: {
            auto& entries = entries_of(call);
            entries.push_back(order.id);
            return reply(call, entries.size());
        }
        case deed::fail:
            entries_of(call).push_back(order.id);
            return call.fail(errc::failed, "in vain");
        case deed::fail_slow:
            entries_of(call).push_back(order.id);
            call.sleep(wait, [call](std::int32_t, const std::string&) {
                give_up(call, static_cast<std::int32_t>(errc::failed), "in vain");
            });
            return DUNLIN_PENDING;
        case deed::append_slow:
            // Nobody appends that: who sees it has seen half a turn.
            entries_of(call).push_back(~order.id);
            call.sleep(wait, [this, call, order](std::int32_t code, const std::string& why) {
                if (dead_ || code != 0) return give_up(call, code == 0 ? 9 : code, why);
                auto& entries = entries_of(call);
                entries.back() = order.id;
                reply(call, entries.size());
                call.host.finish(call.call);
            });
            return DUNLIN_PENDING;
        case deed::append_late: break;
    }
    struct committing {
        state_process* of;
        call_view call;
        static void done(void* user, std::int32_t code, const std::uint8_t* data,
                         std::size_t size) {
            const std::unique_ptr<committing> own(static_cast<committing*>(user));
            if (own->of->dead_ || code != 0)
                return give_up(own->call, code == 0 ? 9 : code,
                               std::string(reinterpret_cast<const char*>(data), size));
            reply(own->call, entries_of(own->call).size());
            own->call.host.finish(own->call.call);
        }
    };
    entries_of(call).push_back(order.id);
    call.host.commit(call.call, &committing::done, new committing{this, call});
    return DUNLIN_PENDING;
}

// -- turns of its threads -------------------------------------------------------------------------

void state_process::pump_soon() {
    if (std::exchange(pumps_, true)) return;
    later_.in(0, [this] { pump(); });
}

void state_process::pump() {
    pumps_ = false;
    if (dead_) return;
    const auto now_ns = time_.now_ns();
    // Also when no time has passed: a call may come when its time is up.
    harness_->advance(std::chrono::nanoseconds(std::max<std::int64_t>(0, now_ns - seen_ns_)));
    seen_ns_ = now_ns;
    if (timer_ns_ <= now_ns) timer_ns_ = never_ns;
    harness_->run();
    watch_timers();
}

void state_process::watch_timers() {
    auto first_ns = never_ns;
    for (const auto& each : harness_->timers.armed)
        first_ns = std::min(first_ns, each->deadline_ns);
    if (first_ns == never_ns) return;
    const auto in_ns = std::max<std::int64_t>(0, first_ns - harness_->time.now_ns());
    if (seen_ns_ + in_ns >= timer_ns_) return;
    timer_ns_ = seen_ns_ + in_ns;
    later_.in(in_ns, [this] { pump(); });
}

// -- the store ------------------------------------------------------------------------------------

void state_process::read(key_entry& key) {
    if (dead_) return;
    ++reads_;
    store_.read(key.home->space->how().number, key.key,
                [this, at = &key](result<stored_state> found) {
                    if (dead_) return;
                    --reads_;
                    at->home->space->was_read(*at, std::move(found));
                    pump_soon();
                });
}

// As the thread of a node does it: all that has changed goes in one write, one at a time.
void state_process::begin_write() {
    if (dead_ || !writing_.empty()) return;
    bytes_.clear();
    batch_.clear();
    std::vector<std::size_t> begins;
    for (auto* key : std::exchange(to_write_, {})) {
        state_write one;
        const auto begin = bytes_.size;
        if (!key->home->space->begin_commit(*key, one, bytes_)) {
            bytes_.size = begin;
            continue;
        }
        begins.push_back(begin);
        batch_.push_back(one);
        writing_.push_back(key);
    }
    pump_soon();
    if (batch_.empty()) return;
    begins.push_back(bytes_.size);
    for (std::size_t i = 0; i < batch_.size(); ++i)
        batch_[i].value = bytes_.view().subspan(begins[i], begins[i + 1] - begins[i]);
    if (how_.replies_early) {
        store_.write(batch_, [](bool, const virtual_store::outcomes&) {});
        return end_write(false, virtual_store::outcomes(batch_.size(), write_outcome::written));
    }
    store_.write(batch_, [this](bool failed, const virtual_store::outcomes& each) {
        end_write(failed, each);
    });
}

void state_process::end_write(bool failed, const virtual_store::outcomes& each) {
    if (dead_) return;
    for (std::size_t i = 0; i < batch_.size(); ++i) batch_[i].outcome = each[i];
    if (failed) store_writer::find_out(store_.at_once(), batch_);
    held_replies released;
    const auto batch = std::exchange(batch_, {});
    const auto keys = std::exchange(writing_, {});
    for (std::size_t i = 0; i < keys.size(); ++i)
        keys[i]->home->space->end_commit(*keys[i], batch[i], released);
    released.send();
    if (!to_write_.empty()) later_.in(0, [this] { begin_write(); });
    pump_soon();
}

}  // namespace dunlin::sim
