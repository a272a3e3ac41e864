// SPDX-License-Identifier: Apache-2.0
//
// What the program's exit status says. Scripts rely on the numbers, so they never change their
// meaning; `--help` and docs/configuration.md list them.
#pragma once

namespace dunlin::program::exit_code {

inline constexpr int success = 0;
/// A call ended with an error, whatever its code; or a result could not be written.
inline constexpr int call_failed = 1;
/// A verb, an option, an input or a configuration that cannot be used; nothing was done.
inline constexpr int usage = 2;
/// No node answered at the endpoints given.
inline constexpr int unreachable = 3;
/// The node could not start: a module, a port, a limit of the machine.
inline constexpr int not_started = 4;
/// Ended by SIGINT or SIGTERM before the work was done.
inline constexpr int interrupted = 130;

}  // namespace dunlin::program::exit_code
