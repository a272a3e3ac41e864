// SPDX-License-Identifier: Apache-2.0
#include "runtime/scale_function.hpp"

#include "runtime/log.hpp"
#include "runtime/system_answer.hpp"
#include "runtime/system_input.hpp"

#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime {
namespace {

using nlohmann::json;

struct question {
    std::string function;
    actors::scale_wishes said;
    bool reset = false;
};

error refused(const std::string& why) { return {errc::invalid_argument, "dunlin/scale: " + why}; }

result<void> read_field(question& to, const scale_row& row, const json& value) {
    auto put = [&]() -> result<void> {
        if (row.kind == scale_kind::choice) {
            if (!value.is_string())
                return error{errc::invalid_argument,
                             "expected " + std::string(expected_value(row))};
            return put_text(to.said, row, value.get_ref<const std::string&>());
        }
        if (value.is_number_unsigned()) {
            constexpr auto most = std::numeric_limits<std::int64_t>::max();
            const auto number = value.get<std::uint64_t>();
            return put_number(to.said, row,
                              number > most ? most : static_cast<std::int64_t>(number));
        }
        if (value.is_number_integer()) return put_number(to.said, row, value.get<std::int64_t>());
        return error{errc::invalid_argument, "expected a whole number"};
    }();
    return put ? put : refused(std::string(row.wire) + ": " + put.error().detail);
}

result<question> read_question(const json& input) {
    if (!input.is_object() || !input.contains("function") || !input["function"].is_string())
        return refused(
            "takes a map with function, the full name of one, and what is to change: min, max, "
            "target_wait_us, idle_us, priority, weight, or reset");
    question asked;
    for (const auto& [key, value] : input.items()) {
        if (key == "function") {
            asked.function = value.get<std::string>();
            continue;
        }
        if (key == "reset") {
            if (!value.is_boolean()) return refused("reset is true or false");
            asked.reset = value.get<bool>();
            continue;
        }
        const scale_row* known = nullptr;
        for (const auto& row : scale_rows())
            if (row.wire == key) known = &row;
        if (known == nullptr)
            return refused("unknown setting '" + key +
                           "'; there are min, max, target_wait_us, idle_us, priority and weight");
        if (auto read = read_field(asked, *known, value); !read) return std::move(read.error());
    }
    if (asked.reset && !says_nothing(asked.said))
        return refused("reset takes back what was set, and sets nothing itself");
    return asked;
}

json describe(const settled_scale& settled) {
    json all = json::object();
    for (const auto& row : scale_rows()) {
        const auto& [number, source] = settled.of(row.field);
        json value = nullptr;
        if (number && row.kind == scale_kind::choice)
            value = std::string(priority_name(*number));
        else if (number)
            value = *number;
        all[std::string(row.wire)] = {{"value", std::move(value)},
                                      {"source", std::string(to_string(source))}};
    }
    return all;
}

}  // namespace

actors::function_info scale_function::info() {
    actors::function_info made;
    made.name = "dunlin/scale";
    made.module_name = "dunlin";
    made.description = "Shows how a function is scaled on this node, and by whom; changes it";
    made.flags = DUNLIN_IDEMPOTENT | DUNLIN_BLOCKING;
    made.self = this;
    made.run = &scale_function::run;
    return made;
}

std::int32_t scale_function::run(void* self, const dunlin_host* host, dunlin_call* call,
                                 const std::uint8_t* payload, std::size_t payload_size) {
    const auto& own = *static_cast<const scale_function*>(self);
    const auto fail = [&](const error& why) { return refuse(*host, call, why.code, why.detail); };
    const auto asked = read_question(read_system_input<json>(payload, payload_size));
    if (!asked) return fail(asked.error());
    const auto done = asked->reset ? own.book_.reset(asked->function)
                                   : own.book_.change(asked->function, asked->said);
    if (!done) return fail(done.error());
    if (done->after != done->before)
        log().info("a function's scaling has been changed", {{"function", asked->function}});
    return answer(*host, call,
                  {{"node", own.node_name_},
                   {"function", asked->function},
                   {"before", describe(done->before)},
                   {"after", describe(done->after)}});
}

}  // namespace dunlin::runtime
