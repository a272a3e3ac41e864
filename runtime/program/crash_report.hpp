// SPDX-License-Identifier: Apache-2.0
//
// What a crash of the process leaves behind: one line that names the function it happened in, and
// the stack.
//
// Modules run in the node's process, so a fault in one ends it, and without this nobody could tell
// which. A handler for the signals of faults and of abort() writes to standard error which
// function's code the thread was in, and then lets the signal do what it would have done: exit
// status and core file are as ever. It uses only what is safe in a handler, and a stack of its own,
// so that an overflow is told of too. For the program: a process that embeds a node decides for
// itself.
#pragma once

namespace dunlin::program {

/// Before any thread is made that may run functions. Overflows are told of by threads that have an
/// `actors::code_thread`, made from then on.
void report_crashes();

}  // namespace dunlin::program
