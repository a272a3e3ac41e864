// SPDX-License-Identifier: Apache-2.0
//
// A connection to a node that sends exactly what a test wants, right or wrong.
//
// A DEALER socket and the wire's reader and writer, nothing between: no retries, no deadlines, no
// reconnecting. Everything that arrives is kept, so a second answer to a call shows. Waiting has
// a limit, and a failure names what did not come. One thread.
#pragma once

#include "security/curve.hpp"
#include "tests/support/catch.hpp"
#include "wire/envelope.hpp"

#include <dunlin/codec.hpp>
#include <dunlin/result.hpp>

#include <nlohmann/json.hpp>
#include <zmq.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::testing {

/// The welcome's facts, copied.
struct welcomed {
    std::string node;
    std::uint64_t payload_bytes_max = 0;
    std::uint64_t in_flight_max = 0;
    std::vector<std::string> endpoints;
};

struct answered {
    bool ok = false;
    bytes payload;
    errc code = errc::unknown;
    std::string detail;
    std::uint64_t retry_after_us = 0;
    bool did_not_run = false;
    bool whole_node = false;

    /// "ok", or "code: detail".
    [[nodiscard]] std::string text() const {
        return ok ? "ok" : std::string(to_string(code)) + ": " + detail;
    }
    template <class T>
    [[nodiscard]] T value() const {
        return decode<T>(payload).value();
    }
};

/// Asks until it holds: each question takes its time. Fails, naming `what`, when that is too long.
template <class Holds, class... What>
void ask_until(Holds&& holds, const What&... what) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) {
        if (std::chrono::steady_clock::now() < end) continue;
        std::ostringstream text;
        (text << ... << what);
        FAIL("waited in vain for " << text.str());
    }
}

class raw_client {
public:
    enum class greeting : std::uint8_t {
        hello,
        none,
        cluster,  // a hello that asks for members, catalog and load
    };
    /// With a hello the welcome has arrived when this returns.
    explicit raw_client(const std::string& endpoint, greeting how = greeting::hello,
                        int receive_buffer = 1000);

    /// With keys, and perhaps under a routing id of its own choice.
    raw_client(const std::string& endpoint, const security::client_keys& keys,
               greeting how = greeting::hello, std::string_view routing_id = {});

    template <class... Envelopes>
    void send(const Envelopes&... envelopes) {
        wire::frame_buffer frame;
        (append(frame, envelopes), ...);
        send_frame(frame);
    }
    void send_frame(const wire::frame_buffer& frame) {
        send_bytes({reinterpret_cast<const char*>(frame.data), frame.size});
    }
    void send_bytes(std::string_view frame, zmq::send_flags flags = zmq::send_flags::none);

    /// From now on its calls stay with this node while that has room: they say that it was chosen.
    void chooses_node() noexcept { flags_ = wire::invoke_flags::chosen; }

    static constexpr std::uint64_t default_remaining_us = 20'000'000;
    /// Not sent yet; the client keeps its payload.
    template <class In>
    [[nodiscard]] wire::invoke make(std::string_view function, const In& in,
                                    std::uint64_t remaining_us = default_remaining_us) {
        return make_encoded(function, payloads_.emplace_back(encode(in)).view(), remaining_us);
    }
    [[nodiscard]] wire::invoke make_encoded(std::string_view function, bytes_view payload,
                                            std::uint64_t remaining_us = default_remaining_us);
    /// Sends one call. @returns its id.
    template <class In>
    std::uint64_t invoke(std::string_view function, const In& in,
                         std::uint64_t remaining_us = default_remaining_us) {
        const auto call = make(function, in, remaining_us);
        send(call);
        return call.id;
    }
    /// ... that belongs to a key.
    template <class In>
    std::uint64_t invoke_keyed(std::string_view function, std::string_view key, const In& in) {
        auto call = make(function, in);
        call.key = as_bytes(key);
        send(call);
        return call.id;
    }
    /// Sends equal calls in one frame. @returns their ids.
    template <class In>
    std::vector<std::uint64_t> invoke_many(std::string_view function, const In& in, int calls) {
        const auto payload = encode(in);
        wire::frame_buffer frame;
        std::vector<std::uint64_t> ids;
        for (int i = 0; i < calls; ++i) {
            const auto call = make_encoded(function, payload.view());
            append(frame, call);
            ids.push_back(call.id);
        }
        send_frame(frame);
        return ids;
    }
    /// Invokes and waits.
    template <class In>
    const answered& call(std::string_view function, const In& in,
                         std::uint64_t remaining_us = default_remaining_us) {
        return wait(invoke(function, in, remaining_us), function);
    }

    /// Waits for a call's answer. `what` is for the failure's text.
    const answered& wait(std::uint64_t id, std::string_view what);
    /// Reads until `arrived()`; fails, naming `what`, when that takes too long.
    void wait_until(const std::function<bool()>& arrived, std::string_view what);
    /// Waits for a pong, which follows all that the node sent before it.
    void barrier();

    [[nodiscard]] bool is_open(std::uint64_t id) const { return answers.find(id) == answers.end(); }
    /// `dunlin/stats`, and the entry of one function in `dunlin/functions`.
    [[nodiscard]] nlohmann::json stats();
    [[nodiscard]] nlohmann::json function(std::string_view name);
    /// What a function of the node without input says, as JSON.
    [[nodiscard]] nlohmann::json ask(std::string_view system_function);
    /// Asks `dunlin/nodes` until the states of these members are as given.
    void wait_for_members(const std::map<std::string, std::string>& states);
    /// Asks `dunlin/stats` until `figure` is at least `least`.
    void wait_for_stat(const std::string& figure, std::uint64_t least);
    /// ... until `reached` is true of it.
    void wait_for_stat(const std::string& figure,
                       const std::function<bool(std::uint64_t)>& reached);
    /// Waits, in the node, until an event has happened so many times.
    void await_event(const std::string& name, int count = 1);
    /// Asks `dunlin/functions` until no call of this function is queued or running.
    void wait_until_idle(const std::string& function_name);

    std::map<std::uint64_t, std::vector<answered>> answers;
    std::vector<answered> about_connection;  // failures with id 0
    std::vector<welcomed> welcomes;
    std::vector<answered> goaways;
    std::vector<std::uint64_t> cold_starts;  // calls that paid for one
    std::uint64_t pongs = 0;
    // Of a client that asked for the cluster.
    std::map<std::string, std::string> catalog;  // functions and the versions of their modules
    std::vector<std::string> catalog_places;     // the functions of the newest, in its order
    std::vector<wire::load_item> loads;
    /// How many of the frames that arrived had a load and a reply.
    std::size_t frames_with_load = 0;

private:
    void connect(const std::string& endpoint, greeting how);
    /// @returns false when nothing came in time.
    bool read(std::chrono::milliseconds timeout);
    void keep(const wire::frame_reader& reader);
    void keep_of_cluster(const wire::frame_reader& reader);

    bool wants_cluster_ = false;
    zmq::context_t context_{1};
    zmq::socket_t socket_{context_, zmq::socket_type::dealer};
    std::deque<bytes> payloads_;
    std::uint64_t ids_ = 0;
    std::uint32_t flags_ = 0;  // of calls
    std::uint64_t pings_ = 0;
};

}  // namespace dunlin::testing
