// SPDX-License-Identifier: Apache-2.0
#include "runtime/scale_book.hpp"

#include "actors/pool.hpp"

#include <string>
#include <utility>

namespace dunlin::runtime {
namespace {

bool is_own(std::string_view function) noexcept { return function.starts_with("dunlin/"); }

}  // namespace

void scale_book::use(scale_plan plan) {
    const std::lock_guard lock(mutex_);
    unsaid_ = {};
    if (!plan.empty()) unsaid_.activations = plan.begin()->second.activations;
    std::erase_if(plan, [&](const auto& each) { return each.second == unsaid_; });
    plan_ = std::move(plan);
}

actors::scale_settings scale_book::settings_of(std::string_view function) const {
    const std::lock_guard lock(mutex_);
    const auto found = plan_.find(function);
    if (found != plan_.end()) return found->second.settle().settings();
    return is_own(function) ? actors::scale_settings{} : unsaid_.settle().settings();
}

result<scale_change> scale_book::change(std::string_view function,
                                        const actors::scale_wishes& said) {
    const std::lock_guard lock(mutex_);
    auto layers = find(function);
    if (!layers) return std::move(layers.error());
    auto wanted = **layers;
    put_over(wanted.command, said);
    return take(function, **layers, wanted);
}

result<scale_change> scale_book::reset(std::string_view function) {
    const std::lock_guard lock(mutex_);
    auto layers = find(function);
    if (!layers) return std::move(layers.error());
    auto wanted = **layers;
    wanted.command = {};
    return take(function, **layers, wanted);
}

result<scale_layers*> scale_book::find(std::string_view function) {
    const auto found = plan_.find(function);
    if (found != plan_.end()) return &found->second;
    const bool known = functions_.find(function) != nullptr;
    if (known && !is_own(function))
        return &plan_.try_emplace(std::string(function), unsaid_).first->second;
    if (known)
        return error{errc::invalid_argument, std::string(function) +
                                                 " is the node's own function, which scales by "
                                                 "itself"};
    // Not `not_found`, which would say that there is no dunlin/scale.
    return error{errc::invalid_argument, functions_.unknown(function).detail};
}

result<scale_change> scale_book::take(std::string_view function, scale_layers& old,
                                      const scale_layers& wanted) {
    scale_change done{old.settle(), wanted.settle()};
    if (auto good = check(done.after); !good) return std::move(good.error());
    old = wanted;
    // The pool may start activations now, which calls do not wait for.
    if (done.after != done.before)
        if (auto* pool = functions_.find(function)) pool->set_scale(done.after.settings());
    return done;
}

}  // namespace dunlin::runtime
