// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/scale_report.hpp"

#include "tests/support/catch.hpp"

#include <dunlin/errc.hpp>

#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::program;

namespace {

json setting(const json& value, const char* source) {
    return {{"value", value}, {"source", source}};
}

/// What a node says that has nothing but a maximum from somebody.
json settings_with(const json& max, const char* source) {
    return {{"min", setting(0, "default")},
            {"max", setting(max, source)},
            {"target_wait_us", setting(5000, "default")},
            {"idle_us", setting(0, "default")},
            {"priority", setting("normal", "default")},
            {"weight", setting(1, "default")}};
}

/// As it comes from a node: what is not negative is unsigned then.
scale_outcome answered(const std::string& node, const json& before, const json& after) {
    const auto packed = json::to_msgpack({{"before", before}, {"after", after}});
    return read_scale_outcome(
        node, "text/count",
        bytes(bytes_view(reinterpret_cast<const std::byte*>(packed.data()), packed.size())));
}

scale_outcome refused(const std::string& node, errc code, const std::string& detail) {
    return read_scale_outcome(node, "text/count", error{code, detail});
}

}  // namespace

TEST_CASE("what a node without the function says is told from what an older one says") {
    const auto without =
        refused("c", errc::invalid_argument, "no function text/count on this node; ...");
    CHECK(without.end == scale_end::not_served);
    const auto older = refused("c", errc::not_found, "no function dunlin/scale on this node; ...");
    CHECK(older.end == scale_end::failed);
    CHECK(older.why == "its version cannot be told how to scale");
    const auto silent = refused("c", errc::deadline_exceeded, "no answer in time");
    CHECK(silent.end == scale_end::failed);
    CHECK(silent.why == "deadline_exceeded: no answer in time");
    CHECK(read_scale_outcome("c", "text/count", bytes("\xc3")).end == scale_end::failed);
}

TEST_CASE("settings are shown for each node, with whom they are from") {
    const auto as_it_is = settings_with(nullptr, "default");
    const auto other = settings_with(64, "file");
    CHECK(
        scale_table({answered("a", as_it_is, as_it_is), answered("bb", other, other),
                     refused("c", errc::invalid_argument, "no function text/count on this node"),
                     refused("d", errc::unavailable, "gone")}) ==
        "NODE  MIN          MAX                    TARGET WAIT    IDLE          PRIORITY          "
        "WEIGHT\n"
        "a     0 (default)  by its kind (default)  5ms (default)  0s (default)  normal (default)  "
        "1 (default)\n"
        "bb    0 (default)  64 (file)              5ms (default)  0s (default)  normal (default)  "
        "1 (default)\n"
        "c does not serve it.\n");
}

TEST_CASE("changes are shown for each node, and where there are none") {
    const auto before = settings_with(256, "author");
    auto after = settings_with(64, "command");
    after["min"] = setting(2, "command");
    CHECK(scale_changes({answered("a", before, after), answered("b", after, after),
                         answered("c", after, after)}) ==
          "NODE  SETTING  BEFORE            AFTER\n"
          "a     min      0 (default)   ->  2 (command)\n"
          "a     max      256 (author)  ->  64 (command)\n"
          "Nothing changes on b and c.\n");
}

TEST_CASE("an answer of another version is shown as far as it is understood") {
    const json odd = {{"min", setting(-3, "default")}, {"max", 5}, {"weight", {{"value", "x\n"}}}};
    CHECK(scale_table({answered("a", odd, odd)}) ==
          "NODE  MIN          MAX  TARGET WAIT  IDLE  PRIORITY  WEIGHT\n"
          "a     ? (default)  -    -            -     -         x?\n");
    CHECK(scale_table({answered("a", nullptr, nullptr)}) ==
          "NODE  MIN  MAX  TARGET WAIT  IDLE  PRIORITY  WEIGHT\n"
          "a     -    -    -            -     -         -\n");
}

TEST_CASE("what is left to do is said when some nodes are set and others are not") {
    const auto all = settings_with(1, "file");
    const std::vector good{answered("a", all, all), answered("b", all, all)};
    CHECK(scale_left_over(good).empty());
    CHECK(scale_left_over({refused("c", errc::unavailable, "gone")}).empty());
    auto mixed = good;
    mixed.push_back(refused("c", errc::unavailable, "gone"));
    CHECK(scale_left_over(mixed) == "set on a and b, but not on c; the command can be repeated");
}

TEST_CASE("programs are told of each node") {
    const auto all = settings_with(1, "file");
    const auto text =
        scale_json({answered("a", all, all),
                    refused("b", errc::invalid_argument, "no function text/count on this"),
                    refused("c", errc::unavailable, "gone")});
    const auto list = json::parse(text);
    REQUIRE(list.size() == 3);
    CHECK(list[0]["node"] == "a");
    CHECK(list[0]["served"] == true);
    CHECK(list[0]["after"]["max"]["value"] == 1);
    CHECK(list[0]["before"]["max"]["source"] == "file");
    CHECK(list[1] == json{{"node", "b"}, {"served", false}});
    CHECK(list[2] == json{{"node", "c"}, {"error", "unavailable: gone"}});
}
