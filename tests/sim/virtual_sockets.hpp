// SPDX-License-Identifier: Apache-2.0
//
// Connections in virtual time: what ZeroMQ's sockets do, over a network that can do everything.
//
// A connection is a pair of ordered streams of messages, as TCP makes them: what arrives, arrives
// in order and once, until the connection ends. It ends because a side closes it or dies, because
// somebody cuts it in the middle, or because one side has heard nothing for so long that its
// heartbeat gives up; what was under way then is lost, from some point on. While a way is cut or a
// host is gone without a word, messages wait and nobody knows; messages of different connections
// overtake each other. With `quality.duplication` messages come twice, which TCP never does.
//
// Sockets are made by `virtual_zeromq.cpp`, which stands in for the library, and belong to the
// process that is `running` then. One world at a time on a thread; the same seed and calls give
// the same run.
#pragma once

#include "runtime/membership/random.hpp"
#include "tests/sim/script.hpp"
#include "tests/sim/virtual_network.hpp"
#include "tests/sim/virtual_time.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::sim {

using wire_id = std::uint32_t;
class virtual_sockets;
struct virtual_wire;

/// What sockets belong to, and what is killed and paused as a whole.
class virtual_process {
public:
    explicit virtual_process(host_id on) noexcept : host(on) {}
    virtual_process(const virtual_process&) = delete;
    virtual_process& operator=(const virtual_process&) = delete;
    /// A socket of it has news.
    virtual void news() = 0;

    const host_id host;
    bool dead = false;
    bool paused = false;
    std::uint64_t pauses = 0;

protected:
    ~virtual_process() = default;
};

struct socket_part {
    std::vector<std::byte> data;
    bool more = false;
    wire_id from = 0;
};

struct virtual_socket {
    enum class type : std::uint8_t { router, dealer, watcher };
    type what = type::dealer;
    virtual_process* owner = nullptr;
    void* context = nullptr;
    std::string listens_at;             // router
    std::string events_at;              // where it tells of its connections
    int events = 0;                     // which it tells
    virtual_socket* watcher = nullptr;  // who reads them
    std::deque<socket_part> inbox;
    std::vector<virtual_wire*> wires;
    virtual_wire* sending_to = nullptr;  // router: between the parts of a message
};

struct virtual_wire {
    struct packet {
        std::int64_t at_ns = 0;
        bool end = false;  // the other side is gone
        std::vector<std::byte> data;
    };
    struct side {
        virtual_socket* at = nullptr;  // null: knows that it is over, or is gone
        host_id host = 0;
        std::int64_t last_ns = 0;  // when what was sent to it last arrives
        std::deque<packet> coming;
    };
    wire_id id = 0;
    bool open = false;
    unsigned tries = 0;  // to open it
    std::string endpoint;
    side sides[2];  // the first one connects
};

class virtual_sockets final : private virtual_time::handler {
public:
    /// @pre there is no other on this thread.
    virtual_sockets(virtual_time& time, host_id hosts, std::uint64_t seed);
    ~virtual_sockets();
    /// Of this thread; null outside of a simulation.
    [[nodiscard]] static virtual_sockets* current() noexcept;

    link_quality quality;
    /// How long a side hears nothing before it gives its connection up.
    std::int64_t heartbeat_min_ns = 6'000'000'000;
    std::int64_t heartbeat_max_ns = 8'000'000'000;

    /// Messages that have arrived, for the curious.
    std::uint64_t delivered = 0;

    // -- faults ------------------------------------------------------------------------------
    enum class ending : std::uint8_t { silent, connections_close };
    /// The process is gone: its sockets have no effect any more. Of its own accord or not.
    void end(virtual_process& which, ending how);
    /// Something runs again on a host that ended in silence: its old connections are refused.
    void host_is_back(host_id which);
    /// Nothing gets from one host to the other until `mend`.
    void cut(host_id from, host_id to);
    void mend();
    [[nodiscard]] bool is_cut(host_id from, host_id to) const {
        return cuts_[index_of(from, to)] != 0;
    }
    void pause(virtual_process& which);
    void resume(virtual_process& which);
    /// Some connection breaks in the middle. @returns between whom, for a person.
    std::string break_one();
    [[nodiscard]] std::size_t open_wires() const;

    // -- for the library ---------------------------------------------------------------------
    /// Whose code runs now.
    virtual_process* running = nullptr;
    [[nodiscard]] virtual_socket* make(virtual_socket::type what, void* context);
    void close(virtual_socket& which);
    [[nodiscard]] bool listen(virtual_socket& at, std::string endpoint);
    void connect(virtual_socket& from, std::string endpoint);
    void watch(virtual_socket& watcher, const std::string& events_at);
    /// 0, or what the library says instead: EAGAIN, EHOSTUNREACH.
    [[nodiscard]] int send(virtual_socket& from, std::vector<std::byte> part, bool more);

private:
    /// Messages that one side may have unread before the other is told to wait.
    static constexpr std::size_t unread_max = 2000;

    [[nodiscard]] std::size_t index_of(host_id from, host_id to) const noexcept {
        return std::size_t{from} * hosts_ + to;
    }
    [[nodiscard]] bool unreachable(host_id from, host_id to) const {
        return gone_[to] || gone_[from] || is_cut(from, to);
    }
    [[nodiscard]] std::int64_t between(std::int64_t from_ns, std::int64_t to_ns) noexcept;
    [[nodiscard]] std::int64_t delay_ns() noexcept;
    [[nodiscard]] static unsigned side_of(const virtual_wire& wire, const virtual_socket& at);

    void handle(std::uint64_t what) override;
    void dial(virtual_wire& wire);
    void deliver(virtual_wire& wire, unsigned to);
    void post(virtual_wire& wire, unsigned to, bool end, std::vector<std::byte> data);
    void leave(virtual_wire& wire, unsigned side);
    void lose(virtual_wire& wire, unsigned side);
    void tell(virtual_socket& about, int event, wire_id which);
    void expect_silence(virtual_wire& wire, unsigned side, std::uint64_t cut);
    void watch_heartbeats(virtual_process& paused);

    virtual_time& time_;
    script script_;
    host_id hosts_;
    runtime::membership::seeded_random random_;
    std::vector<std::uint64_t> cuts_;  // the number of the cut; 0: none
    std::vector<bool> gone_;           // hosts that ended in silence
    std::uint64_t cuts_made_ = 0;
    std::vector<std::unique_ptr<virtual_wire>> wires_;
    std::vector<std::unique_ptr<virtual_socket>> sockets_;
    std::map<std::string, virtual_socket*> listening_;
};

/// Sockets that are made, and code that runs, while it lives are the process's.
class running_as {
public:
    running_as(virtual_sockets& world, virtual_process& who) noexcept
        : world_(world),
          before_(world.running) {
        world_.running = &who;
    }
    ~running_as() { world_.running = before_; }
    running_as(const running_as&) = delete;
    running_as& operator=(const running_as&) = delete;

private:
    virtual_sockets& world_;
    virtual_process* before_;
};

/// Has this program use the virtual library and clock: to be called once before the first socket.
void use_virtual_zeromq();

/// Makes `std::chrono::steady_clock` of this thread tell virtual time while it lives.
class virtual_steady_clock {
public:
    /// Starts at this time, since clocks that show zero look as if they had not started.
    static constexpr std::int64_t start_ns = 1'000'000'000'000;

    explicit virtual_steady_clock(const virtual_time& time) noexcept;
    ~virtual_steady_clock();
    virtual_steady_clock(const virtual_steady_clock&) = delete;
    virtual_steady_clock& operator=(const virtual_steady_clock&) = delete;
};

}  // namespace dunlin::sim
