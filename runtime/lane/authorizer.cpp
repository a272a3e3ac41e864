// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/authorizer.hpp"

#include "runtime/lane/gathering.hpp"
#include "runtime/log.hpp"

#include <zmq.h>

namespace dunlin::runtime {

namespace {

error denied(std::string detail) {
    error why{errc::permission_denied, std::move(detail)};
    why.did_not_run = true;
    return why;
}

}  // namespace

authorizer::authorizer(const node_security& security, std::uint64_t instance,
                       const std::shared_ptr<const cluster_view>& view, outlet& out,
                       lane_counters& counters, const std::int64_t& now_ns)
    : security_(security),
      instance_(instance),
      view_(view),
      outlet_(out),
      counters_(counters),
      now_ns_(now_ns),
      number_(security.board.number()),
      access_(security.board.newest()) {}

std::string_view authorizer::key_of(zmq::message_t& frame) {
    const auto* key = zmq_msg_gets(frame.handle(), "User-Id");
    return key == nullptr ? std::string_view() : std::string_view(key);
}

// Routing ids are free to choose once their last connection is gone, which may be before we heard
// of its end. Then this is somebody else, and has to say hello.
bool authorizer::is_another(const peer& known, std::string_view key) {
    if (known.rights->key == key) return false;
    counters_.impostors.add();
    if (const auto unsaid = said_.due("routing id " + std::string(key), now_ns_))
        log().warn("connection under the routing id of another",
                   {{"peer", known.name}, {"key", key}, {"unsaid", *unsaid}});
    return true;
}

result<std::unique_ptr<peer_rights>> authorizer::rights_of(const wire::hello& hello,
                                                           std::string_view key) {
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
    auto rights = std::make_unique<peer_rights>(std::string(key));
    rights->set(*granted);
    return rights;
}

void authorizer::pretended(peer& from, std::uint64_t call_id, std::string_view what) {
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

bool authorizer::may_call(peer& from, const wire::invoke& call, gathering& into) {
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

bool authorizer::within_quota(peer& from, std::uint64_t call_id) {
    if (from.shared == nullptr) return true;
    const auto& granted = *from.rights->granted;
    const auto verdict = from.shared->admit(granted.limits, now_ns_);
    from.place_taken = verdict.admitted();
    if (verdict.admitted()) return true;
    counters_.calls_beyond_quota.add();
    const auto why = beyond_quota(granted.name, granted.limits, verdict);
    if (const auto unsaid = from.shared->due(now_ns_))
        log().info("calls beyond the quota of their key, refused", {{"peer", granted.name},
                                                                    {"key", from.rights->key},
                                                                    {"why", why.detail},
                                                                    {"unsaid", *unsaid}});
    outlet_.reply_full(from, call_id, why);
    return false;
}

// A connection belongs to one process, which has one origin.
bool authorizer::owns_origin(peer_rights& rights, std::uint64_t told) const {
    if (told == 0) return true;
    if (rights.origin_told != 0 || told == instance_) return false;
    if (view_ && view_->find(told) != nullptr) return false;
    rights.origin_told = told;
    rights.origin_sealed = security_.seal.origin_of(rights.key, told);
    return true;
}

std::shared_ptr<const access> authorizer::renew() {
    number_ = security_.board.number();
    auto newest = security_.board.newest();
    if (newest == access_) return nullptr;
    return std::exchange(access_, std::move(newest));
}

bool authorizer::renew(peer& of) const {
    const auto* granted = access_->find(of.rights->key);
    if (granted == nullptr) return false;
    if (of.role == wire::peer_role::node && granted->as != role::node) return false;
    of.rights->set(*granted);
    of.count_by_rights();
    return true;
}

std::vector<std::shared_ptr<const security::client_keys>> authorizer::node_keys() const {
    std::vector<std::shared_ptr<const security::client_keys>> nodes{security_.keys};
    for (auto& other : access_->other_nodes())
        nodes.push_back(std::make_shared<const security::client_keys>(
            security::client_keys{security_.keys->own, std::move(other)}));
    return nodes;
}

void authorizer::note_expelled(const peer& who) {
    if (const auto unsaid = said_.due("expelled " + who.rights->key, now_ns_))
        log().warn("the key of a connected peer is not allowed any more", {{"peer", who.name},
                                                                           {"key", who.rights->key},
                                                                           {"calls", who.in_flight},
                                                                           {"unsaid", *unsaid}});
    counters_.peers_expelled.add();
}

}  // namespace dunlin::runtime
