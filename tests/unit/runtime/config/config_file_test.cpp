// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/config_file.hpp"

#include "tests/support/catch.hpp"

#include <chrono>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;
using namespace std::chrono_literals;

namespace {

// What is wrong with a file of this text; empty when nothing is.
std::string complaint(std::string_view text) {
    settings unused;
    const auto read = read_config_text(text, "node.toml", unused);
    return read ? "" : read.error().detail;
}

}  // namespace

TEST_CASE("every option can be set in a file") {
    settings all;
    const auto read = read_config_text(R"(
        [node]
        listen = "tcp://127.0.0.1:0"
        modules = ["bench", "./text.so", "/opt/images.so", "../other/x.so"]
        name = "alpha"
        insecure = true
        drain_timeout = "2m"
        [security]
        key = "node.key"
        allow = "/srv/allow.toml"
        [cluster]
        join = ["tcp://10.0.0.1:7440", "tcp://nodes.example:7440"]
        name = "blue"
        advertise = "10.0.0.2"
        join_timeout = "3s"
        probe_period = "200ms"
        suspicion = "1s"
        [threads]
        lanes = 2
        scheduler_threads = 3
        blocking_threads_max = 44
        lane_hold_max = "7ms"
        busy_poll = "35us"
        idle_poll = "25us"
        [pools]
        activations = 5
        queue_depth_max = 1_000
        queue_bytes_max = "3MiB"
        [state]
        data = "state"
        store = "postgres://u:p@db/shop"
        cache_bytes_max = "5MiB"
        waiting_max = 66
        relaxed_delay_max = "3s"
        relaxed_bytes_max = "4MiB"
        durable = ["carts"]
        relaxed = ["visitors", "pages"]
        ephemeral = ["typing"]
        [limits]
        in_flight_max = 77
        payload_bytes_max = "1MiB"
        backlog_bytes_max = 1048576
        replies_bytes_max = "2MiB"
        [dedupe]
        window = "20s"
        calls_max = 9
        bytes_max = "2MiB"
        [log]
        level = "debug"
        format = "json")",
                                       "/etc/dunlin/node.toml", all);
    REQUIRE(read);
    CHECK(all.node.listen == "tcp://127.0.0.1:0");
    CHECK(all.node.modules == std::vector<std::string>{"bench", "/etc/dunlin/text.so",
                                                       "/opt/images.so", "/etc/other/x.so"});
    CHECK(all.node.name == "alpha");
    CHECK(all.node.insecure);
    CHECK(all.node.drain_timeout == 2min);
    CHECK(all.node.key == "/etc/dunlin/node.key");
    CHECK(all.node.allow == "/srv/allow.toml");
    CHECK(all.node.join ==
          std::vector<std::string>{"tcp://10.0.0.1:7440", "tcp://nodes.example:7440"});
    CHECK(all.node.cluster == "blue");
    CHECK(all.node.advertise == "10.0.0.2");
    CHECK(all.node.join_timeout == 3s);
    CHECK(all.node.probe_period == 200ms);
    CHECK(all.node.suspicion == 1s);
    CHECK(all.node.lanes == 2);
    CHECK(all.node.scheduler_threads == 3);
    CHECK(all.node.blocking_threads_max == 44);
    CHECK(all.node.lane_hold_max == 7ms);
    CHECK(all.node.busy_poll == 35us);
    CHECK(all.node.idle_poll == 25us);
    CHECK(all.node.activations == 5);
    CHECK(all.node.queue_depth_max == 1000);
    CHECK(all.node.queue_bytes_max == 3U << 20);
    CHECK(all.node.state.data == "/etc/dunlin/state");
    CHECK(all.node.state.store == "postgres://u:p@db/shop");
    CHECK(all.node.state.cache_bytes_max == 5U << 20);
    CHECK(all.node.state.waiting_max == 66);
    CHECK(all.node.state.relaxed_delay_max == 3s);
    CHECK(all.node.state.relaxed_bytes_max == 4U << 20);
    CHECK(all.node.state.durable == std::vector<std::string>{"carts"});
    CHECK(all.node.state.relaxed == std::vector<std::string>{"visitors", "pages"});
    CHECK(all.node.state.ephemeral == std::vector<std::string>{"typing"});
    CHECK(all.node.in_flight_max == 77);
    CHECK(all.node.payload_bytes_max == 1U << 20);
    CHECK(all.node.backlog_bytes_max == 1U << 20);
    CHECK(all.node.replies_bytes_max == 2U << 20);
    CHECK(all.node.dedupe.window == 20s);
    CHECK(all.node.dedupe.calls_max == 9);
    CHECK(all.node.dedupe.bytes_max == 2U << 20);
    CHECK(all.log.level == "debug");
    CHECK(all.log.format == "json");
    // A new option is wanted here, too.
    for (const auto& row : all_settings()) {
        INFO(row.full_key());
        CHECK(as_text(all, row) != as_text(settings{}, row));
    }
}

TEST_CASE("what a file does not mention stays as it was") {
    settings all;
    all.node.name = "kept";
    REQUIRE(read_config_text("[pools]\nactivations = 9", "node.toml", all));
    CHECK(all.node.name == "kept");
    CHECK(all.node.activations == 9);
    CHECK(all.node.queue_depth_max == settings{}.node.queue_depth_max);
}

TEST_CASE("the effective configuration reads back to itself") {
    settings all;
    all.node.name = "quotes \" and \\ and \xc3\xbc";
    all.node.modules = {"bench", "/a b.so"};
    all.node.drain_timeout = 1500ms;
    all.log.level = "warn";
    const auto text = print_config(all);
    settings again;
    REQUIRE(read_config_text(text, "node.toml", again));
    CHECK(print_config(again) == text);
    CHECK(again.node.name == all.node.name);
}

TEST_CASE("a misspelled option is refused with the nearest one") {
    CHECK(complaint("[pools]\nqueue_dept_max = 3") ==
          "node.toml:2:1: unknown option 'pools.queue_dept_max'; did you mean "
          "pools.queue_depth_max?");
    CHECK(complaint("[pool]\nactivations = 3") ==
          "node.toml:1:2: unknown option 'pool'; did you mean pools?");
}

TEST_CASE("an option in the wrong table is shown its place") {
    CHECK(complaint("listen = \"x\"") ==
          "node.toml:1:1: unknown option 'listen'; did you mean node.listen?");
    CHECK(complaint("[threads]\nactivations = 3") ==
          "node.toml:2:1: unknown option 'threads.activations'; did you mean pools.activations?");
}

TEST_CASE("an option that is near to nothing is refused with the way to all of them") {
    CHECK(complaint("[zzz]\nq = 1") ==
          "node.toml:1:2: unknown option 'zzz'; dunlin node --print-config lists them all");
}

TEST_CASE("a value of another type is refused with what was expected and what came") {
    CHECK(complaint("[pools]\nqueue_depth_max = \"many\"") ==
          "node.toml:2:19: pools.queue_depth_max: expected a whole number, got the string "
          "\"many\"");
    CHECK(complaint("[limits]\npayload_bytes_max = true") ==
          "node.toml:2:21: limits.payload_bytes_max: expected a number of bytes or a size such as "
          "\"16MiB\", got true");
    CHECK(complaint("[node]\ndrain_timeout = 10") ==
          "node.toml:2:17: node.drain_timeout: expected a duration such as \"10s\", got the number "
          "10");
    CHECK(complaint("[node]\nmodules = \"a\"") ==
          "node.toml:2:11: node.modules: expected a list of strings, got the string \"a\"");
    CHECK(complaint("[node]\nmodules = [\"a\", 3]") ==
          "node.toml:2:17: node.modules: expected a list of strings, got the number 3");
    CHECK(complaint("[cluster]\njoin = [\n  \"tcp://10.0.0.1:7440\",\n  \"x\"\n]") ==
          "node.toml:4:3: cluster.join: endpoint \"x\" does not begin with tcp://; write it as in "
          "tcp://127.0.0.1:7440");
    CHECK(complaint("[node]\nlisten = \"x\"") ==
          "node.toml:2:10: node.listen: cannot listen on \"x\": an endpoint looks like "
          "tcp://127.0.0.1:7440");
    CHECK(
        complaint("[node]\nname = \"a\\nb\"") ==
        "node.toml:2:8: node.name: the name 'a\\nb' has a character that cannot stand in a line: a "
        "control character, a mark that breaks or turns lines, or a byte that is not UTF-8");
    CHECK(complaint("[cluster]\nname = \"\"") ==
          "node.toml:2:8: cluster.name: a cluster's name is not empty");
    CHECK(complaint("[node]\ninsecure = 1") ==
          "node.toml:2:12: node.insecure: expected true or false, got the number 1");
    CHECK(complaint("[node]\nname = [1]") ==
          "node.toml:2:8: node.name: expected a string, got a list");
    CHECK(complaint("node = 3") ==
          "node.toml:1:8: node: expected a table, as in [node], got the number 3");
}

TEST_CASE("a value out of range is refused with the range") {
    CHECK(complaint("[threads]\nlanes = -3") == "node.toml:2:9: threads.lanes: -3 is negative");
    CHECK(complaint("[threads]\nlanes = 65") ==
          "node.toml:2:9: threads.lanes: 65 is out of range; between 0 and 64 is possible");
    CHECK(complaint("[limits]\npayload_bytes_max = 5") ==
          "node.toml:2:21: limits.payload_bytes_max: 5 is out of range; between 1KiB and 1GiB is "
          "possible");
    CHECK(complaint("[node]\ndrain_timeout = \"1ns\"") ==
          "node.toml:2:17: node.drain_timeout: 1ns is finer than one microsecond");
    CHECK(complaint("[threads]\nbusy_poll = \"11ms\"") ==
          "node.toml:2:13: threads.busy_poll: 11ms is out of range; between 0s and 10ms is "
          "possible");
    CHECK(complaint("[threads]\nidle_poll = \"11ms\"") ==
          "node.toml:2:13: threads.idle_poll: 11ms is out of range; between 0s and 10ms is "
          "possible");
    CHECK(complaint("[threads]\nlane_hold_max = \"999us\"") ==
          "node.toml:2:17: threads.lane_hold_max: 999us is out of range; between 1ms and 24h is "
          "possible");
    CHECK(complaint("[log]\nlevel = \"wran\"") ==
          "node.toml:2:9: log.level: 'wran' is none of trace, debug, info, warn, error, off; did "
          "you mean warn?");
}

TEST_CASE("what a file says of single functions is taken over, and printed so that it reads back") {
    settings all;
    const auto read = read_config_text(R"(
[functions."text/count_words"]
min = 2
max = 64
target_wait = "20ms"
idle = "10s"
priority = "high"
weight = 3
[functions."shop/order"]
max = 1
[functions."shop/none"])",
                                       "node.toml", all);
    REQUIRE(read);
    REQUIRE(all.node.functions.size() == 3);
    const auto named = [&](std::string_view name) {
        for (const auto& each : all.node.functions)
            if (each.name == name) return each;
        return function_settings{};
    };
    const auto words = named("text/count_words");
    CHECK(words.scale.min == 2U);
    CHECK(words.scale.max == 64U);
    CHECK(words.scale.target_wait == 20ms);
    CHECK(words.scale.idle == 10s);
    CHECK(words.scale.priority == actors::function_priority::high);
    CHECK(words.scale.weight == 3U);
    CHECK(words.where == "node.toml:2:12");
    CHECK(named("shop/order").scale.max == 1U);
    CHECK_FALSE(named("shop/order").scale.min);
    CHECK(named("shop/none").scale == actors::scale_wishes{});

    settings again;
    const auto text = print_config(all);
    REQUIRE(read_config_text(text, "node.toml", again));
    CHECK(print_config(again) == text);
    CHECK(again.node.functions.size() == 3);
}

TEST_CASE("what is wrong with a function's settings is said with its place") {
    const std::string head = "[functions.\"text/count\"]\n";
    const std::string at = "functions.\"text/count\"";
    CHECK(complaint(head + "mix = 3") ==
          "node.toml:2:1: unknown option '" + at + ".mix'; did you mean min?");
    CHECK(complaint(head + "frequency = 3") ==
          "node.toml:2:1: unknown option '" + at +
              ".frequency'; there are min, max, target_wait, idle, priority, weight");
    CHECK(complaint(head + "min = 5\nmax = 4") ==
          "node.toml:2:7: " + at + ": min 5 is above max 4");
    CHECK(complaint(head + "max = 0") ==
          "node.toml:2:7: " + at + ".max: 0 is out of range; between 1 and 131072 is possible");
    CHECK(complaint(head + "min = -1") == "node.toml:2:7: " + at + ".min: -1 is negative");
    CHECK(complaint(head + "min = 999999999999") ==
          "node.toml:2:7: " + at +
              ".min: 999999999999 is out of range; between 0 and 131072 is possible");
    CHECK(complaint(head + "max = \"many\"") ==
          "node.toml:2:7: " + at + ".max: expected a whole number, got the string \"many\"");
    CHECK(complaint(head + "idle = 10") ==
          "node.toml:2:8: " + at + ".idle: expected a duration such as \"10s\", got the number 10");
    CHECK(complaint(head + "target_wait = \"0s\"") ==
          "node.toml:2:15: " + at +
              ".target_wait: 0s is out of range; between 1us and 1h is possible");
    CHECK(complaint(head + "idle = \"25h\"") ==
          "node.toml:2:8: " + at + ".idle: 25h is out of range; between 0s and 24h is possible");
    CHECK(complaint(head + "priority = \"hihg\"") ==
          "node.toml:2:12: " + at +
              ".priority: 'hihg' is none of low, normal, high; did you mean high?");
    CHECK(complaint(head + "priority = 3") ==
          "node.toml:2:12: " + at +
              ".priority: expected \"low\", \"normal\" or \"high\", got the number 3");
    CHECK(complaint(head + "weight = 0") ==
          "node.toml:2:10: " + at + ".weight: 0 is out of range; between 1 and 1000 is possible");
    CHECK(complaint("[functions.text]\nmin = 1") ==
          "node.toml:1:1: functions.text: no function's name has no slash; write it in quotation "
          "marks, as in [functions.\"text/count_words\"]");
    CHECK(complaint("[functions]\n\"text/count\" = 3") ==
          "node.toml:2:16: " + at + ": expected a table, as in [" + at + "], got the number 3");
    CHECK(complaint("functions = 3") ==
          "node.toml:1:13: functions: expected tables, as in [functions.\"text/count_words\"], got "
          "the number 3");
    CHECK(complaint("[function]\n") ==
          "node.toml:1:2: unknown option 'function'; did you mean functions?");
}

TEST_CASE("a file that is not TOML is refused with line and column") {
    CHECK_THAT(complaint("[node]\nname = \n"),
               Catch::Matchers::StartsWith("node.toml:2:8: not valid TOML: "));
    CHECK_THAT(complaint("[node"), Catch::Matchers::StartsWith("node.toml:1:"));
}

TEST_CASE("a file that cannot be read is refused with the reason") {
    settings all;
    CHECK(read_config_file("/nonexistent/node.toml", all).error().detail ==
          "cannot read the configuration /nonexistent/node.toml: No such file or directory");
    CHECK(read_config_file("/tmp", all).error().detail ==
          "cannot read the configuration /tmp: it is a folder");
}
