// SPDX-License-Identifier: Apache-2.0
#include <dunlin/context.hpp>

#include <limits>

namespace dunlin {

std::chrono::nanoseconds context::remaining() const {
    return std::chrono::nanoseconds(host_->remaining_ns(call_));
}

context::clock::time_point context::deadline() const {
    const auto left = remaining();
    const auto now = clock::now();
    if (left > clock::time_point::max() - now) return clock::time_point::max();
    return now + left;
}

std::stop_token context::stop_token() {
    if (stop_ == nullptr) {
        stop_ = std::make_unique<std::stop_source>();
        host_->set_stop_callback(
            call_, [](void* user) { static_cast<std::stop_source*>(user)->request_stop(); },
            stop_.get());
    }
    return stop_->get_token();
}

void context::release_stop() noexcept { host_->set_stop_callback(call_, nullptr, nullptr); }

void context::expire_after_ns(std::int64_t duration_ns) const {
    if (!detail::keeps_state(*host_)) throw call_error(detail::older_than_state());
    host_->expire_after(call_, duration_ns);
}

}  // namespace dunlin
