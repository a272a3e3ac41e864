// SPDX-License-Identifier: Apache-2.0
//
// The program `dunlin`: one verb, one file.
#include "runtime/program/bench_verb.hpp"
#include "runtime/program/command_line.hpp"
#include "runtime/program/completion_verb.hpp"
#include "runtime/program/drain_verb.hpp"
#include "runtime/program/explain_verb.hpp"
#include "runtime/program/functions_verb.hpp"
#include "runtime/program/invoke_verb.hpp"
#include "runtime/program/keygen_verb.hpp"
#include "runtime/program/node_verb.hpp"
#include "runtime/program/nodes_verb.hpp"
#include "runtime/program/scale_verb.hpp"
#include "runtime/program/simulate_verb.hpp"
#include "runtime/program/state_verb.hpp"
#include "runtime/program/top_verb.hpp"
#include "runtime/program/version_verb.hpp"
#include "support/block_cache.hpp"

#include <array>

int main(int argument_count, char** arguments) {
    using namespace dunlin::program;
    // Frames come and go all the time, and this process has nothing else to do.
    dunlin::support::keep_heap_between_frames();
    constexpr std::array<add_verb, 14> verbs{add_node,       add_invoke,  add_functions, add_nodes,
                                             add_top,        add_explain, add_scale,     add_state,
                                             add_drain,      add_bench,   add_simulate,  add_keygen,
                                             add_completion, add_version};
    return run_command_line(argument_count, arguments, verbs);
}
