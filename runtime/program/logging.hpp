// SPDX-License-Identifier: Apache-2.0
//
// Where the node's log lines go: one line each on standard error, as text or as JSON.
//
// Standard output stays free for what programs read. Set up once, on the main thread, before
// anything logs; spdlog's default logger is safe from any thread afterwards. A thread that logs
// never blocks on the log's reader (log_writer.hpp).
#pragma once

#include "runtime/config/settings.hpp"

#include <chrono>

namespace dunlin::program {

/// Expects a level and a format that exist.
void set_up_logging(const runtime::log_options& options);

/// Waits until what was logged is written, before the process ends or something else is written to
/// standard error; false when that took longer. Does nothing where no log was set up. May be called
/// in the handler of a signal.
bool flush_log(std::chrono::milliseconds at_most) noexcept;

}  // namespace dunlin::program
