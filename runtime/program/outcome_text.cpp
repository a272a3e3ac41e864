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

std::string value_members(const std::string& json, const call_info& info) {
    return R"("value":)" + json + R"(,"cold_start":)" + (info.cold_start ? "true" : "false");
}

}  // namespace

result<std::string> print_value(const any_value& value, output_form form,
                                runtime::json_layout layout, const call_info& info) {
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
    return "{" + value_members(*json, info) + "}";
}

std::string print_line(const ordered_calls::outcome& of, output_form form, bool& failed) {
    const std::string start = R"({"line":)" + std::to_string(of.tag) + ",";
    const auto inner = form == output_form::envelope ? output_form::value : form;
    auto text = of.reply ? print_value(*of.reply, inner, runtime::json_layout::one_line, of.info)
                         : result<std::string>(of.reply.error());
    failed = !text;
    if (failed) return start + error_member(text.error(), of.trace) + "}";
    if (form != output_form::envelope) return std::move(*text);
    return start + value_members(*text, of.info) + "}";
}

std::string print_error(const error& why, std::string_view trace) {
    return "{" + error_member(why, trace) + "}";
}

std::string error_sentence(const error& why, std::string_view trace) {
    const auto request = actors::trace_id_of(trace);
    return to_string(why) + (request.empty() ? "" : " (request " + std::string(request) + ")");
}

}  // namespace dunlin::program
