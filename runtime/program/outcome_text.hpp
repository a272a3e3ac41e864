// SPDX-License-Identifier: Apache-2.0
//
// How `dunlin invoke` prints what came of a call. Pure; any thread.
#pragma once

#include "runtime/program/any_value.hpp"
#include "runtime/program/ordered_calls.hpp"
#include "runtime/text/json_payload.hpp"

#include <dunlin/call_options.hpp>
#include <dunlin/result.hpp>

#include <string>
#include <string_view>

namespace dunlin::program {

enum class output_form {
    value,     // the result as JSON
    envelope,  // {"value": ..., "cold_start": false} or {"error": {...}}
    raw,       // text and bytes as they are, anything else as JSON
};

/// One result without a line end. With `output_form::envelope` it has what `info` says as well.
[[nodiscard]] result<std::string> print_value(const any_value& value, output_form form,
                                              runtime::json_layout layout, const call_info& info);

/// The result, or {"line": 3, "error": {"code": ..., "detail": ...}}, on one line. With
/// `output_form::envelope` results have their line number too. Sets `failed` on an error.
/// An error has the id of the call's trace, if it was made, as "request".
[[nodiscard]] std::string print_line(const ordered_calls::outcome& of, output_form form,
                                     bool& failed);

/// {"error": {"code": ..., "detail": ...}}
[[nodiscard]] std::string print_error(const error& why, std::string_view trace = {});

/// "failed: no more paper (request 4bf92f3577b34da6a3ce929d0e0e4736)": the nodes' logs have that
/// id.
[[nodiscard]] std::string error_sentence(const error& why, std::string_view trace);

}  // namespace dunlin::program
