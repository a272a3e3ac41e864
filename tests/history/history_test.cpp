// SPDX-License-Identifier: Apache-2.0
//
// The checker is checked: histories that can have happened, and each way in which one cannot.
#include "tests/history/answered_positions.hpp"
#include "tests/history/history_lines.hpp"
#include "tests/history/order_search.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using namespace dunlin::history;

namespace {

using times = std::pair<std::int64_t, std::int64_t>;

operation made(std::uint64_t id, action what, times when, std::optional<std::uint64_t> count) {
    return {id, what, ending::answered, when.first, when.second, count, {}};
}
operation add(std::uint64_t id, times when, std::optional<std::uint64_t> count) {
    return made(id, action::add, when, count);
}
operation append(std::uint64_t id, times when, std::optional<std::uint64_t> count) {
    return made(id, action::append, when, count);
}
operation read(std::uint64_t id, times when, std::uint64_t count) {
    return made(id, action::read, when, count);
}
operation list(std::uint64_t id, times when, std::vector<std::uint64_t> entries) {
    auto one = made(id, action::read, when, std::nullopt);
    one.entries = std::move(entries);
    return one;
}
operation unanswered(std::uint64_t id, action what, std::int64_t called_ns,
                     ending how = ending::unknown) {
    return {id, what, how, called_ns, 0, {}, {}};
}

std::string why_not(const std::vector<operation>& all) {
    const auto found = judge(all);
    REQUIRE(found.what == judgement::not_linearizable);
    CHECK_FALSE(found.window.empty());
    CHECK(found.window.size() <= 12);
    return found.why;
}

/// Every order of every choice of operations without an answer is tried.
bool by_trying_all(const std::vector<operation>& all) {
    std::vector<operation> sure, open;
    for (const auto& each : all) {
        if (each.answered()) sure.push_back(each);
        if (each.how == ending::unknown && each.what != action::read) open.push_back(each);
    }
    for (std::size_t choice = 0; choice < std::size_t{1} << open.size(); ++choice) {
        auto taken = sure;
        for (std::size_t i = 0; i < open.size(); ++i)
            if ((choice >> i & 1) != 0) taken.push_back(open[i]);
        std::vector<std::size_t> order(taken.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        do {
            bool good = true;
            std::vector<std::uint64_t> now;
            std::int64_t last_call = 0;
            for (const auto at : order) {
                const auto& each = taken[at];
                last_call = std::max(last_call, each.called_ns);
                good = good && (!each.answered() || last_call <= each.ended_ns);
                const auto before = now.size();
                if (each.what == action::add) now.push_back(0);
                if (each.what == action::append) now.push_back(each.id);
                if (each.what == action::erase) now.clear();
                const auto told = each.what == action::erase ? before : now.size();
                good = good && (!each.count || *each.count == told);
                good = good && (!each.entries || *each.entries == now);
                if (!good) break;
            }
            if (good) return true;
        } while (std::next_permutation(order.begin(), order.end()));
    }
    return false;
}

/// Operations of some callers as a real key would answer them: each happens between its call and
/// its answer. Some lose their answer.
std::vector<operation> happened(std::mt19937& random, std::size_t count, bool lists, bool erases) {
    struct moment {
        std::int64_t at;
        std::size_t which;
    };
    std::vector<operation> all;
    std::vector<moment> moments;
    std::int64_t time = 0;
    for (std::size_t i = 0; i < count; ++i) {
        time += 1 + static_cast<std::int64_t>(random() % 4);
        const auto kind = random() % 10;
        operation one;
        one.id = i + 1;
        one.what = erases && kind == 9 ? action::erase
                   : kind >= 6         ? action::read
                   : lists             ? action::append
                                       : action::add;
        one.called_ns = time;
        const auto at = time + static_cast<std::int64_t>(random() % 8);
        one.ended_ns = at + static_cast<std::int64_t>(random() % 8);
        one.how = random() % 6 == 0 ? ending::unknown : ending::answered;
        // One without an answer happens later, or never.
        const auto late = one.answered() ? 0 : static_cast<std::int64_t>(random() % 20);
        if (one.answered() || random() % 2 == 0) moments.push_back({at + late, i});
        all.push_back(one);
    }
    std::stable_sort(moments.begin(), moments.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    std::vector<std::uint64_t> now;
    for (const auto& each : moments) {
        auto& one = all[each.which];
        const auto before = now.size();
        if (one.writes()) now.push_back(one.id);
        if (one.what == action::erase) now.clear();
        if (!one.answered()) continue;
        one.count = one.what == action::erase ? before : now.size();
        if (lists && one.what == action::read) one.entries = now;
    }
    return all;
}

}  // namespace

TEST_CASE("counts that follow each other are linearizable, whoever was under way with whom") {
    CHECK(judge(std::vector<operation>{}).good());
    CHECK(judge(std::vector{add(1, {0, 10}, 2), add(2, {5, 6}, 1), read(3, {6, 20}, 2)}).good());
    CHECK(judge(std::vector{read(1, {0, 5}, 0), add(2, {3, 9}, 1), read(3, {4, 8}, 1),
                            read(4, {4, 8}, 0)})
              .good());
}

TEST_CASE("two writes that answer one count are a lost write") {
    CHECK_THAT(why_not({add(1, {0, 5}, 1), add(2, {6, 9}, 2), add(3, {10, 12}, 2)}),
               Catch::Contains("two writes answer the same count"));
}

TEST_CASE("an acknowledged write that nobody sees afterwards is found") {
    CHECK_THAT(why_not({add(1, {0, 5}, 1), read(2, {6, 7}, 0)}), Catch::Contains("stale read"));
    CHECK_THAT(why_not({append(1, {0, 5}, 1), append(2, {6, 7}, 2), list(3, {8, 9}, {1})}),
               Catch::Contains("stale read"));
    CHECK_THAT(
        why_not({append(1, {0, 5}, 1), list(3, {8, 9}, {2}), unanswered(2, action::append, 6)}),
        Catch::Contains("place 1 has had entry 1 and entry 2"));
}

TEST_CASE("two reads may not go back in time") {
    CHECK_THAT(why_not({add(1, {0, 20}, 1), read(2, {1, 4}, 1), read(3, {5, 6}, 0)}),
               Catch::Contains("stale read"));
}

TEST_CASE("a write that was applied twice is found") {
    CHECK_THAT(why_not({add(1, {0, 5}, 1), read(2, {6, 7}, 2)}), Catch::Contains("applied twice"));
    CHECK_THAT(why_not({append(1, {0, 5}, 1), list(2, {6, 7}, {1, 1})}),
               Catch::Contains("stands at place 1 and at place 2"));
}

TEST_CASE("writes without an answer fill gaps, each one once, and not before they were called") {
    const auto open = unanswered(9, action::add, 1);
    CHECK(judge(std::vector{add(1, {0, 5}, 1), open, add(2, {6, 9}, 3)}).good());
    CHECK(judge(std::vector{add(1, {0, 5}, 1), open, add(2, {6, 9}, 2)}).good());
    CHECK_THAT(why_not({add(1, {0, 5}, 1), open, add(2, {6, 9}, 4)}),
               Catch::Contains("applied twice"));
    CHECK_THAT(why_not({add(1, {0, 5}, 1), unanswered(9, action::add, 10), add(2, {6, 9}, 3)}),
               Catch::Contains("before enough writes had been called"));
    // The second gap needs the first writer to be early, too.
    CHECK_THAT(why_not({read(1, {0, 3}, 1), read(2, {9, 10}, 2), unanswered(7, action::add, 4),
                        unanswered(8, action::add, 5)}),
               Catch::Contains("before enough writes had been called"));
    CHECK(judge(std::vector{read(1, {0, 3}, 1), read(2, {9, 10}, 2), unanswered(7, action::add, 2),
                            unanswered(8, action::add, 5)})
              .good());
}

TEST_CASE("what did not run is not seen") {
    const auto refused = unanswered(2, action::append, 1, ending::not_run);
    CHECK(judge(std::vector{append(1, {0, 5}, 1), refused, list(3, {6, 7}, {1})}).good());
    CHECK_THAT(why_not({append(1, {0, 5}, 1), refused, list(3, {6, 7}, {1, 2})}),
               Catch::Contains("known not to have happened"));
    CHECK_THAT(why_not({append(1, {0, 5}, 1), list(3, {6, 7}, {1, 77})}),
               Catch::Contains("never appended"));
}

TEST_CASE("an entry is not seen before it was appended") {
    CHECK_THAT(why_not({list(1, {0, 3}, {2}), unanswered(2, action::append, 5)}),
               Catch::Contains("before it was appended"));
}

TEST_CASE("histories with erases are searched") {
    const auto erase = made(5, action::erase, {6, 7}, 2);
    CHECK(
        judge(std::vector{add(1, {0, 2}, 1), add(2, {3, 4}, 2), erase, add(3, {8, 9}, 1)}).good());
    CHECK(judge(std::vector{add(1, {0, 20}, 1), add(2, {0, 20}, 1), unanswered(3, action::erase, 2),
                            read(4, {21, 22}, 1)})
              .good());
    const auto bad =
        judge(std::vector{add(1, {0, 2}, 1), add(2, {3, 4}, 2), erase, add(3, {8, 9}, 3)});
    CHECK(bad.what == judgement::not_linearizable);
    CHECK(bad.steps > 0);
    REQUIRE_FALSE(bad.window.empty());
    CHECK(bad.window.back().id == 3);
}

TEST_CASE("an operation that is answered twice, or before its call, is no history") {
    CHECK_THAT(why_not({add(1, {0, 5}, 1), add(1, {6, 7}, 2)}), Catch::Contains("answered twice"));
    CHECK_THAT(why_not({add(1, {5, 4}, 1)}), Catch::Contains("before it was called"));
}

TEST_CASE("a search that takes too long is undecided, which is no pass") {
    std::vector<operation> all;
    for (std::uint64_t i = 1; i <= 24; ++i) all.push_back(append(i, {0, 1000}, std::nullopt));
    all.push_back(list(99, {2000, 2001}, {7}));
    all.push_back(unanswered(98, action::erase, 1));
    all.push_back(list(100, {2002, 2003}, {8}));
    const auto found = by_search(all, 1000);
    CHECK(found.what == judgement::undecided);
    CHECK_FALSE(found.good());
}

TEST_CASE("what has happened is linearizable, by places and by search") {
    std::mt19937 random(GENERATE(1U, 2U, 3U, 4U));
    for (int round = 0; round < 250; ++round) {
        const bool lists = round % 2 == 0;
        const auto all = happened(random, 40, lists, false);
        const auto placed = by_answered_positions(all);
        INFO(placed.why);
        REQUIRE(placed.good());
        const auto same = by_search(all);
        INFO(same.why << ", " << same.steps << " steps");
        REQUIRE(same.good());
        const auto erased = happened(random, 30, lists, true);
        const auto searched = judge(erased);
        INFO(searched.why);
        REQUIRE(searched.good());
    }
}

TEST_CASE("places, search and every order agree about histories that were tampered with") {
    std::mt19937 random(GENERATE(11U, 12U, 13U, 14U));
    std::size_t bad = 0;
    for (int round = 0; round < 600; ++round) {
        const bool lists = round % 2 == 0;
        const bool erases = round % 3 == 0;
        auto all = happened(random, 6, lists, erases);
        auto& one = all[random() % all.size()];
        switch (random() % 4) {
            case 0: one.how = ending::not_run; break;
            case 1:
                if (one.count) one.count = *one.count + random() % 3;
                break;
            case 2:
                if (one.answered()) one.ended_ns = one.called_ns;
                break;
            default:
                if (one.count && *one.count > 0) one.count = *one.count - 1;
                if (one.entries && !one.entries->empty()) one.entries->pop_back();
        }
        if (one.entries) one.count = one.entries->size();
        const bool possible = by_trying_all(all);
        bad += possible ? 0 : 1;
        for (const auto& each : all) UNSCOPED_INFO(describe(each));
        REQUIRE(by_search(all).good() == possible);
        if (tells_positions(all)) REQUIRE(by_answered_positions(all).good() == possible);
    }
    // Otherwise this says nothing.
    CHECK(bad > 60);
}

TEST_CASE("keys are judged apart, and told apart") {
    keyed_history all;
    all.add("ann", add(1, {0, 5}, 1));
    all.add("bob", add(2, {0, 5}, 1));
    all.add("bob", add(3, {6, 7}, 1));
    const auto found = all.judge();
    CHECK(found.keys == 2);
    CHECK(found.answered == 3);
    REQUIRE(found.bad.size() == 1);
    CHECK(found.bad[0].key == "bob");
    CHECK_THAT(found.text(), Catch::Contains("key bob is not linearizable") &&
                                 Catch::Contains("3 add at 6 to 7: 1"));
}

TEST_CASE("a history is read as it was written, and what is none is refused") {
    const std::vector all{add(1, {0, 5}, 1), list(2, {1, 6}, {3, 1}),
                          unanswered(3, action::append, 2),
                          unanswered(4, action::erase, 3, ending::not_run)};
    keyed_history again;
    for (const auto& each : all) REQUIRE(read_line(line_of("k", each), again));
    const auto found = again.judge();
    CHECK(found.answered == 2);
    CHECK(found.unknown == 1);
    CHECK(found.not_run == 1);
    for (const auto* bad :
         {"", "{}", "[1]", R"({"key":"k","id":1,"op":"take","end":"ok","called_ns":1})",
          R"({"key":"k","id":1,"op":"add","end":"ok","called_ns":1})",
          R"({"key":"k","id":-1,"op":"add","end":"unknown","called_ns":"x"})"}) {
        CHECK_FALSE(read_line(bad, again));
    }
}
