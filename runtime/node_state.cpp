// SPDX-License-Identifier: Apache-2.0
#include "runtime/node_state.hpp"

#include "runtime/log.hpp"
#include "runtime/owned_keys.hpp"
#include "runtime/space_modes.hpp"
#include "runtime/store/open_store.hpp"

#include <chrono>
#include <utility>

namespace dunlin::runtime {

namespace {

using actors::decision;
using actors::decision_kind;

std::int64_t now_ns() noexcept {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

constexpr decision lost{.kind = decision_kind::lose,
                        .rule = "the store failed at a write or a read",
                        .of = "stores",
                        .before = 1,
                        .after = 0};
constexpr decision regained{.kind = decision_kind::regain,
                            .rule = "the store has done what it was asked for again",
                            .of = "stores",
                            .before = 0,
                            .after = 1};
constexpr decision stopped{.kind = decision_kind::stop,
                           .rule = "another member serves its space from another store",
                           .of = "spaces",
                           .before = 1,
                           .after = 0};
constexpr decision resumed{.kind = decision_kind::resume,
                           .rule = "no other member serves its space from another store any more",
                           .of = "spaces",
                           .before = 0,
                           .after = 1};

actors::hot_state::options options_of(const state_config& said, actors::hot_state::mode_table modes,
                                      std::uint64_t instance) {
    actors::hot_state::options options;
    options.cache_bytes_max = said.cache_bytes_max;
    options.waiting_max = said.waiting_max;
    options.relaxed.delay_ns_max =
        std::chrono::duration_cast<std::chrono::nanoseconds>(said.relaxed_delay_max).count();
    options.relaxed.bytes_max = said.relaxed_bytes_max;
    options.modes = std::move(modes);
    options.node = instance;
    options.steady_ns = &now_ns;
    return options;
}

}  // namespace

result<void> node_state::open(const std::vector<loaded_module>& modules, const node_config& config,
                              actors::call_router& router, actors::owner_keeper::offerer offer) {
    std::vector<const actors::function_info*> keyed;
    for (const auto& module : modules)
        for (const auto& function : module.functions)
            if (function.keyed()) keyed.push_back(&function);
    auto modes = modes_of(keyed, config.state);
    if (!modes) return std::move(modes.error());
    if (keyed.empty()) return {};
    asked_for_ = store_is_named(config);
    node_ = config.name;
    instance_ = config.instance;
    if (actors::hot_state::needs_store(keyed, *modes)) {
        auto opened = config.state.make_store ? config.state.make_store() : open_store(config);
        if (!opened) return std::move(opened.error());
        store_ = std::make_unique<watched_store>(std::move(*opened),
                                                 [this](const error* why) { store_changed(why); });
        place_ = state_place_of(config);
    }
    for (const auto* each : keyed) functions_.emplace(each->space, each->name);
    spaces_ = std::make_unique<actors::hot_state>(
        options_of(config.state, std::move(*modes), config.instance), store_.get(),
        [](const error& why) {
            log().debug("the store did not take what has changed", {{"why", why.detail}});
        },
        &actors::unix_ms);
    auto opened = spaces_->open(keyed);
    if (opened)
        spaces_->start(
            [&router](actors::key_turns::waiter&& call) {
                router.send_on(*call.of, std::move(call.call.work), call.call.index);
            },
            std::move(offer));
    return opened;
}

void node_state::store_changed(const error* why) const {
    if (why != nullptr)
        log().error("the store fails; calls that need it fail until it answers again",
                    {{"store", store_->describe()}, {"why", why->detail}});
    else
        log().warn("the store answers again", {{"store", store_->describe()}});
    for (const auto& [name, space] : spaces_->spaces())
        if (space->stored()) decided(name, why != nullptr ? lost : regained);
}

// A node that nobody has given a place for state may serve modules with state all the same, and
// nobody call them. But where others share a store it is one that was forgotten.
void node_state::unshared_changed(const std::string& space, const std::string& why) const {
    const bool loudly = asked_for_ || given_up_.contains(space);
    using level = event_log::level;
    if (!why.empty())
        log().line(loudly ? level::err : level::debug,
                   "calls that work with a space are refused on this node",
                   {{"space", space}, {"why", why}});
    else
        log().line(loudly ? level::warn : level::debug,
                   "calls that work with a space are taken again", {{"space", space}});
    decided(space, why.empty() ? resumed : stopped);
}

void node_state::decided(std::string_view space, const decision& what) const {
    const auto [first, last] = functions_.equal_range(space);
    for (auto at = first; at != last; ++at)
        decisions_.add(decisions_.series_of(at->second), now_ns(), what);
}

void node_state::seen(const cluster_view& view) {
    if (!spaces_) return;
    if (spaces_->shares()) spaces_->seen(owners_in(view, *spaces_, instance_));
    const auto described = store_ ? store_->describe() : std::string();
    refuse_unshared_spaces(
        *spaces_, {instance_, node_, described, shared_store()}, view, given_up_,
        [this](const std::string& space, const std::string& why) { unshared_changed(space, why); });
}

void node_state::end() const {
    if (!spaces_) return;
    spaces_->end();
    if (const auto keys = spaces_->unwritten(); keys != 0)
        log().error("changes of relaxed spaces are lost: the store has not taken them",
                    {{"store", store_->describe()}, {"keys", keys}});
}

}  // namespace dunlin::runtime
