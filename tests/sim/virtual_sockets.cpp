// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/virtual_sockets.hpp"

#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace dunlin::sim {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

// What an event is about: a message of a wire has come, at one of its sides, or one is to be
// connected.
enum class news : std::uint64_t { message, dialled };

std::uint64_t event_of(news what, const virtual_wire& wire, unsigned side) {
    return std::uint64_t{wire.id} << 8 | side << 4 | static_cast<std::uint64_t>(what);
}

thread_local virtual_sockets* current_world = nullptr;

}  // namespace

virtual_sockets::virtual_sockets(virtual_time& time, host_id hosts, std::uint64_t seed)
    : time_(time),
      script_(time),
      hosts_(hosts),
      random_(seed),
      cuts_(std::size_t{hosts} * hosts),
      gone_(hosts) {
    use_virtual_zeromq();
    current_world = this;
}

virtual_sockets::~virtual_sockets() { current_world = nullptr; }

virtual_sockets* virtual_sockets::current() noexcept { return current_world; }

std::int64_t virtual_sockets::between(std::int64_t from_ns, std::int64_t to_ns) noexcept {
    const auto span = static_cast<std::uint64_t>(std::max<std::int64_t>(to_ns - from_ns, 0)) + 1;
    return from_ns + static_cast<std::int64_t>(random_.draw() % span);
}

std::int64_t virtual_sockets::delay_ns() noexcept {
    auto delay = between(quality.delay_min_ns, quality.delay_max_ns);
    if (quality.straggling > 0 && random_.chance(quality.straggling))
        delay += between(0, quality.straggler_ns);
    return delay;
}

unsigned virtual_sockets::side_of(const virtual_wire& wire, const virtual_socket& at) {
    return wire.sides[0].at == &at ? 0 : 1;
}

// -- sockets --------------------------------------------------------------------------------------

virtual_socket* virtual_sockets::make(virtual_socket::type what, void* context) {
    auto& made = sockets_.emplace_back(std::make_unique<virtual_socket>());
    made->what = what;
    made->owner = running;
    made->context = context;
    return made.get();
}

void virtual_sockets::close(virtual_socket& which) {
    for (auto* wire : std::vector(which.wires)) leave(*wire, side_of(*wire, which));
    if (!which.listens_at.empty()) listening_.erase(which.listens_at);
    for (auto& each : sockets_)
        if (each->watcher == &which) each->watcher = nullptr;
    std::erase_if(sockets_, [&](const auto& each) { return each.get() == &which; });
}

bool virtual_sockets::listen(virtual_socket& at, std::string endpoint) {
    if (!listening_.emplace(endpoint, &at).second) return false;
    at.listens_at = std::move(endpoint);
    return true;
}

void virtual_sockets::watch(virtual_socket& watcher, const std::string& events_at) {
    for (auto& each : sockets_)
        if (each->context == watcher.context && each->events_at == events_at)
            each->watcher = &watcher;
}

void virtual_sockets::tell(virtual_socket& about, int event, wire_id which) {
    if (about.owner != nullptr) about.owner->news();
    if (about.watcher == nullptr || (about.events & event) == 0) return;
    socket_part head;
    head.data.resize(sizeof(std::uint16_t) + sizeof(std::int32_t));
    const auto what = static_cast<std::uint16_t>(event);
    const auto fd = static_cast<std::int32_t>(which);
    std::memcpy(head.data.data(), &what, sizeof what);
    std::memcpy(head.data.data() + sizeof what, &fd, sizeof fd);
    head.more = true;
    about.watcher->inbox.push_back(std::move(head));
    about.watcher->inbox.emplace_back();
}

// -- connections ----------------------------------------------------------------------------------

void virtual_sockets::connect(virtual_socket& from, std::string endpoint) {
    auto& wire = *wires_.emplace_back(std::make_unique<virtual_wire>());
    wire.id = static_cast<wire_id>(wires_.size());
    wire.endpoint = std::move(endpoint);
    wire.sides[0].at = &from;
    wire.sides[0].host = from.owner->host;
    from.wires.push_back(&wire);
    time_.at(time_.now_ns() + delay_ns(), *this, event_of(news::dialled, wire, 0));
}

void virtual_sockets::dial(virtual_wire& wire) {
    auto& dialler = wire.sides[0];
    if (dialler.at == nullptr || wire.open) return;
    // tcp://10.0.0.N:7440 is host N.
    const auto dot = wire.endpoint.rfind('.');
    wire.sides[1].host = static_cast<host_id>(std::stoul(wire.endpoint.substr(dot + 1)));
    const auto to = wire.sides[1].host;
    if (unreachable(dialler.host, to) || unreachable(to, dialler.host)) {
        // As TCP: after 1 s, 2 s, 4 s.
        const auto pause = second_ns << std::min(wire.tries++, 3u);
        return time_.at(time_.now_ns() + pause, *this, event_of(news::dialled, wire, 0));
    }
    const auto listener = listening_.find(wire.endpoint);
    if (listener == listening_.end()) {
        auto& socket = *dialler.at;
        leave(wire, 0);
        return tell(socket, ZMQ_EVENT_CLOSED, wire.id);
    }
    wire.open = true;
    wire.sides[1].at = listener->second;
    listener->second->wires.push_back(&wire);
    tell(*dialler.at, ZMQ_EVENT_CONNECTED, wire.id);
    // What was said before that.
    for (auto& each : wire.sides[1].coming) {
        each.at_ns = wire.sides[1].last_ns =
            std::max(wire.sides[1].last_ns + 1, time_.now_ns() + delay_ns());
        time_.at(each.at_ns, *this, event_of(news::message, wire, 1));
    }
}

int virtual_sockets::send(virtual_socket& from, std::vector<std::byte> part, bool more) {
    virtual_wire* wire = nullptr;
    if (from.what == virtual_socket::type::router && from.sending_to == nullptr) {
        // Its name is the number of its wire.
        wire_id which = 0;
        if (part.size() == sizeof which + 1) std::memcpy(&which, part.data() + 1, sizeof which);
        const auto found = std::find_if(from.wires.begin(), from.wires.end(),
                                        [&](const auto* each) { return each->id == which; });
        if (found == from.wires.end()) return EHOSTUNREACH;
        if ((*found)->sides[0].coming.size() >= unread_max) return EAGAIN;
        from.sending_to = *found;
        return 0;
    }
    if (from.what == virtual_socket::type::router) {
        wire = std::exchange(from.sending_to, nullptr);
    } else if (!from.wires.empty() && !more) {
        wire = from.wires.front();
    }
    if (wire == nullptr) return EAGAIN;
    post(*wire, 1 - side_of(*wire, from), false, std::move(part));
    return 0;
}

void virtual_sockets::post(virtual_wire& wire, unsigned to, bool end, std::vector<std::byte> data) {
    auto& side = wire.sides[to];
    const bool twice = !end && quality.duplication > 0 && random_.chance(quality.duplication);
    for (int copies = twice ? 2 : 1; copies > 0; --copies) {
        side.last_ns = std::max(side.last_ns + 1, time_.now_ns() + delay_ns());
        side.coming.push_back({side.last_ns, end, data});
        if (wire.open) time_.at(side.last_ns, *this, event_of(news::message, wire, to));
    }
}

void virtual_sockets::handle(std::uint64_t what) {
    auto& wire = *wires_[static_cast<std::size_t>(what >> 8) - 1];
    if (static_cast<news>(what & 0xf) == news::dialled) return dial(wire);
    deliver(wire, static_cast<unsigned>(what >> 4) & 1);
}

void virtual_sockets::deliver(virtual_wire& wire, unsigned to) {
    auto& side = wire.sides[to];
    if (unreachable(wire.sides[1 - to].host, side.host)) return;  // until it is mended
    while (!side.coming.empty() && side.coming.front().at_ns <= time_.now_ns()) {
        auto next = std::move(side.coming.front());
        side.coming.pop_front();
        if (side.at == nullptr) continue;
        if (next.end) {
            lose(wire, to);
            continue;
        }
        ++delivered;
        auto& socket = *side.at;
        if (socket.what == virtual_socket::type::router) {
            socket_part name;
            name.data.resize(sizeof wire.id + 1);
            std::memcpy(name.data.data() + 1, &wire.id, sizeof wire.id);
            name.more = true;
            name.from = wire.id;
            socket.inbox.push_back(std::move(name));
        }
        socket.inbox.push_back({std::move(next.data), false, wire.id});
        socket.owner->news();
    }
}

// The side is done with it; the other hears of it after all that was sent.
void virtual_sockets::leave(virtual_wire& wire, unsigned side) {
    auto* socket = std::exchange(wire.sides[side].at, nullptr);
    if (socket == nullptr) return;
    std::erase(socket->wires, &wire);
    if (socket->sending_to == &wire) socket->sending_to = nullptr;
    if (wire.open) post(wire, 1 - side, true, {});
}

// The side finds out that it is over.
void virtual_sockets::lose(virtual_wire& wire, unsigned side) {
    auto* socket = std::exchange(wire.sides[side].at, nullptr);
    if (socket == nullptr) return;
    std::erase(socket->wires, &wire);
    if (socket->sending_to == &wire) socket->sending_to = nullptr;
    // What has arrived and was not read yet may be lost with it.
    if (random_.chance(0.5))
        std::erase_if(socket->inbox, [&](const auto& each) { return each.from == wire.id; });
    tell(*socket, ZMQ_EVENT_DISCONNECTED, wire.id);
    if (wire.sides[1 - side].at != nullptr) post(wire, 1 - side, true, {});
}

// -- faults ---------------------------------------------------------------------------------------

void virtual_sockets::end(virtual_process& which, ending how) {
    which.dead = true;
    for (auto& each : sockets_) {
        if (each->owner != &which) continue;
        if (!each->listens_at.empty()) listening_.erase(std::exchange(each->listens_at, {}));
        each->watcher = nullptr;
        for (auto* wire : std::vector(each->wires)) {
            const auto side = side_of(*wire, *each);
            auto& other = wire->sides[1 - side];
            if (how == ending::connections_close) {
                // Some of what it sent last never left.
                while (!other.coming.empty() && random_.chance(0.3)) other.coming.pop_back();
                leave(*wire, side);
                continue;
            }
            wire->sides[side].at = nullptr;
            std::erase(each->wires, wire);
            other.coming.clear();
            script_.in(between(heartbeat_min_ns, heartbeat_max_ns),
                       [this, wire, side] { lose(*wire, 1 - side); });
        }
    }
    if (how == ending::silent) gone_[which.host] = true;
}

void virtual_sockets::host_is_back(host_id which) {
    if (!gone_[which]) return;
    gone_[which] = false;
    for (auto& wire : wires_) {
        for (unsigned side : {0u, 1u}) {
            if (!wire->open || wire->sides[1 - side].host != which) continue;
            if (wire->sides[1 - side].at == nullptr && wire->sides[side].at != nullptr)
                post(*wire, side, true, {});
        }
    }
}

void virtual_sockets::cut(host_id from, host_id to) {
    auto& cut = cuts_[index_of(from, to)];
    if (cut != 0) return;
    cut = ++cuts_made_;
    for (auto& wire : wires_) {
        if (!wire->open) continue;
        const bool there = wire->sides[0].host == from && wire->sides[1].host == to;
        const bool back = wire->sides[0].host == to && wire->sides[1].host == from;
        if (!there && !back) continue;
        expect_silence(*wire, 0, cut);
        expect_silence(*wire, 1, cut);
    }
}

void virtual_sockets::expect_silence(virtual_wire& wire, unsigned side, std::uint64_t cut) {
    script_.in(between(heartbeat_min_ns, heartbeat_max_ns), [this, &wire, side, cut] {
        const auto& ends = wire.sides;
        if (cuts_[index_of(ends[0].host, ends[1].host)] == cut ||
            cuts_[index_of(ends[1].host, ends[0].host)] == cut)
            lose(wire, side);
    });
}

void virtual_sockets::mend() {
    std::fill(cuts_.begin(), cuts_.end(), 0);
    for (auto& wire : wires_) {
        for (unsigned to : {0u, 1u}) {
            if (wire->sides[to].coming.empty() || !wire->open) continue;
            // Until the transport tries again; what follows waits for what went before.
            const auto at_ns = time_.now_ns() + between(0, 2 * second_ns);
            auto& side = wire->sides[to];
            for (auto& each : side.coming) {
                each.at_ns = std::max(each.at_ns, at_ns);
                time_.at(each.at_ns, *this, event_of(news::message, *wire, to));
            }
            side.last_ns = std::max(side.last_ns, at_ns);
        }
    }
}

void virtual_sockets::pause(virtual_process& which) {
    which.paused = true;
    ++which.pauses;
    watch_heartbeats(which);
}

void virtual_sockets::watch_heartbeats(virtual_process& paused) {
    for (auto& wire : wires_) {
        if (!wire->open) continue;
        for (unsigned side : {0u, 1u}) {
            const auto* socket = wire->sides[side].at;
            if (socket == nullptr || socket->owner != &paused) continue;
            script_.in(between(heartbeat_min_ns, heartbeat_max_ns),
                       [this, wire = wire.get(), side, pause = paused.pauses] {
                           const auto* at = wire->sides[side].at;
                           if (at == nullptr || !at->owner->paused || at->owner->pauses != pause)
                               return;
                           lose(*wire, 1 - side);
                           // Its own timers are over, too, when it goes on.
                           if (random_.chance(0.5)) lose(*wire, side);
                       });
        }
    }
}

void virtual_sockets::resume(virtual_process& which) {
    which.paused = false;
    which.news();
}

std::size_t virtual_sockets::open_wires() const {
    return static_cast<std::size_t>(
        std::count_if(wires_.begin(), wires_.end(), [](const auto& each) {
            return each->open && each->sides[0].at != nullptr && each->sides[1].at != nullptr;
        }));
}

std::string virtual_sockets::break_one() {
    const auto open = open_wires();
    if (open == 0) return {};
    auto left = random_.below(static_cast<std::uint32_t>(open));
    for (auto& wire : wires_) {
        if (!wire->open || wire->sides[0].at == nullptr || wire->sides[1].at == nullptr) continue;
        if (left-- != 0) continue;
        for (auto& side : wire->sides)
            while (!side.coming.empty() && random_.chance(0.7)) side.coming.pop_back();
        auto text = "host " + std::to_string(wire->sides[0].host) + " to host " +
                    std::to_string(wire->sides[1].host);
        post(*wire, 0, true, {});
        post(*wire, 1, true, {});
        return text;
    }
    return {};
}

}  // namespace dunlin::sim
