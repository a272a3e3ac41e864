// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/ordered_calls.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace dunlin::program {

ordered_calls::ordered_calls(client& through, std::string function, std::string key,
                             std::size_t window)
    : client_(through),
      function_(std::move(function)),
      key_(std::move(key)),
      slots_(window),
      fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

ordered_calls::~ordered_calls() { ::close(fd_); }

ordered_calls::slot& ordered_calls::claim(std::uint64_t tag) {
    auto& at = slots_[started_++ % slots_.size()];
    at.done.store(false, std::memory_order_relaxed);
    at.tag = tag;
    at.ticket = {};
    return at;
}

void ordered_calls::start(std::uint64_t tag, const any_value& input) {
    auto& at = claim(tag);
    at.ticket = client_.async_invoke<any_value>(
        function_, input, {.key = key_},
        [this, &at](result<any_value> reply) { finish(at, std::move(reply)); });
}

void ordered_calls::refuse(std::uint64_t tag, error why) {
    auto& at = claim(tag);
    at.reply = std::move(why);
    at.done.store(true, std::memory_order_relaxed);
}

// Sequentially consistent with `prepare_wait`: either the owner sees the outcome, or this sees
// the owner waiting.
void ordered_calls::finish(slot& at, result<any_value> reply) noexcept {
    at.reply = std::move(reply);
    at.done.store(true);
    if (!waiting_.exchange(false)) return;
    const std::uint64_t one = 1;
    (void)!::write(fd_, &one, sizeof one);
}

bool ordered_calls::take(outcome& next) {
    if (empty()) return false;
    auto& at = slots_[taken_ % slots_.size()];
    if (!at.done.load(std::memory_order_acquire)) return false;
    next.tag = at.tag;
    next.reply = std::exchange(at.reply, result<any_value>{});
    ++taken_;
    return true;
}

void ordered_calls::cancel() {
    for (auto i = taken_; i != started_; ++i) {
        auto& at = slots_[i % slots_.size()];
        if (!at.done.load(std::memory_order_acquire)) client_.cancel(at.ticket);
    }
}

bool ordered_calls::prepare_wait() noexcept {
    waiting_.store(true);
    return empty() || !slots_[taken_ % slots_.size()].done.load();
}

void ordered_calls::end_wait() noexcept {
    waiting_.store(false);
    std::uint64_t count = 0;
    (void)!::read(fd_, &count, sizeof count);
}

}  // namespace dunlin::program
