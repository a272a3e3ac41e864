// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/outcome_text.hpp"

#include "actors/request_trace.hpp"

#include <string_view>
#include <utility>

namespace dunlin::program {
namespace {

std::string error_member(const error& why, std::string_view trace) {
    std::string json = R"("error":{"code":")" + std::string(to_string(why.code)) + R"(","detail":)";
    runtime::append_json_string(json, why.detail);
    if (why.retry_after.count() > 0)
        json += R"(,"retry_after_us":)" + std::to_string(why.retry_after.count());
    if (const auto request = actors::trace_id_of(trace); !request.empty())
        json += R"(,"request":")" + std::string(request) + '"';
    return json + "}";
}

}  // namespace

result<std::string> print_value(const any_value& value, output_form form,
                                runtime::json_layout layout) {
    if (form == output_form::raw) {
        const auto kind = reader(value.encoded.view()).peek();
        if (kind == dunlin::kind::text || kind == dunlin::kind::binary) {
            auto data = decode<bytes>(value.encoded);
            if (!data) return std::move(data.error());
            return std::string(as_text(*data));
        }
    }
    auto json = runtime::json_from_payload(value.encoded, layout);
    if (!json || form != output_form::envelope) return json;
    return R"({"value":)" + *json + "}";
}

std::string print_line(std::uint64_t line, const result<any_value>& reply, output_form form,
                       std::string_view trace, bool& failed) {
    const std::string start = R"({"line":)" + std::to_string(line) + ",";
    const auto inner = form == output_form::envelope ? output_form::value : form;
    auto text = reply ? print_value(*reply, inner, runtime::json_layout::one_line)
                      : result<std::string>(reply.error());
    failed = !text;
    if (failed) return start + error_member(text.error(), trace) + "}";
    if (form != output_form::envelope) return std::move(*text);
    return start + R"("value":)" + *text + "}";
}

std::string print_error(const error& why, std::string_view trace) {
    return "{" + error_member(why, trace) + "}";
}

std::string error_sentence(const error& why, std::string_view trace) {
    const auto request = actors::trace_id_of(trace);
    return to_string(why) + (request.empty() ? "" : " (request " + std::string(request) + ")");
}

}  // namespace dunlin::program
