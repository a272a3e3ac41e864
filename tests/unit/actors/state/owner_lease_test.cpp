// SPDX-License-Identifier: Apache-2.0
//
// Leases on keys, in virtual time: what nodes answer from memory is never old, whatever their
// clocks do, however long they are stopped, and whatever view of the cluster each of them has.
#include "actors/state/owner_lease.hpp"

#include "actors/state/owner_plan.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

using namespace dunlin::actors;

namespace {

constexpr std::int64_t ms = 1'000'000;
using phase = owner_lease::phase;
using row = owner_lease::row;

/// One that has announced a view, and looked.
void announce(owner_lease& of, std::uint64_t view, std::int64_t now_ns) {
    of.announces(view);
    of.announced(view, now_ns, now_ns + ms);
}

/// A store with the nodes' rows and one value, of which only the version counts.
struct shared_store {
    std::map<std::uint64_t, row> rows;
    std::uint64_t version = 1;
};

/// What callers know: the newest version that an answer has told anybody.
struct callers {
    std::uint64_t told = 0;
    std::uint64_t answers = 0;
    std::uint64_t from_memory = 0;
    std::uint64_t too_old = 0;

    void answered(std::uint64_t version, std::uint64_t told_before) {
        ++answers;
        if (version < told_before) ++too_old;
        told = std::max(told, version);
    }
};

/// Events of nodes and of the store, in order of time.
class world {
public:
    explicit world(std::uint32_t seed) : random(seed) {}
    void at(std::int64_t when_ns, std::function<void()> what) {
        events_.emplace(when_ns, std::move(what));
    }
    void after(std::int64_t least_ns, std::int64_t most_ns, std::function<void()> what) {
        at(now_ns + between(least_ns, most_ns), std::move(what));
    }
    [[nodiscard]] std::int64_t between(std::int64_t least, std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random);
    }
    void run(std::int64_t until_ns) {
        while (!events_.empty() && events_.begin()->first < until_ns) {
            const auto next = events_.begin();
            now_ns = next->first;
            const auto what = std::move(next->second);
            events_.erase(next);
            what();
        }
    }

    std::mt19937 random;
    std::int64_t now_ns = 0;

private:
    std::multimap<std::int64_t, std::function<void()>> events_;
};

constexpr std::uint64_t nodes = 3;

/// Who owns the value by a view: one of the nodes.
std::uint64_t owner_by(std::uint64_t view) { return view % nodes; }

/// A node that reads and writes the value, as a keeper and a space would.
class model_node {
public:
    model_node(world& in, shared_store& of, callers& who, std::uint64_t number)
        : in_(in),
          store_(of),
          callers_(who),
          number_(number),
          offset_ns_(in.between(0, 1'000'000 * ms)),
          rate_permille_(in.between(980, 1020)),
          lease_(number) {
        step();
        call();
    }

    std::uint64_t sees = 3;  // the newest view
    std::int64_t stopped_until_ns = 0;

private:
    [[nodiscard]] std::int64_t clock() const {
        return offset_ns_ + in_.now_ns / 1000 * rate_permille_;
    }
    /// Something the node does, once it is not stopped.
    void later(std::int64_t least_ns, std::int64_t most_ns, std::function<void()> what) {
        in_.after(least_ns, most_ns, [this, what = std::move(what)] { when_running(what); });
    }
    void when_running(const std::function<void()>& what) {
        if (in_.now_ns < stopped_until_ns)
            in_.at(stopped_until_ns, [this, what] { when_running(what); });
        else
            what();
    }
    [[nodiscard]] key_right right() const {
        const auto right = right_of(lease_.now(), next_ == announced_,
                                    {kept_, announced_ != 0 && owner_by(announced_) == number_,
                                     next_ != 0 && owner_by(next_) == number_});
        if (right == key_right::own && clock() >= lease_.alone_until_ns()) return key_right::wait;
        if (right == key_right::rival && clock() >= lease_.rival_until_ns()) return key_right::wait;
        return right;
    }

    // -- the keeper
    void step() {
        next_ = sees;
        if (next_ != announced_ && !writing_) {
            if (owner_by(next_) != number_) {
                memory_ = 0;
                kept_ = false;
            }
            lease_.announces(next_);
            announced_ = next_;
            ++views_;
        }
        const auto view = announced_;
        const auto sent_ns = clock();
        in_.after(ms, 40 * ms, [this, view, sent_ns] {
            store_.rows[number_] = {number_, view, ++beats_};
            later(ms, 40 * ms, [this, view, sent_ns] {
                lease_.announced(view, sent_ns, clock());
                look();
            });
        });
    }
    void look() {
        const auto asked_ns = clock();
        in_.after(ms, 40 * ms, [this, asked_ns] {
            std::vector<row> rows;
            for (const auto& [node, each] : store_.rows) rows.push_back(each);
            later(ms, 40 * ms, [this, asked_ns, rows] {
                lease_.saw(rows, asked_ns, clock());
                if (lease_.now() == phase::agreed) kept_ = owner_by(announced_) == number_;
                later(10 * ms, 300 * ms, [this] { step(); });
            });
        });
    }

    // -- the space
    void call() {
        const auto told = callers_.told;
        later(0, 5 * ms, [this, told] { turn(told); });
        in_.after(5 * ms, 60 * ms, [this] { call(); });
    }
    void turn(std::uint64_t told) {
        const auto has = right();
        if (writing_ || reading_ || (has != key_right::own && has != key_right::rival)) return;
        if (has == key_right::own && memory_ != 0 && epoch_ == lease_.epoch())
            return use(told, memory_);
        const auto epoch = has == key_right::own ? lease_.epoch() : 0;
        const auto views = views_;
        reading_ = true;
        in_.after(ms, 20 * ms, [this, told, epoch, views] {
            const auto version = store_.version;
            later(ms, 20 * ms, [this, told, epoch, views, version] {
                reading_ = false;
                if (views != views_) return;
                const auto now = right();
                if (now == key_right::own && epoch != 0 && epoch == lease_.epoch()) {
                    memory_ = version;
                    epoch_ = epoch;
                    use(told, version);
                } else if (now == key_right::rival) {
                    use(told, version);
                }
            });
        });
    }
    void use(std::uint64_t told, std::uint64_t version) {
        if (in_.between(0, 2) != 0) {
            ++callers_.from_memory;
            return callers_.answered(version, told);
        }
        writing_ = true;
        in_.after(ms, 60 * ms, [this, told, version] {
            const bool stored = store_.version == version;
            if (stored) ++store_.version;
            later(ms, 60 * ms, [this, told, version, stored] {
                writing_ = false;
                if (!stored) return void(memory_ = 0);
                if (memory_ == version) memory_ = version + 1;
                const auto now = right();
                const bool counts = now == key_right::rival ||
                                    ((now == key_right::own || now == key_right::leaving) &&
                                     clock() < lease_.alone_until_ns());
                if (counts) callers_.answered(version + 1, told);
            });
        });
    }

    world& in_;
    shared_store& store_;
    callers& callers_;
    const std::uint64_t number_;
    const std::int64_t offset_ns_;
    const std::int64_t rate_permille_;
    owner_lease lease_;
    std::uint64_t beats_ = 0;
    std::uint64_t views_ = 0;  // announced up to now
    std::uint64_t next_ = 0;
    std::uint64_t announced_ = 0;
    bool kept_ = false;         // it has owned it since all agreed
    std::uint64_t memory_ = 0;  // the version that is in memory; 0: none
    std::uint32_t epoch_ = 0;
    bool reading_ = false;
    bool writing_ = false;
};

}  // namespace

TEST_CASE("nodes that announce the same view own by it as soon as they have seen that") {
    owner_lease one(1);
    owner_lease other(2);
    announce(one, 7, 0);
    const std::array alone{row{1, 7, 1}};
    one.saw(alone, 2 * ms, 3 * ms);
    CHECK(one.now() == phase::agreed);
    CHECK(one.alone_until_ns() == 2 * ms + owner_lease::lease_ns - owner_lease::margin_ns);

    announce(other, 8, 10 * ms);
    const std::array both{row{1, 7, 1}, row{2, 8, 1}};
    other.saw(both, 12 * ms, 13 * ms);
    CHECK(other.now() == phase::settling);
    one.saw(both, 12 * ms, 13 * ms);
    CHECK(one.now() != phase::agreed);
    // What it owned it owns until the lease is over: the other one goes by who knows what.
    CHECK(one.alone_until_ns() == 2 * ms + owner_lease::lease_ns - owner_lease::margin_ns);
    announce(one, 8, 20 * ms);
    const std::array now{row{1, 8, 2}, row{2, 8, 1}};
    one.saw(now, 22 * ms, 23 * ms);
    other.saw(now, 22 * ms, 23 * ms);
    CHECK(one.now() == phase::agreed);
    CHECK(other.now() == phase::agreed);
    CHECK(one.epoch() == 1);  // nobody else had a key of its meanwhile
}

TEST_CASE("what a node owns by the old view and by the new one it goes on with") {
    owner_lease one(1);
    announce(one, 7, 0);
    const std::array before{row{1, 7, 1}, row{2, 7, 1}, row{3, 7, 1}};
    one.saw(before, 2 * ms, 3 * ms);
    announce(one, 8, 100 * ms);
    // Node 3 has died, and its row stays.
    std::uint64_t beat = 1;
    for (auto now = 110 * ms; now < owner_lease::lease_ns; now += 200 * ms) {
        one.announced(8, now, now + ms);
        const std::array rows{row{1, 8, ++beat}, row{2, 8, beat}, row{3, 7, 1}};
        one.saw(rows, now + 2 * ms, now + 3 * ms);
        CHECK(one.now() == phase::settling);
        CHECK(one.alone_until_ns() ==
              now + 2 * ms + owner_lease::lease_ns - owner_lease::margin_ns);
    }
    const auto now = owner_lease::lease_ns + 110 * ms;
    one.announced(8, now, now + ms);
    const std::array rows{row{1, 8, ++beat}, row{2, 8, beat}, row{3, 7, 1}};
    one.saw(rows, now + 2 * ms, now + 3 * ms);
    CHECK(one.now() == phase::agreed);
    CHECK(one.epoch() == 1);
}

TEST_CASE("a node that is silent for a lease is not waited for, and one that goes on begins anew") {
    owner_lease heir(2);
    announce(heir, 8, 0);
    const std::array rows{row{1, 7, 5}, row{2, 8, 1}};
    heir.saw(rows, 2 * ms, 3 * ms);
    heir.saw(rows, owner_lease::lease_ns, owner_lease::lease_ns + ms);
    CHECK(heir.now() == phase::settling);
    heir.announced(8, owner_lease::lease_ns / 2, owner_lease::lease_ns / 2 + ms);
    heir.saw(rows, owner_lease::lease_ns + 4 * ms, owner_lease::lease_ns + 5 * ms);
    CHECK(heir.now() == phase::agreed);

    owner_lease stopped(1);
    announce(stopped, 7, 0);
    const std::array before{row{1, 7, 1}};
    stopped.saw(before, 2 * ms, 3 * ms);
    const auto later = owner_lease::lease_ns * 2;
    stopped.announced(7, later, later + ms);
    CHECK(stopped.now() == phase::settling);
    stopped.saw(before, later + 2 * ms, later + 3 * ms);
    CHECK(stopped.epoch() == 2);  // what it has in memory may be old
}

TEST_CASE("nodes that go by different views for longer than a lease are rivals") {
    owner_lease one(1);
    announce(one, 7, 0);
    std::uint64_t beat = 0;
    std::int64_t now = 2 * ms;
    for (; now < owner_lease::lease_ns; now += 300 * ms) {
        one.announced(7, now, now + ms);
        const std::array rows{row{1, 7, ++beat}, row{2, 8, beat}};
        one.saw(rows, now + 2 * ms, now + 3 * ms);
        CHECK(one.now() == phase::settling);
    }
    one.announced(7, now, now + ms);
    const std::array rows{row{1, 7, ++beat}, row{2, 8, beat}};
    one.saw(rows, now + 2 * ms, now + 3 * ms);
    CHECK(one.now() == phase::rivals);
    CHECK(one.rival_until_ns() > now);
    one.announces(9);
    CHECK(one.now() == phase::settling);
    CHECK(one.rival_until_ns() == 0);
}

TEST_CASE("no answer is older than one that was given before it was asked for") {
    std::uint64_t answers = 0;
    std::uint64_t from_memory = 0;
    for (std::uint32_t seed = 1; seed <= 200; ++seed) {
        INFO("seed " << seed);
        world in(seed);
        shared_store store;
        callers who;
        std::vector<std::unique_ptr<model_node>> all;
        for (std::uint64_t each = 0; each < nodes; ++each)
            all.push_back(std::make_unique<model_node>(in, store, who, each));
        // Views change, not at all nodes and not at the same time; nodes are stopped.
        std::function<void()> disturb = [&] {
            const auto view = static_cast<std::uint64_t>(in.between(3, 8));
            const bool for_all = in.between(0, 2) != 0;
            for (auto& each : all)
                if (for_all || in.between(0, 1) == 0)
                    in.after(0, 300 * ms, [&each, view] { each->sees = view; });
            if (in.between(0, 1) == 0) {
                auto& each = *all[static_cast<std::size_t>(in.between(0, nodes - 1))];
                each.stopped_until_ns = in.now_ns + in.between(50 * ms, 4000 * ms);
            }
            in.after(200 * ms, 5000 * ms, disturb);
        };
        disturb();
        in.run(60'000 * ms);
        CHECK(who.too_old == 0);
        answers += who.answers;
        from_memory += who.from_memory;
    }
    CHECK(answers > 200 * 100);
    CHECK(from_memory > answers / 2);
}
