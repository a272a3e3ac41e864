// SPDX-License-Identifier: Apache-2.0
//
// The key of a call: the field of its input that the function's author named, or else what the
// caller gave. Pure; on the thread that decodes the call.
#pragma once

#include "actors/bundle.hpp"
#include "actors/function_info.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

namespace dunlin::actors {

/// In the payload, in `memory`, or what was given. An error is what the caller is told.
[[nodiscard]] result<bytes_view> key_of_call(const function_info& function, bytes_view payload,
                                             bytes_view given, frame_memory& memory);

}  // namespace dunlin::actors
