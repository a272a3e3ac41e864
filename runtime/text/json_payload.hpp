// SPDX-License-Identifier: Apache-2.0
//
// Payloads as JSON: how people and scripts write what a function takes and read what it returns.
//
// JSON says less than msgpack, so three things need a convention. Bytes are an object with the
// one key "$bytes" and base64 in it, in both directions. A map whose keys are no text is given as
// {"$map": [[key, value], ...]}. A msgpack extension is shown as
// {"$extension": number, "$bytes": base64}. A map's key that is no text is shown as its JSON,
// and a number that is no number (NaN, infinities) as null. Text that is not UTF-8 gets U+FFFD
// where it is not. Fields keep their order on the way out.
//
// Both sides are bounded: values nested deeper than `reader::depth_max` are refused. Pure
// functions, safe from any thread.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <string>
#include <string_view>

namespace dunlin::runtime {

/// One msgpack value from one JSON text. The error says line and column.
[[nodiscard]] result<bytes> payload_from_json(std::string_view json);

enum class json_layout {
    one_line,
    indented,  // for a person: nested values on lines of their own
};

/// JSON from one msgpack value; an empty payload is null.
[[nodiscard]] result<std::string> json_from_payload(bytes_view payload,
                                                    json_layout layout = json_layout::one_line);

/// Appends `text` as a JSON string with its quotes.
void append_json_string(std::string& to, std::string_view text);

}  // namespace dunlin::runtime
