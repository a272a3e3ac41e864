// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/neighbours.hpp"

#include <utility>

namespace dunlin::runtime {

void neighbours::carry(membership_driver& membership) {
    membership_ = &membership;
    links_.listen(membership);
    handshake_.use_membership(membership);
}

bool neighbours::send_gossip(std::uint64_t to, bytes_view message) {
    if (links_.send_gossip(to, message)) return true;
    peer* reached = nullptr;
    outlet_.peers().for_each([&](peer& each) {
        if (each.instance == to && each.gossips && !each.gone) reached = &each;
    });
    if (reached == nullptr) return false;
    outlet_.say(*reached, wire::gossip{message});
    return true;
}

void neighbours::changed(std::shared_ptr<const cluster_view> view) {
    view_ = std::move(view);
    loads_.set_alone(view_->members.size() < 2);
    links_.set_members(*view_, now_ns_);
    router_.set_view(view_, now_ns_);
    outlet_.peers().for_each([this](peer& each) {
        if (each.wants_cluster) handshake_.tell_members(each);
    });
}

void neighbours::gossiped(peer& from, bytes_view message) {
    if (membership_ == nullptr) return;
    if (!from.gossips) handshake_.begin_gossip(from);
    membership_->heard(from.instance, message);
}

void neighbours::told_load(const peer& from, wire::item_list items) {
    if (auto* link = links_.find(from.instance); link != nullptr)
        router_.loads(*link, items, now_ns_);
}

void neighbours::offer(key_offer moved) {
    if (unsent_.size() == offers_unsent_max) return;
    unsent_.push_back({std::move(moved), now_ns_ + offer_wait_ns});
    send_offers();
}

void neighbours::send_offers() {
    std::erase_if(unsent_, [this](const unsent_offer& each) {
        auto* link = links_.find(each.what.to);
        if (link == nullptr || each.until_ns <= now_ns_) return true;
        if (!link->live()) return false;
        std::vector<wire::key_item> keys;
        keys.reserve(each.what.keys.size());
        for (const auto& key : each.what.keys) keys.push_back({as_bytes(key)});
        wire::append(link->out, each.what.space, keys);
        links_.appended(*link);
        return true;
    });
}

void neighbours::found(std::vector<std::string> seeds) {
    if (membership_ != nullptr) membership_->seeds(std::move(seeds));
}

void neighbours::ask_to_drain() {
    if (membership_ != nullptr) membership_->ask_to_drain();
}

void neighbours::tend() {
    if (instance_ == 0) return;
    // Every turn: what was heard since may have brought the next timer nearer.
    if (membership_ != nullptr) membership_due_ns_ = membership_->advance(now_ns_);
    links_due_ns_ = std::min(links_.advance(now_ns_), router_.advance(now_ns_));
    if (!unsent_.empty()) send_offers();
    counters_.links_coming_up.set(links_.coming_up());
    counters_.members_seen.publish(view_ ? view_->members.size() : 0);
}

void neighbours::drain() {
    if (membership_ != nullptr) membership_->drain();
}

void neighbours::leave() {
    if (membership_ != nullptr) membership_->leave();
    links_.say_bye();
}

}  // namespace dunlin::runtime
