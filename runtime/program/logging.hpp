// SPDX-License-Identifier: Apache-2.0
//
// Where the node's log lines go: one line each on standard error, as text or as JSON.
//
// Standard output stays free for what programs read. Set up once, on the main thread, before
// anything logs; spdlog's default logger is safe from any thread afterwards.
#pragma once

#include "runtime/config/settings.hpp"

namespace dunlin::program {

/// Expects a level and a format that exist.
void set_up_logging(const runtime::log_options& options);

}  // namespace dunlin::program
