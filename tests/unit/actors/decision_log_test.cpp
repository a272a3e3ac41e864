// SPDX-License-Identifier: Apache-2.0
#include "actors/decision_log.hpp"

#include "actors/elastic_policy.hpp"
#include "tests/support/catch.hpp"

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin;
using namespace dunlin::actors;

namespace {

constexpr std::int64_t second = limits::decisions_folded_ns;

decision refused(std::string_view rule = "its queue was full", std::int64_t calls = 1) {
    return {.kind = decision_kind::refuse,
            .rule = rule,
            .of = "calls",
            .before = 0,
            .after = calls,
            .inputs = {{"queued", 2}}};
}

decision started(std::int64_t before) {
    return {.kind = decision_kind::start,
            .rule = to_string(scaling_reason::none_idle),
            .of = "activations",
            .before = before,
            .after = before + 1,
            .inputs = {{"busy", before}, {"queued", 1U}}};
}

std::vector<std::uint64_t> numbers(const decision_log::page& page) {
    std::vector<std::uint64_t> all;
    for (const auto& each : page.records) all.push_back(each.number);
    return all;
}

using list = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("a decision is a record of time, inputs, rule and result") {
    decision_log log("n1");
    decision_series count("text/count");
    CHECK(log.add(count, 5, started(2)) == 1);
    const auto page = log.newest({.limit = 10});
    REQUIRE(page.records.size() == 1);
    const auto& record = page.records.front();
    CHECK(record.number == 1);
    CHECK(record.first_ns == 5);
    CHECK(*record.function == "text/count");
    CHECK(to_string(record.what.kind) == "start");
    CHECK(record.what.rule == "no activation was idle");
    CHECK(record.what.before == 2);
    CHECK(record.what.after == 3);
    CHECK(record.amount == 1);
    CHECK(record.count == 1);
    std::map<std::string, double> inputs;
    for (const auto& each : record.what.inputs) inputs[each.name] = each.value;
    CHECK(inputs == std::map<std::string, double>{{"busy", 2}, {"queued", 1}});
}

TEST_CASE("what repeats within a second is one record with its count and the latest inputs") {
    decision_log log("n1");
    decision_series count("text/count");
    for (std::int64_t i = 0; i < 1000; ++i)
        CHECK(log.add(count, i * second / 1000, started(i)) == 1);
    CHECK(log.add(count, second, started(1000)) == 2);
    const auto page = log.newest({.limit = 10});
    REQUIRE(numbers(page) == list{1, 2});
    const auto& first = page.records.front();
    CHECK(first.count == 1000);
    CHECK(first.amount == 1000);
    CHECK(first.what.before == 0);
    CHECK(first.what.after == 1000);
    CHECK(first.first_ns == 0);
    CHECK(first.last_ns == second - second / 1000);
    CHECK(first.what.inputs.begin()->value == 999);
}

TEST_CASE(
    "decisions of different kinds, rules and functions take turns and are folded all the same") {
    decision_log log("n1");
    decision_series one("a/one");
    decision_series other("a/other");
    for (int i = 0; i < 100; ++i) {
        log.add(one, 0, refused("its queue was full", 3));
        log.add(one, 0, refused("it would wait too long"));
        log.add(one, 0, started(1));
        log.add(other, 0, refused());
    }
    const auto page = log.newest({.limit = 10});
    REQUIRE(numbers(page) == list{1, 2, 3, 4});
    for (const auto& each : page.records) CHECK(each.count == 100);
    CHECK(page.records.front().amount == 300);
    CHECK(numbers(log.newest({.function = "a/other", .limit = 10})) == list{4});
}

TEST_CASE("a flood of one function leaves the records of others where they are") {
    decision_log log("n1", 64);
    decision_series quiet("a/quiet");
    decision_series loud("a/loud");
    log.add(quiet, 0, started(0));
    for (int i = 0; i < 100'000; ++i) log.add(loud, i * 10 * second / 100'000, refused());
    CHECK(numbers(log.newest({.function = "a/quiet", .limit = 10})) == list{1});
    CHECK(log.newest({.limit = 100}).records.size() == 11);
}

TEST_CASE("the oldest records go, and what asks for them is told how far back they reach") {
    decision_log log("n1", 4);
    decision_series count("text/count");
    for (std::int64_t i = 1; i <= 10; ++i) log.add(count, i * second, started(i));
    const auto all = log.newest({.limit = 100});
    CHECK(numbers(all) == list{7, 8, 9, 10});
    CHECK(all.oldest == 7);
    CHECK(all.read_to == 10);
    CHECK(numbers(log.newest({.limit = 2})) == list{9, 10});
    CHECK(numbers(log.after(2, {.limit = 2})) == list{7, 8});
    CHECK(numbers(log.after(8, {.limit = 2})) == list{9, 10});
    CHECK(numbers(log.after(10, {.limit = 2})).empty());
    CHECK(log.after(10, {.limit = 2}).read_to == 10);
    // Numbers of the life before this one.
    CHECK(log.after(1000, {.limit = 2}).read_to == 10);
    CHECK(log.newest({.limit = 0}).records.empty());
    // A series finds no record that has gone.
    decision_series late("a/late");
    log.add(late, 10 * second, refused());
    for (std::int64_t i = 11; i < 15; ++i) log.add(count, i * second, started(i));
    CHECK(log.add(late, 10 * second, refused()) == 16);
}

TEST_CASE("a reader goes on where it has read to, past what is about other functions") {
    decision_log log("n1", 1000);
    decision_series one("a/one");
    decision_series other("a/other");
    for (std::int64_t i = 0; i < 400; ++i)
        log.add(i % 200 == 0 ? one : other, i * second, refused());
    const auto page = log.after(0, {.function = "a/one", .limit = 1});
    CHECK(numbers(page) == list{1});
    CHECK(page.read_to == 1);
    const auto next = log.after(page.read_to, {.function = "a/one", .limit = 10});
    CHECK(numbers(next) == list{201});
    CHECK(next.read_to == 400);
}

TEST_CASE("records that may still grow can be left out, and numbers and times grow together") {
    decision_log log("n1");
    decision_series one("a/one");
    decision_series other("a/other");
    log.add(one, 3 * second, refused());
    log.add(other, 2 * second, refused());  // by a thread that looked at its clock before
    log.add(one, 5 * second, refused());
    CHECK(log.newest({.limit = 10}).records[1].first_ns == 3 * second);
    const decision_log::question settled{.limit = 10, .until_ns = 4 * second};
    CHECK(numbers(log.newest(settled)) == list{1, 2});
    CHECK(log.newest(settled).read_to == 2);
    CHECK(numbers(log.after(0, settled)) == list{1, 2});
    CHECK(log.after(2, settled).read_to == 2);
    CHECK(log.after(0, {.limit = 10, .until_ns = second}).read_to == 0);
}

TEST_CASE("a record outlives what it is about") {
    decision_log log("n1", 2);
    {
        decision_series route("far/away");
        log.add(
            route, 0,
            {.kind = decision_kind::widen, .rule = "r", .of = "nodes", .before = 1, .after = 2});
    }
    CHECK(*log.newest({.limit = 1}).records.front().function == "far/away");
}

TEST_CASE("who keeps no series finds one by the function's name") {
    decision_log log("n1");
    auto& series = log.series_of("text/count");
    CHECK(&series == &log.series_of("text/count"));
    CHECK(&series != &log.series_of("text/other"));
    CHECK(series.function() == "text/count");
    CHECK(log.add(series, 0, refused()) == 1);
    CHECK(log.add(log.series_of("text/count"), 1, refused()) == 1);
}

TEST_CASE("a reference is a command that a person can type") {
    CHECK(decision_log("n1").reference("text/count", 12) ==
          " (dunlin explain text/count --record n1/12)");
    CHECK(decision_log("it's a node").reference("text/count", 1) ==
          R"( (dunlin explain text/count --record 'it'\''s a node'/1))");
}

TEST_CASE("more inputs than a record holds are left out") {
    const decision_inputs inputs{{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}, {"e", 5}, {"f", 6}};
    CHECK(inputs.end() - inputs.begin() == decision_inputs::max);
}

TEST_CASE("many threads add while others read: no decision is lost or counted twice") {
    constexpr int threads = 4;
    constexpr std::int64_t each_adds = 20'000;
    decision_log log("n1", 512);
    decision_series shared("a/shared");
    std::atomic<bool> over{false};
    std::atomic<std::int64_t> bad{0};
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t)
        all.emplace_back([&, t] {
            for (std::int64_t i = 0; i < each_adds; ++i) {
                log.add(shared, 0, refused());
                // A record of its own each: the ring goes round many times.
                decision_series own("a/own");
                log.add(own, 0, started(t));
            }
        });
    std::thread reader([&] {
        std::uint64_t read_to = 0;
        std::set<std::uint64_t> seen;
        while (!over.load()) {
            const auto page = log.after(read_to, {.limit = 100});
            std::uint64_t before = read_to;
            for (const auto& record : page.records) {
                if (record.number <= before || record.function == nullptr) ++bad;
                before = record.number;
            }
            if (page.read_to < read_to || page.records.size() > 100) ++bad;
            read_to = page.read_to;
            if (log.newest({.limit = 1000}).records.size() > 512) ++bad;
        }
    });
    for (auto& each : all) each.join();
    over = true;
    reader.join();
    CHECK(bad == 0);
    const auto left = log.newest({.limit = 1000});
    CHECK(left.records.size() == 512);
    // The shared one was pushed out and made anew, some times; all others are one decision each.
    CHECK(left.read_to >= threads * each_adds + 1);
    CHECK(left.read_to <= 2 * threads * each_adds);
    for (const auto& record : left.records)
        if (*record.function != "a/shared") CHECK(record.count == 1);
}

TEST_CASE("threads that add to one series share its record") {
    decision_log log("n1");
    std::vector<std::thread> all;
    for (int t = 0; t < 4; ++t)
        all.emplace_back([&] {
            for (int i = 0; i < 10'000; ++i) log.add(log.series_of("a/one"), 0, refused());
        });
    for (auto& each : all) each.join();
    const auto page = log.newest({.limit = 10});
    REQUIRE(page.records.size() == 1);
    CHECK(page.records.front().count == 40'000);
    CHECK(page.records.front().amount == 40'000);
}
