// SPDX-License-Identifier: Apache-2.0
#include "actors/overdue_watch.hpp"

#include "actors/pool.hpp"

#include <vector>

namespace dunlin::actors {

bool overdue_watch::tend(std::int64_t now_ns) {
    ++look_;
    // What is found is told after the look: it may log, and threads that begin or end wait for
    // the list meanwhile.
    std::vector<code_seen> all;
    for_each_running([&](const code_seen& seen) { all.push_back(seen); });
    bool busy = false;
    for (auto& seen : all) {
        if (seen.function != nullptr && !mine_(seen.function)) seen.function = nullptr;
        busy = busy || seen.function != nullptr;
        judge(seen, now_ns);
    }
    // A thread that has ended has returned first.
    std::vector<std::uint64_t> ended;
    for (auto& [thread, each] : threads_)
        if (each.look != look_) ended.push_back(thread);
    for (const auto thread : ended) {
        judge({thread, nullptr, 0, 0}, now_ns);
        threads_.erase(thread);
    }
    return busy;
}

void overdue_watch::judge(const code_seen& seen, std::int64_t now_ns) {
    auto& [detector, look] = threads_[seen.thread];
    look = look_;
    const auto what = detector.observe(seen, now_ns);
    if (what == overdue_detector::change::none) return;
    auto* subject = detector.subject(what);
    subject->count_stuck(what == overdue_detector::change::overdue ? 1 : -1);
    told_(*subject, what, detector.held_ns(what, now_ns));
}

}  // namespace dunlin::actors
