// SPDX-License-Identifier: Apache-2.0
#include "tests/history/order_search.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace dunlin::history {

namespace {

constexpr std::size_t window_max = 12;

std::uint64_t mixed(std::uint64_t x) noexcept {
    x += 0x9e37'79b9'7f4a'7c15u;
    x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9u;
    x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11ebu;
    return x ^ (x >> 31);
}

/// So wide that two of some millions are not the same by chance.
using wide = std::array<std::uint64_t, 2>;
struct wide_hash {
    std::size_t operator()(const wide& key) const noexcept { return key[0]; }
};

/// What is under the key: entries as a list that shares its beginning with those that it came from.
struct contents {
    struct node {
        std::uint64_t entry;
        std::shared_ptr<const node> before;
        wide hash;
    };
    std::uint64_t count = 0;
    std::shared_ptr<const node> last;

    [[nodiscard]] wide hash() const noexcept { return last == nullptr ? wide{} : last->hash; }
    /// Entries of counters are all the same.
    [[nodiscard]] contents with(std::uint64_t entry) const {
        const auto was = hash();
        const wide now{mixed(was[0] ^ mixed(entry ^ 1)), mixed(was[1] + mixed(entry ^ 2))};
        return {count + 1, std::make_shared<const node>(node{entry, last, now})};
    }
    [[nodiscard]] bool is(const std::vector<std::uint64_t>& entries) const noexcept {
        if (entries.size() != count) return false;
        const auto* at = last.get();
        for (auto i = entries.rbegin(); i != entries.rend(); ++i, at = at->before.get())
            if (at->entry != *i) return false;
        return true;
    }
};

/// An entry as some read shows it: behind those before it in that read, and nowhere else.
struct shown_entry {
    const std::vector<std::uint64_t>* in = nullptr;  // null: no read shows it
    std::size_t at = 0;
};

/// @returns whether the operation may answer what it has answered; `now` is what it leads to.
bool applies(const operation& which, const shown_entry& shown, const contents& before,
             contents& now) {
    switch (which.what) {
        case action::add:
        case action::append:
            if (which.answered() && which.count && *which.count != before.count + 1) return false;
            if (shown.in != nullptr &&
                (before.count != shown.at ||
                 (shown.at != 0 && before.last->entry != (*shown.in)[shown.at - 1])))
                return false;
            // What no read shows is all the same.
            now = before.with(shown.in == nullptr ? 0 : which.id);
            return true;
        case action::erase:
            if (which.answered() && which.count && *which.count != before.count) return false;
            now = {};
            return true;
        case action::read: break;
    }
    now = before;
    if (!which.answered()) return true;
    if (which.count && *which.count != before.count) return false;
    return !which.entries || before.is(*which.entries);
}

class order_search {
public:
    order_search(std::span<const operation> all, std::uint64_t steps_max) : steps_max_(steps_max) {
        for (const auto& each : all)
            // A read that nobody has had an answer of says nothing.
            if (each.answered() || (each.how == ending::unknown && each.what != action::read))
                taken_.push_back(&each);
        std::sort(taken_.begin(), taken_.end(), [](const auto* a, const auto* b) {
            return std::tuple(a->called_ns, a->id) < std::tuple(b->called_ns, b->id);
        });
        done_.assign(taken_.size(), false);
        find_shown();
        list_events();
        link_alike();
    }

    verdict judge() {
        contents now;
        wide set{};
        auto at = events_[head].next;  // what is tried next of those with an answer
        std::size_t open = none;       // ... and of those without one; none: it is not their turn
        while (answered_left_ != 0) {
            const bool answered = open == none;
            if (answered && !events_[at].is_call) {
                // An answer that came before anything that is left could happen. So something that
                // nobody has had an answer of may have happened before: last, as it explains all.
                open = 0;
                continue;
            }
            if (!answered && !comes_in_time(open, at)) {
                note_stuck(at, now);
                if (path_.empty()) return impossible();
                auto& last = path_.back();
                now = std::move(last.before);
                set = toggled(set, last.which);
                done_[last.which] = false;
                open = last.open;
                if (open == none) {
                    give_back(last.at);
                    at = events_[last.at].next;
                } else {
                    at = last.at;
                    ++open;
                }
                path_.pop_back();
                continue;
            }
            const auto which = answered ? events_[at].of : open_[open];
            contents next;
            if (!done_[which] && may_be_next(which) &&
                applies(*taken_[which], shown_[which], now, next)) {
                const auto with = toggled(set, which);
                if (seen_.insert(both(with, next)).second) {
                    if (++steps_ > steps_max_) return undecided();
                    path_.push_back({which, at, open, std::move(now)});
                    now = std::move(next);
                    set = with;
                    done_[which] = true;
                    if (answered) take(at);
                    at = events_[head].next;
                    open = none;
                    continue;
                }
            }
            if (answered)
                at = events_[at].next;
            else
                ++open;
        }
        return {judgement::linearizable, {}, {}, steps_};
    }

private:
    static constexpr std::size_t head = 0;
    static constexpr std::size_t none = ~std::size_t{0};

    struct event {
        std::size_t of = none;  // its operation
        bool is_call = false;
        std::size_t answer = none;  // of a call, its event
        std::size_t before = head;
        std::size_t next = head;
        std::int64_t at_ns = 0;
    };
    struct chosen {
        std::size_t which;
        std::size_t at;    // its event; of one without an answer, the answer that it makes room for
        std::size_t open;  // its place among those without an answer; none: it has one
        contents before;
    };

    // An entry is appended once, so where a read shows it tells what was there when it was.
    void find_shown() {
        std::unordered_map<std::uint64_t, shown_entry> shown;
        for (const auto* each : taken_)
            if (each->answered() && each->entries)
                for (std::size_t i = 0; i < each->entries->size(); ++i)
                    shown.try_emplace((*each->entries)[i], shown_entry{&*each->entries, i});
        shown_.resize(taken_.size());
        for (std::size_t i = 0; i < taken_.size(); ++i) {
            if (taken_[i]->what != action::append) continue;
            const auto found = shown.find(taken_[i]->id);
            if (found != shown.end()) shown_[i] = found->second;
        }
    }

    // Calls and answers by time, in a ring of their own places, but for those without an answer.
    // Calls that come at the very time of an answer count as before it, which allows more.
    void list_events() {
        events_.resize(1);
        for (std::size_t i = 0; i < taken_.size(); ++i) {
            const auto& each = *taken_[i];
            if (!each.answered()) {
                open_.push_back(i);
                continue;
            }
            ++answered_left_;
            event call;
            call.of = i;
            call.is_call = true;
            call.at_ns = each.called_ns;
            events_.push_back(call);
            event answer = call;
            answer.is_call = false;
            answer.at_ns = each.ended_ns;
            events_.push_back(answer);
        }
        std::sort(events_.begin() + 1, events_.end(), [](const event& a, const event& b) {
            return std::tuple(a.at_ns, !a.is_call, a.of) < std::tuple(b.at_ns, !b.is_call, b.of);
        });
        std::vector<std::size_t> calls(taken_.size(), none);
        for (std::size_t i = 0; i < events_.size(); ++i) {
            events_[i].before = i == 0 ? events_.size() - 1 : i - 1;
            events_[i].next = i + 1 == events_.size() ? head : i + 1;
            if (i == head) continue;
            if (events_[i].is_call)
                calls[events_[i].of] = i;
            else
                events_[calls[events_[i].of]].answer = i;
        }
    }

    // Writes without an answer whose entries no read shows are alike: whatever an order does with a
    // later one, the earlier could do in its place.
    void link_alike() {
        alike_.assign(taken_.size(), none);
        std::size_t last_write = none;
        std::size_t last_erase = none;
        for (std::size_t i = 0; i < taken_.size(); ++i) {
            const auto& each = *taken_[i];
            if (each.answered() || shown_[i].in != nullptr) continue;
            auto& last = each.writes() ? last_write : last_erase;
            alike_[i] = std::exchange(last, i);
        }
    }
    /// Whether there is one more, and it was called before that answer.
    [[nodiscard]] bool comes_in_time(std::size_t open, std::size_t answer) const {
        return open < open_.size() && taken_[open_[open]]->called_ns <= events_[answer].at_ns;
    }
    [[nodiscard]] bool may_be_next(std::size_t which) const {
        return alike_[which] == none || done_[alike_[which]];
    }

    [[nodiscard]] static wide toggled(wide set, std::size_t which) noexcept {
        set[0] ^= mixed(2 * which + 1);
        set[1] ^= mixed(~(2 * which));
        return set;
    }
    [[nodiscard]] static wide both(const wide& set, const contents& now) noexcept {
        const auto state = now.hash();
        return {mixed(set[0] ^ mixed(state[0])), mixed(set[1] + mixed(state[1] + now.count))};
    }

    void take_out(std::size_t at) {
        events_[events_[at].before].next = events_[at].next;
        events_[events_[at].next].before = events_[at].before;
    }
    void put_back(std::size_t at) {
        events_[events_[at].before].next = at;
        events_[events_[at].next].before = at;
    }
    void take(std::size_t call) {
        take_out(call);
        take_out(events_[call].answer);
        --answered_left_;
    }
    // In the opposite order, as rings of this kind want it.
    void give_back(std::size_t call) {
        ++answered_left_;
        put_back(events_[call].answer);
        put_back(call);
    }

    // All that is tried comes to an answer behind which nothing goes on. The last such answer is
    // where the shortest beginning of the history ends that is not linearizable.
    void note_stuck(std::size_t answer, const contents& now) {
        if (stuck_ != none && answer <= stuck_) return;
        stuck_ = answer;
        stuck_count_ = now.count;
    }

    [[nodiscard]] verdict impossible() const {
        const auto& last = *taken_[events_[stuck_].of];
        verdict found{judgement::not_linearizable,
                      "no order of the operations explains the answer to operation " +
                          std::to_string(last.id) +
                          "; in one of those that go furthest there are " +
                          std::to_string(stuck_count_) + " entries when it ends",
                      {},
                      steps_};
        // What was under way at the same time, the latest last.
        std::vector<const operation*> near;
        for (const auto* each : taken_) {
            const bool began = each->called_ns <= last.ended_ns;
            const bool ended = each->answered() && each->ended_ns < last.called_ns;
            if (each != &last && began && !ended) near.push_back(each);
        }
        // ... and the last ones before it, if there is room.
        std::vector<const operation*> earlier;
        for (const auto* each : taken_)
            if (each->answered() && each->ended_ns < last.called_ns) earlier.push_back(each);
        std::sort(earlier.begin(), earlier.end(),
                  [](const auto* a, const auto* b) { return a->ended_ns > b->ended_ns; });
        if (near.size() + 1 > window_max)
            near.erase(near.begin(), near.end() - static_cast<std::ptrdiff_t>(window_max - 1));
        for (const auto* each : earlier) {
            if (near.size() + 1 >= std::min<std::size_t>(window_max, 4)) break;
            near.push_back(each);
        }
        near.push_back(&last);
        std::sort(near.begin(), near.end(),
                  [](const auto* a, const auto* b) { return a->called_ns < b->called_ns; });
        for (const auto* each : near) found.window.push_back(*each);
        return found;
    }

    [[nodiscard]] verdict undecided() const {
        return {judgement::undecided,
                "not decided within " + std::to_string(steps_max_) +
                    " steps; make fewer calls of a key at the same time",
                {},
                steps_};
    }

    const std::uint64_t steps_max_;
    std::vector<const operation*> taken_;  // by time of call
    std::vector<shown_entry> shown_;       // of appends
    std::vector<event> events_;            // by time; the first is the ring's
    std::vector<std::size_t> open_;        // those without an answer
    std::vector<std::size_t> alike_;       // the one before it that is the same
    std::vector<bool> done_;
    std::size_t answered_left_ = 0;
    std::vector<chosen> path_;
    std::unordered_set<wide, wide_hash> seen_;
    std::uint64_t steps_ = 0;
    std::size_t stuck_ = none;
    std::uint64_t stuck_count_ = 0;
};

}  // namespace

verdict by_search(std::span<const operation> of_one_key, std::uint64_t steps_max) {
    return order_search(of_one_key, steps_max).judge();
}

}  // namespace dunlin::history
