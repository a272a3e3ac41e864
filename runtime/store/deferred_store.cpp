// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/deferred_store.hpp"

#include <utility>

namespace dunlin::runtime {

result<actors::state_store*> deferred_store::opened() {
    const std::lock_guard lock(mutex_);
    if (store_) return store_.get();
    const auto now = std::chrono::steady_clock::now();
    if (now < again_) return error(failed_);
    again_ = now + pause;
    auto made = open_();
    if (!made) {
        failed_ = made.error();
        return std::move(made.error());
    }
    std::vector<std::uint32_t> numbers;
    for (const auto& each : spaces_) {
        auto number = (*made)->open_space(each);
        if (!number) {
            failed_ = number.error();
            return std::move(number.error());
        }
        numbers.push_back(*number);
    }
    numbers_ = std::move(numbers);
    store_ = std::move(*made);
    return store_.get();
}

// All spaces are named before the first call comes.
result<std::uint32_t> deferred_store::open_space(std::string_view name) {
    const std::lock_guard lock(mutex_);
    spaces_.emplace_back(name);
    return static_cast<std::uint32_t>(spaces_.size() - 1);
}

// The numbers are the caller's again afterwards, who may ask about the same keys next.
template <class Requests, class Call>
result<void> deferred_store::numbered(Requests& all, Call&& call) {
    std::vector<std::uint32_t> own;
    own.reserve(all.size());
    for (auto& each : all) {
        own.push_back(each.space);
        each.space = numbers_[each.space];
    }
    auto done = call();
    for (std::size_t i = 0; i < own.size(); ++i) all[i].space = own[i];
    return done;
}

result<void> deferred_store::write(std::span<actors::state_write> batch) {
    auto store = opened();
    if (!store) return std::move(store.error());
    return numbered(batch, [&] { return (*store)->write(batch); });
}

result<void> deferred_store::read(std::span<actors::state_read> wanted) {
    auto store = opened();
    if (!store) return std::move(store.error());
    return numbered(wanted, [&] { return (*store)->read(wanted); });
}

result<std::vector<actors::listed_state>> deferred_store::list(std::uint32_t space,
                                                               std::string_view prefix,
                                                               std::string_view after,
                                                               std::size_t count_max) {
    auto store = opened();
    if (!store) return std::move(store.error());
    return (*store)->list(numbers_[space], prefix, after, count_max);
}

}  // namespace dunlin::runtime
