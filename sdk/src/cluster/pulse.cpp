// SPDX-License-Identifier: Apache-2.0
#include "cluster/pulse.hpp"

#include <algorithm>

namespace dunlin::cluster {

void pulse::moved(std::int64_t now_ns) noexcept {
    silent_since_ns_ = now_ns;
    pinged_ns_ = 0;
    doubted_ = false;
    late_ = false;
    if (listens_) next_ns_ = now_ns + bounds_.ping_after_ns;
}

pulse::verdict pulse::look(bool expects, std::int64_t now_ns) noexcept {
    // Who is late stays so until something is heard, or calls would be sent there anew as soon as
    // those before have been given up.
    if (!expects && !doubted_ && !late_) {
        listens_ = false;
        pinged_ns_ = 0;
        next_ns_ = never_ns;
        return verdict::well;
    }
    if (!listens_) {
        listens_ = true;
        silent_since_ns_ = now_ns;
    } else if (now_ns - next_ns_ > bounds_.slack_ns) {
        const auto missed_ns = now_ns - next_ns_;
        silent_since_ns_ += missed_ns;
        if (pinged_ns_ != 0) pinged_ns_ += missed_ns;
    }
    if (pinged_ns_ == 0) {
        const auto due_ns = silent_since_ns_ + bounds_.ping_after_ns;
        if (!doubted_ && now_ns < due_ns) {
            next_ns_ = due_ns;
            return verdict::well;
        }
        pinged_ns_ = now_ns;
        next_ns_ = now_ns + bounds_.late_after_ns;
        return verdict::ping;
    }
    auto end_ns = never_ns;
    if (bounds_.silence_max_ns > 0) end_ns = silent_since_ns_ + bounds_.silence_max_ns;
    if (bounds_.silence_max_ns > 0 && doubted_)
        end_ns = std::min(end_ns, pinged_ns_ + bounds_.doubt_max_ns);
    if (now_ns >= end_ns) {
        next_ns_ = now_ns;
        return verdict::silent;
    }
    const auto late_ns = pinged_ns_ + bounds_.late_after_ns;
    late_ = now_ns >= late_ns;
    next_ns_ = late_ ? end_ns : std::min(late_ns, end_ns);
    return late_ ? verdict::late : verdict::well;
}

}  // namespace dunlin::cluster
