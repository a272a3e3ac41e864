// SPDX-License-Identifier: Apache-2.0
#include "runtime/link/function_route.hpp"

#include "actors/pool.hpp"
#include "cluster/rendezvous.hpp"
#include "cluster/served_set.hpp"
#include "runtime/link/peer_link.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::runtime {

function_route::function_route(std::string function, actors::pool* own, std::string_view node,
                               std::uint64_t seed)
    : name(std::move(function)),
      pool(own),
      owned_as(cluster::owned_name(name, own == nullptr ? std::string_view() : own->info().space)),
      key_field(own == nullptr ? std::string() : own->info().key_field),
      candidates(1),
      links(1, nullptr),
      open(1, own != nullptr),
      late(1, false),
      health(1, seed),
      warm(name),
      idempotent(own == nullptr || own->info().idempotent()) {
    candidates[own_place].local = true;
    if (pool == nullptr) candidates[own_place].now = cluster::standing::barred;
    warm.add(own_place, cluster::name_hash(node));
}

std::uint32_t function_route::add(peer_link& link, bool idempotent_there, std::int64_t now_ns) {
    std::uint32_t place = own_place + 1;
    while (place < links.size() && links[place] != nullptr) ++place;
    if (place == links.size()) {
        links.push_back(nullptr);
        candidates.emplace_back();
        open.push_back(false);
        late.push_back(false);
        health.resize(links.size());
    }
    health.forget(place);
    links[place] = &link;
    open[place] = false;
    late[place] = false;
    candidates[place] = {};
    candidates[place].now = cluster::standing::barred;
    candidates[place].reported_at_ns = now_ns;
    warm.add(place, cluster::name_hash(link.name));
    idempotent = idempotent && idempotent_there;
    ++others;
    return place;
}

void function_route::learn_keys(const std::string& field, const std::string& space) {
    if (pool != nullptr) return;
    key_field = field;
    owned_as = cluster::owned_name(name, space);
}

void function_route::remove(std::uint32_t place) noexcept {
    links[place] = nullptr;
    open[place] = false;
    candidates[place].now = cluster::standing::barred;
    warm.remove(place);
    --others;
}

void function_route::refresh_standings(std::int64_t now_ns) noexcept {
    candidates[own_place].now =
        open[own_place] ? cluster::standing::usable : cluster::standing::barred;
    for (std::size_t place = own_place + 1; place < links.size(); ++place) {
        // A place that is open has a link.
        candidates[place].now = !open[place] ? cluster::standing::barred
                                : late[place] || !links[place]->full.over(now_ns)
                                    ? cluster::standing::avoided
                                    : health.at(place, now_ns);
    }
}

void function_route::bar_unheard_since(std::int64_t then_ns) noexcept {
    for (std::size_t place = own_place + 1; place < links.size(); ++place)
        if (candidates[place].reported_at_ns <= then_ns)
            candidates[place].now = cluster::standing::barred;
}

}  // namespace dunlin::runtime
