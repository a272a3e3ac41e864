// SPDX-License-Identifier: Apache-2.0
#include "runtime/record_function.hpp"

#include "runtime/system_answer.hpp"
#include "runtime/system_input.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace dunlin::runtime {
namespace {

using nlohmann::json;

struct question {
    std::optional<std::uint64_t> recording;  // none: begin one
    std::vector<std::string> functions;
    std::size_t periods = 0;
    std::size_t from = 0;
    bool stop = false;
};

error refused(const std::string& why) {
    return {
        errc::invalid_argument,
        "dunlin/record: " + why +
            "; it takes a map with periods (a number above 0) and functions (an array of "
            "texts), which begins a recording, or with recording, from (numbers) and stop (true "
            "or false)"};
}

result<void> read_functions(question& to, const json& value) {
    const bool texts = value.is_array() && std::all_of(value.begin(), value.end(),
                                                       [](auto& each) { return each.is_string(); });
    if (!texts) return refused("functions is no array of texts");
    to.functions = value.get<std::vector<std::string>>();
    return {};
}

result<void> read_number(question& to, const std::string& key, const json& value) {
    if (!value.is_number_unsigned()) return refused(key + " is no number");
    const auto number = value.get<std::uint64_t>();
    if (key == "recording") {
        to.recording = number;
    } else {
        const auto least = std::min<std::uint64_t>(number, recording_limits::periods_max);
        (key == "from" ? to.from : to.periods) = static_cast<std::size_t>(least);
    }
    return {};
}

result<question> read_question(const json& input) {
    if (!input.is_object()) return refused("the input is no map");
    question asked;
    for (const auto& [key, value] : input.items()) {
        result<void> read;
        if (key == "functions") {
            read = read_functions(asked, value);
        } else if (key == "periods" || key == "recording" || key == "from") {
            read = read_number(asked, key, value);
        } else if (key == "stop") {
            if (!value.is_boolean()) return refused("stop is neither true nor false");
            asked.stop = value.get<bool>();
        } else {
            return refused("unknown word '" + key + "'");
        }
        if (!read) return std::move(read.error());
    }
    if (!asked.recording && asked.periods == 0) return refused("periods is missing");
    return asked;
}

json describe(const arrival_recording::page& page) {
    json functions = json::array();
    for (const auto& each : page.parts)
        functions.push_back({{"name", each.name},
                             {"counts", each.counts},
                             {"ended", each.ended},
                             {"busy_us", each.occupied_ns / 1000}});
    return functions;
}

result<json> begin(arrival_recorder& recorder, const question& asked) {
    auto made = recorder.begin(asked.functions, asked.periods);
    if (!made) return std::move(made.error());
    return json{{"recording", made->id},
                {"period_us", arrival_recording::period_ns / 1000},
                {"functions", std::move(made->functions)},
                {"left_out", made->left_out}};
}

result<json> go_on(arrival_recorder& recorder, const question& asked) {
    auto told = asked.stop ? recorder.end(*asked.recording, asked.from)
                           : recorder.read(*asked.recording, asked.from);
    if (!told) return std::move(told.error());
    return json{{"recording", *asked.recording},
                {"periods", told->periods},
                {"complete", told->complete},
                {"from", told->page.first},
                {"functions", describe(told->page)}};
}

}  // namespace

actors::function_info record_function::info() {
    actors::function_info made;
    made.name = "dunlin/record";
    made.module_name = "dunlin";
    made.description =
        "How many calls of each function come in each tenth of a second, from now on";
    made.flags = DUNLIN_BLOCKING;
    made.self = this;
    made.run = &record_function::run;
    return made;
}

std::int32_t record_function::run(void* self, const dunlin_host* host, dunlin_call* call,
                                  const std::uint8_t* payload, std::size_t payload_size) {
    auto& own = *static_cast<record_function*>(self);
    const auto fail = [&](const error& why) { return refuse(*host, call, why.code, why.detail); };
    const auto asked = read_question(read_system_input<json>(payload, payload_size));
    if (!asked) return fail(asked.error());
    auto told = asked->recording ? go_on(own.recorder_, *asked) : begin(own.recorder_, *asked);
    if (!told) return fail(told.error());
    (*told)["node"] = own.node_name_;
    return answer(*host, call, *told);
}

}  // namespace dunlin::runtime
