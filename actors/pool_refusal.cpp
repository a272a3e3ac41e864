// SPDX-License-Identifier: Apache-2.0
//
// What calls are told that a pool does not run, and the records of it.
#include "actors/pool.hpp"

#include <string>

namespace dunlin::actors {
namespace {

std::int64_t milliseconds(std::int64_t ns) noexcept { return (ns + 999'999) / 1'000'000; }

std::string sentence(const admission_decision& why, const function_info& function,
                     std::size_t room_max) {
    switch (why.reason) {
        case admission_reason::full:
            return "the queue of " + function.name + " is full (" + std::to_string(room_max) +
                   " waiting)";
        case admission_reason::share:
            return "the queue of " + function.name +
                   " is full, and another caller has less than a fair share of it";
        case admission_reason::no_time:
            return "the call of " + function.name + " has less time than such calls take";
        case admission_reason::too_late:
            return "the call of " + function.name + " would wait for " +
                   std::to_string(milliseconds(why.wait_ns)) + " ms and end too late";
        default:
            return "the queue of " + function.name + " does not get shorter, and the call would " +
                   "wait in it for " + std::to_string(milliseconds(why.wait_ns)) + " ms";
    }
}

}  // namespace

error pool::refusal(const admission_decision& why, std::uint32_t calls) const {
    const bool had_been_taken =
        why.reason == admission_reason::share || why.reason == admission_reason::out_of_time;
    const auto hint_ns = why.retry_after_ns;
    const auto hint = hint_ns > 0 ? std::chrono::microseconds(hint_ns / 1000) : retry_after();
    const auto hint_ms = (hint.count() + 999) / 1000;
    error told{errc::overloaded,
               sentence(why, info_, queue_depth_max()) + "; try again in " +
                   std::to_string(hint_ms) + " ms",
               hint};
    if (why.reason == admission_reason::out_of_time)
        told = {errc::deadline_exceeded, "the deadline of " + info_.name +
                                             " could not be met any more when its turn came; it "
                                             "did not run"};
    told.did_not_run = true;
    if (decided_ == nullptr) return told;
    const auto now = status();
    const auto number =
        env_.decisions->add(*decided_, env_.time.now_ns(),
                            {.kind = had_been_taken ? decision_kind::shed : decision_kind::refuse,
                             .rule = to_string(why.reason),
                             .of = "calls",
                             .before = 0,
                             .after = calls,
                             .inputs = {{"queued", now.queued},
                                        {"queued_max", queue_depth_max()},
                                        {"busy", now.busy},
                                        {"wait_ms", static_cast<double>(why.wait_ns) / 1e6},
                                        {"limit_ms", static_cast<double>(why.limit_ns) / 1e6}}});
    told.detail += env_.decisions->reference(info_.name, number);
    return told;
}

}  // namespace dunlin::actors
