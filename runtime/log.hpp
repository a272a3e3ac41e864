// SPDX-License-Identifier: Apache-2.0
//
// The runtime's log: a short sentence and `key=value` pairs, quiet at info.
//
// It is spdlog's default logger, which the program sets up before anything logs; safe from any
// thread. Payloads and keys never appear in it.
#pragma once

#include <spdlog/spdlog.h>

namespace dunlin::runtime {

[[nodiscard]] inline spdlog::logger& log() { return *spdlog::default_logger_raw(); }

}  // namespace dunlin::runtime
