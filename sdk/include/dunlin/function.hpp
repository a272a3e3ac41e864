// SPDX-License-Identifier: Apache-2.0
//
// The one include for authors of functions.
//
//     #include <dunlin/function.hpp>
//
//     struct page { std::string url; std::string text; DUNLIN_FIELDS(url, text) };
//
//     std::uint64_t count_words(const page& p);
//
//     DUNLIN_MODULE(text, m) {
//         m.function("count_words", count_words).idempotent();
//     }
//
// A function is plain C++: input in, output out. It may take its state, as `State&`, and
// `dunlin::context&`, return a `result`, throw, or be a coroutine (`dunlin::task`) that awaits
// calls and timers. Different calls of one function run on different threads at the same time: what
// they share is kept under keys, as state, and not outside.
#pragma once

#include <dunlin/codec.hpp>
#include <dunlin/context.hpp>
#include <dunlin/fields.hpp>
#include <dunlin/module.hpp>
#include <dunlin/result.hpp>
#include <dunlin/state.hpp>
#include <dunlin/task.hpp>
#include <dunlin/when_all.hpp>
