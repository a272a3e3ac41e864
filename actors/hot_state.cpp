// SPDX-License-Identifier: Apache-2.0
#include "actors/hot_state.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::actors {

hot_state::hot_state(options how, state_store* store, store_writer::complaint complain,
                     wall_clock_ms now_ms)
    : options_(std::move(how)),
      store_(store),
      complain_(std::move(complain)),
      now_ms_(now_ms) {}

hot_state::~hot_state() { end(); }

std::map<std::string, state_space::options> hot_state::spaces_of(
    const std::vector<const function_info*>& functions, const mode_table& modes) {
    std::map<std::string, state_space::options> wanted;
    for (const auto* each : functions) {
        if (!each->keyed()) continue;
        auto [found, fresh] = wanted.try_emplace(each->space);
        auto& space = found->second;
        if (fresh) space.mode = 0;
        space.name = each->space;
        if (space.type == nullptr) space.type = each->state;
        if (each->state_mode != 0) space.mode = each->state_mode;
    }
    for (auto& [name, space] : wanted) {
        // The operator's word counts before the author's.
        const auto said = modes.find(name);
        if (said != modes.end()) space.mode = said->second;
        if (space.mode == 0) space.mode = DUNLIN_STATE_DURABLE;
    }
    return wanted;
}

bool hot_state::needs_store(const std::vector<const function_info*>& functions,
                            const mode_table& modes) {
    const auto spaces = spaces_of(functions, modes);
    return std::any_of(spaces.begin(), spaces.end(),
                       [](const auto& each) { return is_stored(each.second); });
}

result<void> hot_state::open(const std::vector<const function_info*>& functions) {
    auto wanted = spaces_of(functions, options_.modes);
    const bool stored = std::any_of(wanted.begin(), wanted.end(),
                                    [](const auto& each) { return is_stored(each.second); });
    if (stored && store_->shared() && options_.steady_ns != nullptr) {
        auto rows = store_->open_space(owner_keeper::rows_name);
        if (!rows) return std::move(rows.error());
        owner_rows_ = *rows;
        lease_ = std::make_shared<node_lease>(options_.steady_ns);
    }
    for (auto& [name, space] : wanted) {
        space.waiting_max = options_.waiting_max;
        space.hash_seed = options_.hash_seed;
        space.bytes_max = options_.cache_bytes_max / wanted.size();
        if (is_stored(space)) {
            auto number = store_->open_space(name);
            if (!number) return std::move(number.error());
            space.number = *number;
        }
        auto& made = *spaces_.try_emplace(name, std::make_unique<state_space>(space, this, now_ms_))
                          .first->second;
        if (lease_ && is_stored(space)) made.share(std::make_shared<key_rights>(lease_));
    }
    return {};
}

void hot_state::start(owner_keeper::mover move, owner_keeper::offerer offer) {
    if (store_ == nullptr) return;
    if (lease_) {
        std::vector<key_handover> shared;
        for (const auto& [name, space] : spaces_)
            if (space->sharing() != nullptr) shared.emplace_back(*space);
        offers_ = std::make_shared<key_offers>(shared);
        keeper_ = std::make_unique<owner_keeper>(
            *store_, lease_, std::move(shared), offers_, std::move(move), std::move(offer),
            owner_keeper::options{options_.node, owner_rows_, now_ms_});
        keeper_->start();
    }
    reader_ = std::make_unique<store_reader>(*store_);
    writer_ = std::make_unique<store_writer>(*store_, options_.relaxed, complain_, [this] {
        if (!keeper_) return;
        // Nothing of this node goes on while its lease is over, so what waits here is in nobody's
        // way.
        const auto give_up_ns = lease_->now_ns() + owner_lease::lease_ns;
        while (lease_->is_over() && lease_->now_ns() < give_up_ns)
            if (!keeper_->renew()) return;
    });
}

void hot_state::seen(std::shared_ptr<const owner_view> view) {
    // Keys that go to others do so when they are stored.
    writer_->hurry();
    keeper_->seen(std::move(view));
}

state_space* hot_state::space_of(const function_info& function) const {
    return space(function.space);
}

state_space* hot_state::space(std::string_view name) const {
    const auto found = spaces_.find(name);
    return found == spaces_.end() ? nullptr : found->second.get();
}

// The reader first: what it brings may still change. They stay, because a function that has not
// returned may do so yet.
void hot_state::end() {
    if (offers_) offers_->end();
    if (reader_) reader_->end();
    if (writer_) writer_->end();
    if (keeper_) keeper_->end();
}

}  // namespace dunlin::actors
