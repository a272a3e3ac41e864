// SPDX-License-Identifier: Apache-2.0
//
// The module `sessions`: what runs in the node.
#include "folding.hpp"

#include <dunlin/function.hpp>

using namespace sessions;

static visitor show_visitor(dunlin::no_input, const visitor& kept) { return kept; }
static page show_page(dunlin::no_input, const page& kept) { return kept; }

// Idempotent, because a view that comes again is known by its place in the log.
DUNLIN_MODULE(sessions, m) {
    m.function("visit", fold_visitor)
        .keyed_by(&views::key)
        .space("sessions.visitors")
        .idempotent()
        .description("Folds views into the sessions of their visitor.");
    m.function("count", fold_page)
        .keyed_by(&views::key)
        .space("sessions.pages")
        .idempotent()
        .description("Folds views into the count of their page.");
    m.function("visitor", show_visitor)
        .space("sessions.visitors")
        .idempotent()
        .description("What is known of the visitor that is the call's key.");
    m.function("page", show_page)
        .space("sessions.pages")
        .idempotent()
        .description("What is known of the page that is the call's key.");
}
