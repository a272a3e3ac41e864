// SPDX-License-Identifier: Apache-2.0
//
// The part of a lane that knows of keys: who its peers are, what they may do, and what happens to
// those that may do nothing any more. None of it runs on a node without a key.
#include "runtime/lane/gathering.hpp"
#include "runtime/lane/lane.hpp"
#include "runtime/log.hpp"
#include "runtime/security/node_security.hpp"

#include <zmq.h>

#include <algorithm>

namespace dunlin::runtime {

namespace {

error denied(std::string detail) {
    error why{errc::permission_denied, std::move(detail)};
    why.did_not_run = true;
    return why;
}

}  // namespace

std::string_view lane::key_of(zmq::message_t& frame) {
    const auto* key = zmq_msg_gets(frame.handle(), "User-Id");
    return key == nullptr ? std::string_view() : std::string_view(key);
}

// Routing ids are free to choose once their last connection is gone, which may be before we heard
// of its end. Then this is somebody else, and has to say hello.
peer* lane::unless_another(peer& known, std::string_view key) {
    if (known.rights->key == key) return &known;
    counters_.impostors.add();
    if (const auto unsaid = said_.due("routing id " + std::string(key), now_ns_))
        log().warn("connection under the routing id of another",
                   {{"peer", known.name}, {"key", key}, {"unsaid", *unsaid}});
    remove(known, "its routing id has another connection");
    return nullptr;
}

result<std::unique_ptr<peer_rights>> lane::rights_of(const wire::hello& hello,
                                                     std::string_view key) {
    if (options_.security == nullptr) return std::unique_ptr<peer_rights>();
    const auto* granted = access_->find(key);
    if (granted == nullptr)
        return error{errc::unauthenticated, "the key of this connection is not allowed here"};
    if (hello.role == wire::peer_role::node && granted->as != role::node) {
        counters_.impostors.add();
        if (const auto unsaid = said_.due("node " + std::string(key), now_ns_))
            log().warn("a peer says that it is a node, refused", {{"role", to_string(granted->as)},
                                                                  {"peer", granted->name},
                                                                  {"key", key},
                                                                  {"unsaid", *unsaid}});
        return error{errc::unauthenticated, "the key \"" + granted->name + "\" is " +
                                                (granted->as == role::operator_ ? "an " : "a ") +
                                                std::string(to_string(granted->as)) +
                                                "'s: a node connects with the key that the nodes "
                                                "share"};
    }
    auto rights = std::make_unique<peer_rights>();
    rights->key = key;
    rights->set(*granted);
    return rights;
}

void lane::pretended(peer& from, std::uint64_t call_id, std::string_view what) {
    if (!from.rights) return;
    counters_.impostors.add();
    const auto& rights = *from.rights;
    if (const auto unsaid = said_.due(std::string(what) + rights.key, now_ns_))
        log().warn("a peer sends what it may not, refused",
                   {{"role", to_string(rights.granted->as)},
                    {"what", what},
                    {"peer", rights.granted->name},
                    {"key", rights.key},
                    {"unsaid", *unsaid}});
    outlet_.reply_error(
        from, call_id,
        denied("\"" + rights.granted->name + "\" may not send " + std::string(what)));
}

bool lane::may_call(peer& from, const wire::invoke& call, gathering& into) {
    auto& rights = *from.rights;
    if (from.role != wire::peer_role::node) {
        if ((call.flags & wire::invoke_flags::forwarded) != 0) {
            pretended(from, call.id, "a call that a node has sent on");
            return false;
        }
        if (call.origin != rights.origin_told && !owns_origin(rights, call.origin)) {
            pretended(from, call.id, "a call of an origin that is not its own");
            return false;
        }
    }
    if (into.judged.data() == nullptr || into.judged != call.function) {
        into.judged = call.function;
        into.permitted = rights.may_call(call.function);
    }
    if (into.permitted) return true;
    counters_.permission_denied.add();
    const bool own = call.function.starts_with("dunlin/");
    outlet_.reply_error(
        from, call.id,
        denied("\"" + rights.granted->name + "\" may not call " + std::string(call.function) +
               (own ? "; that takes a key with the role operator, or for what only reads "
                      "a pattern of its own"
                    : "; whoever runs the node can add the function to this key's "
                      "patterns in the allow-list")));
    return false;
}

// A connection belongs to one process, which has one origin.
bool lane::owns_origin(peer_rights& rights, std::uint64_t told) const {
    if (told == 0) return true;
    if (rights.origin_told != 0 || told == options_.instance) return false;
    if (view_ && view_->find(told) != nullptr) return false;
    rights.origin_told = told;
    rights.origin_sealed = options_.security->seal.origin_of(rights.key, told);
    return true;
}

void lane::take_access() {
    if (options_.security == nullptr) return;
    access_number_ = options_.security->board.number();  // before: it may be older than the access
    const auto before = std::exchange(access_, options_.security->board.newest());
    if (before == access_) return;
    std::vector<std::shared_ptr<const security::client_keys>> nodes{options_.security->keys};
    for (auto& other : access_->other_nodes())
        nodes.push_back(std::make_shared<const security::client_keys>(
            security::client_keys{options_.security->keys->own, std::move(other)}));
    links_.use_keys(std::move(nodes));
    std::vector<peer*> no_more;
    outlet_.peers().for_each([&](peer& each) {
        const auto* granted = access_->find(each.rights->key);
        if (granted == nullptr || (each.role == wire::peer_role::node && granted->as != role::node))
            return no_more.push_back(&each);
        each.rights->set(*granted);
        // It may call other functions now.
        if (each.wants_cluster && each.role != wire::peer_role::node) tell_catalog(each);
    });
    for (auto* each : no_more) expel(*each);
}

// Its connection ends a little later, when the peer can have read why.
void lane::expel(peer& who) {
    if (const auto unsaid = said_.due("expelled " + who.rights->key, now_ns_))
        log().warn("the key of a connected peer is not allowed any more", {{"peer", who.name},
                                                                           {"key", who.rights->key},
                                                                           {"calls", who.in_flight},
                                                                           {"unsaid", *unsaid}});
    counters_.peers_expelled.add();
    settle();
    for (auto* each : who.settled.take_all()) {
        auto& entry = *each;
        if (!entry.open()) continue;  // a repeat, which ended with the call it waited for
        const auto function = function_of(entry);
        answer_in_place(
            entry, errc::unavailable,
            "the key of this connection is not allowed any more; " + function + " may have run");
    }
    wire::append(who.out, wire::goaway{static_cast<std::int64_t>(errc::unauthenticated),
                                       "the key of this connection is not allowed any more"});
    outlet_.flush(who);
    keeper_.end_later(who);
    remove(who, "its key is not allowed any more");
}

}  // namespace dunlin::runtime
