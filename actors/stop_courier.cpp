// SPDX-License-Identifier: Apache-2.0
#include "actors/stop_courier.hpp"

#include "support/kept_capacity.hpp"

#include <iterator>
#include <utility>

namespace dunlin::actors {

bool stop_courier::take(stop_running stop) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return false;
        waiting_.push_back(std::move(stop));
        if (std::exchange(with_threads_, true)) return true;
    }
    // Not under the lock: this may wake a thread, which needs it.
    ref();  // theirs; they let go of it when nothing waits
    threads_.exec_later(this);
    return true;
}

void stop_courier::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
}

caf::resumable::resume_result stop_courier::resume(caf::execution_unit* /*unit*/,
                                                   std::size_t /*messages*/) {
    std::unique_lock lock(mutex_);
    auto next = std::move(waiting_[static_cast<std::size_t>(first_++)]);
    if (2 * first_ >= std::ssize(waiting_)) {  // so that each is moved once at most
        waiting_.erase(waiting_.begin(), waiting_.begin() + first_);
        first_ = 0;
        if (waiting_.empty()) support::give_back_growth(waiting_, support::empty_bytes_kept_each);
    }
    lock.unlock();
    activation::finish_stop(std::move(next));
    lock.lock();
    with_threads_ = !waiting_.empty();
    return with_threads_ ? resume_later : done;
}

}  // namespace dunlin::actors
