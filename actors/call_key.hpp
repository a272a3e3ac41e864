// SPDX-License-Identifier: Apache-2.0
//
// The key of a call: the field of its input that the function's author named, or else what the
// caller gave; and whether the call could ever have its turn there. Pure; any thread.
#pragma once

#include "actors/bundle.hpp"
#include "actors/environment.hpp"
#include "actors/function_info.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

namespace dunlin::actors {

/// In the payload, in `memory`, or what was given. An error is what the caller is told.
[[nodiscard]] result<bytes_view> key_of_call(const function_info& function, bytes_view payload,
                                             bytes_view given, frame_memory& memory);

/// The call comes from a function that has its turn at the same key, and keeps it until it is
/// answered: neither would ever go on. Only who calls directly is known.
[[nodiscard]] bool waits_for_caller(const function_info& function, bytes_view key,
                                    const callers_turn& by) noexcept;
[[nodiscard]] error would_wait(const function_info& function);

}  // namespace dunlin::actors
