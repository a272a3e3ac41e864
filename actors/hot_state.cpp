// SPDX-License-Identifier: Apache-2.0
#include "actors/hot_state.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::actors {

hot_state::hot_state(options how, state_store* store, store_writer::complaint complain,
                     wall_clock_ms now_ms)
    : options_(how),
      store_(store),
      complain_(std::move(complain)),
      now_ms_(now_ms) {}

hot_state::~hot_state() { end(); }

std::map<std::string, state_space::options> hot_state::spaces_of(
    const std::vector<const function_info*>& functions) {
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
    for (auto& [name, space] : wanted)
        if (space.mode == 0) space.mode = DUNLIN_STATE_DURABLE;
    return wanted;
}

bool hot_state::needs_store(const std::vector<const function_info*>& functions) {
    const auto spaces = spaces_of(functions);
    return std::any_of(spaces.begin(), spaces.end(),
                       [](const auto& each) { return is_stored(each.second); });
}

result<void> hot_state::open(const std::vector<const function_info*>& functions) {
    auto wanted = spaces_of(functions);
    for (auto& [name, space] : wanted) {
        space.waiting_max = options_.waiting_max;
        space.bytes_max = options_.cache_bytes_max / wanted.size();
        if (is_stored(space)) {
            auto number = store_->open_space(name);
            if (!number) return std::move(number.error());
            space.number = *number;
        }
        spaces_.try_emplace(name, std::make_unique<state_space>(space, this, now_ms_));
    }
    return {};
}

void hot_state::start() {
    if (store_ == nullptr) return;
    reader_ = std::make_unique<store_reader>(*store_);
    writer_ = std::make_unique<store_writer>(*store_, complain_);
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
    if (reader_) reader_->end();
    if (writer_) writer_->end();
}

}  // namespace dunlin::actors
