// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/state_life.hpp"

#include "cluster/random.hpp"
#include "tests/history/history.hpp"
#include "tests/sim/script.hpp"
#include "tests/sim/state_process.hpp"
#include "tests/sim/virtual_sockets.hpp"
#include "tests/sim/virtual_time.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <utility>

namespace dunlin::sim {

namespace {

using history::action;
using history::ending;

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t trouble_ns = 3'000 * ms;
// The slowest write that was given up has had its effect, and every deadline has passed.
constexpr std::int64_t rest_ns = 6'000 * ms;
constexpr std::int64_t look_ns_max = 2'000 * ms;
// Calls for a key still go to the owner before this long after a move.
constexpr std::int64_t move_known_ns = 300 * ms;
constexpr std::size_t problems_max = 20;
// Those that may be sent again end before many others can have come to their key.
constexpr std::int64_t again_ns_max = 600 * ms;
constexpr std::int64_t patience_ns_max = 40 * ms;
constexpr std::size_t attempts_max = 8;

class life {
public:
    life(std::uint64_t seed, const state_mutations& without)
        : random_(seed),
          without_(without),
          store_(time_, seed ^ 0x5707'e000u, without.store) {
        draw();
    }

    state_outcome run() {
        for (std::size_t i = 0; i < nodes_.size(); ++i) start(i);
        arm_call();
        arm_death();
        if (nodes_.size() > 1) arm_move();
        time_.run_for(trouble_ns);
        trouble_ = false;
        store_.faults = {};
        say("faults are over");
        time_.run_for(rest_ns);
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (nodes_[i] && !nodes_[i]->idle())
                problem("node " + std::to_string(i) + " has not come to rest");
            if (nodes_[i]) kill(i);
        }
        look_at_all();
        judge();
        out_.store_failures = store_.failures();
        out_.steps = time_.handled();
        return std::move(out_);
    }

private:
    struct issued {
        std::size_t key = 0;
        state_order order;
        history::operation known;
        std::vector<state_process*> at;  // by attempt
        std::uint32_t answered = 0;      // attempts, by their nodes; a bit each
        std::int64_t until_ns = 0;
        bool ended = false;  // for its caller
        std::string why;     // it has no value
    };
    struct key_state {
        std::size_t owner = 0;
        std::size_t before = 0;
        std::int64_t moved_ns = -move_known_ns;
    };

    void draw() {
        const auto among = [&](std::uint64_t low, std::uint64_t high) {
            return low + random_.next() % (high - low + 1);
        };
        out_.shared = store_.shared = among(0, 1) == 1;
        nodes_.resize(out_.shared ? among(2, 3) : 1);
        keys_.resize(among(0, 2) == 0 ? among(40, 120) : among(2, 8));
        pause_ns_mean_ = static_cast<double>(ms) * static_cast<double>(among(1, 4));
        cache_bytes_ = among(0, 1) == 0 ? std::size_t{1} << 20 : among(8, 48) << 10;
        auto& faults = store_.faults;
        faults.failed = static_cast<unsigned>(among(0, 8));
        faults.unanswered = static_cast<unsigned>(among(0, 10));
        faults.slow = static_cast<unsigned>(among(0, 6));
        if (out_.shared) faults.late = static_cast<unsigned>(among(0, 6));
        for (auto& each : keys_) each.owner = each.before = random_.next() % nodes_.size();
        say(std::string(out_.shared ? "shared" : "alone") + ", " + std::to_string(nodes_.size()) +
            " nodes, " + std::to_string(keys_.size()) + " keys, of 100 writes " +
            std::to_string(faults.failed) + " fail, " + std::to_string(faults.unanswered) +
            " lose their answer, " + std::to_string(faults.late) + " are late, " +
            std::to_string(faults.slow) + " slow");
    }

    [[nodiscard]] std::int64_t drawn_ns(double mean_ns) {
        return static_cast<std::int64_t>(-std::log1p(-random_.next_unit()) * mean_ns);
    }
    [[nodiscard]] bool drawn(unsigned of_hundred) { return random_.next() % 100 < of_hundred; }

    void say(const std::string& what) {
        out_.story += std::to_string(time_.now_ns() / 1000) + " us: " + what + "\n";
    }
    void problem(const std::string& what) {
        if (out_.problems.size() < problems_max) out_.problems.push_back(what);
    }

    // -- nodes --------------------------------------------------------------------------------

    void start(std::size_t at) {
        state_process::settings how;
        how.cache_bytes_max = cache_bytes_;
        how.seed = random_.next();
        how.instance = ++started_;
        how.replies_early = without_.replies_early;
        how.names_lost = without_.names_lost;
        auto made = std::make_unique<state_process>(
            time_, store_, how, [this](const state_process::answer& told) { answered(told); });
        nodes_[at] = made.get();
        lives_.push_back(std::move(made));
        say("node " + std::to_string(at) + " starts");
    }

    void kill(std::size_t at) {
        auto* gone = std::exchange(nodes_[at], nullptr);
        out_.evicted += gone->evicted();
        out_.conflicts += gone->conflicts();
        gone->kill();
        // A store that a process has to itself is gone with it.
        if (!out_.shared) store_.given_up();
        for (auto& each : calls_)
            if (!each.ended && each.at.back() == gone && !goes_again(each))
                end(each, ending::unknown);
        say("node " + std::to_string(at) + " is killed");
    }

    void arm_death() {
        later_.in(drawn_ns(600.0 * static_cast<double>(ms)), [this] {
            if (!trouble_) return;
            const auto at = random_.next() % nodes_.size();
            if (nodes_[at] != nullptr) {
                ++out_.deaths;
                kill(at);
                later_.in(20 * ms, [this, at] { start(at); });
            }
            arm_death();
        });
    }

    void arm_move() {
        later_.in(drawn_ns(60.0 * static_cast<double>(ms)), [this] {
            if (!trouble_) return;
            auto& key = keys_[random_.next() % keys_.size()];
            key.before = key.owner;
            key.owner = random_.next() % nodes_.size();
            key.moved_ns = time_.now_ns();
            if (key.owner != key.before) ++out_.moves;
            arm_move();
        });
    }

    // -- calls --------------------------------------------------------------------------------

    [[nodiscard]] deed draw_deed() {
        const auto of_hundred = random_.next() % 100;
        if (of_hundred < 6) return deed::fail;
        if (of_hundred < 9) return deed::fail_slow;
        if (of_hundred < 18) return deed::append_slow;
        if (of_hundred < 24) return deed::append_late;
        if (of_hundred < 30) return deed::append_again;
        if (!out_.shared && of_hundred < 50) return deed::look;
        return deed::append;
    }

    void arm_call() {
        later_.in(drawn_ns(pause_ns_mean_), [this] {
            if (!trouble_) return;
            // Some keys have most of the calls, and calls come in bursts.
            const auto key = drawn(50) ? random_.next() % std::min<std::size_t>(2, keys_.size())
                                       : random_.next() % keys_.size();
            const auto burst = drawn(20) ? 1 + random_.next() % 6 : 1;
            for (std::uint64_t i = 0; i < burst; ++i) {
                const auto deadline_ns = (drawn(20) ? 5 : 500) * ms +
                                         static_cast<std::int64_t>(random_.next() % 500) * ms;
                issue(key, draw_deed(), deadline_ns);
            }
            arm_call();
        });
    }

    [[nodiscard]] state_process* node_for(const key_state& key) {
        const bool fresh = time_.now_ns() - key.moved_ns < move_known_ns;
        return nodes_[fresh && drawn(40) ? key.before : key.owner];
    }

    void issue(std::size_t key, deed what, std::int64_t in_ns) {
        issue_at(node_for(keys_[key]), key, what, in_ns);
    }

    void issue_at(state_process* node, std::size_t key, deed what, std::int64_t in_ns) {
        if (node == nullptr) return;
        auto& call = calls_.emplace_back();
        call.key = key;
        call.order = {calls_.size(), what, static_cast<std::uint32_t>(random_.next() % 4000)};
        if (what == deed::append_again) in_ns = std::min(in_ns, again_ns_max);
        call.until_ns = time_.now_ns() + in_ns;
        call.known.id = call.order.id;
        call.known.called_ns = time_.now_ns();
        call.known.what = what == deed::look ? action::read : action::append;
        ++out_.calls;
        send(call, node);
        later_.in(in_ns, [this, id = call.order.id] {
            auto& late = calls_[id - 1];
            if (late.ended) return;
            for (std::uint32_t attempt = 0; attempt < late.at.size(); ++attempt)
                late.at[attempt]->withdraw(id, attempt);
            end(late, ending::unknown);
        });
    }

    void send(issued& call, state_process* node) {
        const auto attempt = static_cast<std::uint32_t>(call.at.size());
        call.at.push_back(node);
        if (attempt != 0) ++out_.again;
        node->call(call.key % state_process::spaces.size(), name_of(call.key), call.order,
                   call.until_ns, attempt);
        if (call.order.what == deed::append_again)
            go_again(call, 1 + static_cast<std::int64_t>(random_.next() % patience_ns_max));
    }

    /// Whether a call that has failed is sent again, a while later.
    [[nodiscard]] bool goes_again(issued& call) {
        if (call.order.what != deed::append_again) return false;
        go_again(call, 1 + static_cast<std::int64_t>(random_.next() % (20 * ms)));
        return true;
    }
    // The attempts before it may still be on their way, or run.
    void go_again(const issued& of, std::int64_t in_ns) {
        later_.in(in_ns, [this, id = of.order.id, after = of.at.size()] {
            auto& call = calls_[id - 1];
            if (call.ended || call.at.size() != after || after == attempts_max) return;
            if (auto* node = node_for(keys_[call.key]))
                send(call, node);
            else
                go_again(call, 20 * ms);
        });
    }

    [[nodiscard]] static std::string name_of(std::size_t key) {
        return "key" + std::to_string(key);
    }

    void answered(const state_process::answer& told) {
        auto& call = calls_[told.id - 1];
        const auto bit = std::uint32_t{1} << told.attempt;
        if ((call.answered & bit) != 0)
            return problem("call " + std::to_string(told.id) + " was answered twice");
        call.answered |= bit;
        const bool in_vain = call.order.what == deed::fail || call.order.what == deed::fail_slow;
        if (told.with && in_vain)
            problem("call " + std::to_string(told.id) + " has a value, and its function failed");
        if (told.with && call.known.how == ending::answered && call.known.count != told.count)
            problem("call " + std::to_string(told.id) +
                    " was answered with two counts and is not "
                    "linearizable");
        if (call.ended) return;
        if (!told.with) call.why = told.with.error().detail;
        if (!told.with && goes_again(call)) return;
        if (!told.with)
            return end(call, told.with.error().did_not_run ? ending::not_run : ending::unknown);
        call.known.count = told.count;
        if (call.order.what == deed::look) call.known.entries = told.entries;
        end(call, ending::answered);
    }

    void end(issued& call, ending how) {
        call.ended = true;
        call.known.how = how;
        call.known.ended_ns = time_.now_ns();
    }

    // -- the end ------------------------------------------------------------------------------

    // By a node that knows nothing but what is stored.
    void look_at_all() {
        start(0);
        const auto first = calls_.size();
        // A few at a time: all at once may be more than the cache has room for.
        constexpr std::size_t at_once = 8;
        for (std::size_t key = 0; key < keys_.size(); ++key) {
            issue_at(nodes_[0], key, deed::look, look_ns_max);
            if (key % at_once == at_once - 1) time_.run_for(look_ns_max + ms);
        }
        time_.run_for(look_ns_max + ms);
        for (auto i = first; i < calls_.size(); ++i)
            if (calls_[i].known.how != ending::answered)
                problem("key " + name_of(calls_[i].key) +
                        " cannot be read after the faults are over: " + calls_[i].why);
    }

    void judge() {
        history::keyed_history all;
        for (auto& each : calls_) {
            // Whatever its caller was told: nothing of it may ever be seen.
            if (each.order.what == deed::fail || each.order.what == deed::fail_slow)
                each.known.how = ending::not_run;
            if (!each.ended) problem("call " + std::to_string(each.order.id) + " has never ended");
            all.add(name_of(each.key), each.known);
        }
        // One key tells that a protection is missing.
        const auto found = without_.any() ? all.judge(1) : all.judge();
        out_.answered = found.answered;
        out_.unknown = found.unknown;
        out_.not_run = found.not_run;
        out_.keys = found.keys;
        if (!found.good()) problem(found.text());
    }

    cluster::random_source random_;
    const state_mutations without_;
    virtual_time time_;
    virtual_steady_clock steady_{time_};
    virtual_store store_;
    script later_{time_};
    state_outcome out_;
    bool trouble_ = true;
    double pause_ns_mean_ = 0;
    std::size_t cache_bytes_ = 0;
    std::uint64_t started_ = 0;
    std::vector<key_state> keys_;
    std::deque<issued> calls_;
    std::vector<state_process*> nodes_;  // null: it is down
    // The dead, too: what they asked for may still come back.
    std::vector<std::unique_ptr<state_process>> lives_;
};

}  // namespace

state_outcome run_state_life(std::uint64_t seed, const state_mutations& without) {
    return life(seed, without).run();
}

}  // namespace dunlin::sim
