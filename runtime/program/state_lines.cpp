// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/state_lines.hpp"

#include "runtime/text/base64.hpp"
#include "runtime/text/json_payload.hpp"
#include "runtime/text/quantity.hpp"
#include "support/utf8.hpp"

#include <nlohmann/json.hpp>

namespace dunlin::program {
namespace {

using ordered = nlohmann::ordered_json;

std::int64_t now_ms() {
    return std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
}

// As payloads write text and bytes.
std::string key_text(std::string_view key) {
    std::string text;
    if (support::is_utf8(key)) {
        runtime::append_json_string(text, key);
        return text;
    }
    return R"({"$bytes": ")" + runtime::base64_from(as_bytes(key)) + "\"}";
}

}  // namespace

std::string line_of(std::string_view key, const state_value& value) {
    const auto json = runtime::json_from_payload(value.encoded.view());
    std::string line = "{\"key\": " + key_text(key) + ", \"value\": " + (json ? *json : "null") +
                       ", \"version\": " + std::to_string(value.version);
    if (value.expires_ms != 0) line += ", \"expires_ms\": " + std::to_string(value.expires_ms);
    return line + "}\n";
}

std::optional<std::chrono::milliseconds> state_line::lifetime() const {
    if (expires_ms == 0) return {};
    return std::chrono::milliseconds(expires_ms - now_ms());
}

result<state_line> read_line(std::string_view line) {
    const auto read = ordered::parse(line, nullptr, false);
    if (!read.is_object() || !read.contains("key") || !read.contains("value"))
        return error{errc::invalid_argument, "no JSON object with key and value"};
    state_line made;
    const auto& key = read["key"];
    if (key.is_string()) {
        made.key = key.get<std::string>();
    } else if (key.is_object() && key.contains("$bytes") && key["$bytes"].is_string()) {
        const auto data = runtime::bytes_from_base64(key["$bytes"].get<std::string>());
        if (!data) return error{errc::invalid_argument, "the key's $bytes are no base64"};
        made.key.assign(reinterpret_cast<const char*>(data->data()), data->size());
    } else {
        return error{errc::invalid_argument, "the key is neither text nor {\"$bytes\": base64}"};
    }
    auto value = runtime::payload_from_json(
        read["value"].dump(-1, ' ', false, ordered::error_handler_t::replace));
    if (!value) return std::move(value.error());
    made.value = std::move(*value);
    if (read.contains("expires_ms") && read["expires_ms"].is_number_integer())
        made.expires_ms = read["expires_ms"].get<std::int64_t>();
    return made;
}

std::string keys_json(const std::vector<key_row>& keys) {
    std::string text = "[";
    for (const auto& each : keys) {
        text += text.size() == 1 ? "\n  " : ",\n  ";
        text += "{\"key\": " + key_text(each.key) +
                ", \"value_bytes\": " + std::to_string(each.value_bytes) +
                ", \"version\": " + std::to_string(each.version);
        if (each.expires_ms != 0) text += ", \"expires_ms\": " + std::to_string(each.expires_ms);
        text += "}";
    }
    return text + (text.size() == 1 ? "]\n" : "\n]\n");
}

std::string expiry_text(std::int64_t expires_ms) {
    if (expires_ms == 0) return "never";
    const auto left = expires_ms - now_ms();
    if (left <= 0) return "expired";
    return "in " + std::to_string((left + 999) / 1000) + " s";
}

}  // namespace dunlin::program
