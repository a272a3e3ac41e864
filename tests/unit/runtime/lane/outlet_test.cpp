// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/outlet.hpp"

#include "client/connection.hpp"
#include "tests/support/actor_harness.hpp"
#include "tests/unit/runtime/lane/outlet_parts.hpp"

#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

constexpr std::size_t backlog_bytes_max = 64 << 10;

/// An outlet without a lane. Its peers are sockets of the same context: no thread is between.
struct lone_outlet : outlet_parts {
    std::map<std::string, zmq::socket_t> others;
    std::vector<std::string> removed;

    lone_outlet() : outlet_parts(backlog_bytes_max) { REQUIRE(socket.bind("inproc://outlet")); }

    peer& connect(const std::string& name) {
        others.emplace(name, greet(socket, "inproc://outlet", name));
        return add(name);
    }
    /// One that no socket has.
    peer& add(const std::string& name) {
        auto& added = out.peers().add(name);
        added.name = name;
        added.unsent = std::make_shared<unsent_frames>(replies);
        return added;
    }
    void reply(peer& to, std::uint64_t id, std::string_view text) {
        actors::output_buffer payload;
        payload.append(reinterpret_cast<const std::byte*>(text.data()), text.size());
        out.reply_value(to, id, nullptr, payload);
    }
    void flush_all() {
        out.flush_all([this](peer& gone, std::string_view) {
            removed.push_back(gone.name);
            out.forget(gone);
            out.peers().remove(gone);
        });
    }
    /// What the frames that have come tell, a line for each envelope: its kind and number.
    std::vector<std::vector<std::string>> frames_of(const std::string& name) {
        std::vector<std::vector<std::string>> all;
        zmq::message_t frame;
        while (others.at(name).recv(frame, zmq::recv_flags::dontwait)) {
            auto& told = all.emplace_back();
            for_each_envelope(view_of(frame), [&](const wire::frame_reader& reader) {
                switch (reader.kind()) {
                    case wire::kind::reply:
                        told.push_back("reply " + std::to_string(reader.reply().id));
                        break;
                    case wire::kind::failure:
                        told.push_back("failure " + std::to_string(reader.failure().id));
                        break;
                    case wire::kind::ping: told.push_back("ping"); break;
                    case wire::kind::goaway: told.push_back("goaway"); break;
                    default: told.push_back("other");
                }
            });
        }
        return all;
    }
};

using frames = std::vector<std::vector<std::string>>;

}  // namespace

TEST_CASE("the answers of a turn leave in one frame for each peer, in their order") {
    lone_outlet at;
    auto& first = at.connect("first");
    auto& second = at.connect("second");
    at.reply(first, 1, "one");
    at.reply(second, 2, "two");
    at.out.reply_error(first, 3, {errc::overloaded, "three"});
    CHECK(at.frames_of("first").empty());
    at.flush_all();
    CHECK(at.frames_of("first") == frames{{"reply 1", "failure 3"}});
    CHECK(at.frames_of("second") == frames{{"reply 2"}});
    CHECK(at.counters.frames_sent.get() == 2);
    CHECK(at.counters.replies_sent.get() == 2);
    CHECK(at.counters.failures_sent.get() == 1);
    at.flush_all();
    CHECK(at.counters.frames_sent.get() == 2);
}

TEST_CASE("very many answers do not wait for the end of the turn, nor do very large ones") {
    lone_outlet at;
    auto& to = at.connect("peer");
    for (std::uint64_t id = 1; id <= 256; ++id) at.reply(to, id, "x");
    CHECK(at.frames_of("peer").front().size() == 256);
    at.reply(to, 257, "small");
    at.reply(to, 258, std::string(8 << 10, 'x'));
    at.reply(to, 259, "small");
    CHECK(at.frames_of("peer") == frames{{"reply 257"}, {"reply 258"}});
    at.flush_all();
    CHECK(at.frames_of("peer") == frames{{"reply 259"}});
    // Some kilobytes of answers leave at the end of the frame that asked for them.
    for (std::uint64_t id = 1; id <= 4; ++id) at.reply(to, id, std::string(5 << 10, 'x'));
    CHECK(at.frames_of("peer").empty());
    at.out.flush_large();
    CHECK(at.frames_of("peer").size() == 1);
}

TEST_CASE("the memory of a large answer counts as kept until it has been written") {
    lone_outlet at;
    auto& to = at.connect("peer");
    at.reply(to, 1, std::string(100'000, 'x'));
    CHECK(at.replies.bytes_held() > 100'000);
    CHECK(at.frames_of("peer").size() == 1);
    CHECK(at.replies.bytes_held() == 0);
    CHECK(to.large_kept == 0);
}

TEST_CASE("another node's large reply goes on in the memory that it came in") {
    lone_outlet at;
    auto& to = at.connect("caller");
    const std::string text(20'000, 't');
    // As another node sends it, by its number for the call.
    const auto arrived = [&](std::uint64_t id) {
        wire::frame_buffer written;
        const auto mark = wire::begin_reply(written, id);
        written.append(as_bytes(text));
        wire::end_payload(written, mark);
        auto frame = std::make_shared<link::received_frame>();
        REQUIRE(zmq_msg_init_size(frame->message(), written.size) == 0);
        std::memcpy(zmq_msg_data(frame->message()), written.data, written.size);
        return frame;
    };
    const auto sent_on = [&](const std::shared_ptr<link::received_frame>& frame, std::uint64_t id) {
        const auto* end = frame->view().data() + frame->view().size();
        const auto payload = frame->view().last(text.size());
        at.out.reply_on(to, id, payload, frame);
        at.flush_all();
        zmq::message_t got;
        REQUIRE(at.others.at("caller").recv(got, zmq::recv_flags::dontwait));
        const auto sent = view_of(got);
        wire::frame_reader reader(sent);
        REQUIRE(reader.next() == wire::read_status::envelope);
        REQUIRE(reader.kind() == wire::kind::reply);
        CHECK(reader.reply().id == id);
        CHECK(as_text(reader.reply().payload) == text);
        CHECK(reader.next() == wire::read_status::end);
        return sent.data() + sent.size() == end;
    };
    CHECK(sent_on(arrived(std::uint64_t{1} << 40), 1));
    CHECK(sent_on(arrived(std::uint64_t{1} << 40), std::uint64_t{1} << 50));
    CHECK(sent_on(arrived(1), 2));
    CHECK_FALSE(sent_on(arrived(1), std::uint64_t{1} << 40));  // no room in front of it
    CHECK(at.replies.bytes_held() == 0);
}

TEST_CASE("a peer whose queue is full has a backlog, which goes first once there is room") {
    lone_outlet at;
    auto& to = at.connect("peer");
    std::uint64_t id = 0;
    while (!at.out.tries_again()) {
        at.reply(to, ++id, "x");
        at.flush_all();
    }
    at.reply(to, ++id, "x");
    at.flush_all();
    CHECK(to.backlog.size() == 2);
    CHECK(at.replies.bytes_held() == to.backlog_bytes);
    auto got = at.frames_of("peer");
    router_socket::arrival none;
    CHECK_FALSE(at.socket.receive(none));  // a look, with which ZeroMQ hears of the room
    at.flush_all();
    for (auto& each : at.frames_of("peer")) got.push_back(each);
    CHECK(to.backlog.empty());
    CHECK_FALSE(at.out.tries_again());
    CHECK(at.replies.bytes_held() == 0);
    REQUIRE(got.size() == id);
    CHECK(got[id - 2].front() == "reply " + std::to_string(id - 1));
    CHECK(got[id - 1].front() == "reply " + std::to_string(id));
}

TEST_CASE("a peer whose backlog reaches the limit is given up, and nobody else waits for it") {
    lone_outlet at;
    auto& slow = at.connect("slow");
    auto& other = at.connect("other");
    const std::string content(7 << 10, 'x');
    for (std::uint64_t id = 1; !slow.gone; ++id) {
        at.reply(slow, id, content);
        at.out.flush(slow);
    }
    CHECK(at.counters.peers_slow_dropped.get() == 1);
    CHECK(at.removed.empty());
    at.reply(other, 1, "x");
    at.flush_all();
    CHECK(at.removed == std::vector<std::string>{"slow"});
    CHECK(at.frames_of("other") == frames{{"reply 1"}});
    CHECK(at.replies.bytes_held() == 0);
    CHECK_FALSE(at.out.tries_again());
    CHECK(at.out.peers().size() == 1);
}

TEST_CASE("a peer that cannot be reached is removed at the end of the turn, once") {
    lone_outlet at;
    auto& gone = at.add("nobody");
    at.reply(gone, 1, "one");
    at.out.flush(gone);
    CHECK(gone.gone);
    at.reply(gone, 2, "two");
    CHECK(at.removed.empty());
    at.flush_all();
    CHECK(at.removed == std::vector<std::string>{"nobody"});
    CHECK(at.out.peers().size() == 0);
    CHECK(at.counters.answers_undeliverable.get() >= 1);
}

TEST_CASE(
    "a suspect is asked again and again, at growing pauses, until it answers or is found gone") {
    lone_outlet at;
    auto& there = at.connect("there");
    at.out.suspect(there);
    CHECK(at.out.tries_again());
    std::size_t asked = 0;
    for (int millisecond = 0; millisecond < 100; ++millisecond, at.now_ns += 1'000'000) {
        at.out.probe_suspects();
        at.flush_all();
        asked += at.frames_of("there").size();
    }
    CHECK(asked == 7);      // after 0, 1, 3, 7, 15, 31 and 63 ms
    there.probes_left = 0;  // as its pong says
    at.out.probe_suspects();
    CHECK_FALSE(at.out.tries_again());
    CHECK(at.removed.empty());

    at.out.suspect(at.add("gone"));
    at.out.probe_suspects();
    at.flush_all();
    CHECK(at.removed == std::vector<std::string>{"gone"});
    CHECK_FALSE(at.out.tries_again());
}

TEST_CASE("when all peers together keep too much, the connection that keeps most is ended") {
    lone_outlet at;
    reply_budget small(1 << 20);
    connection_table connections(small);
    outlet out(at.socket, connections, small, at.loads, at.counters, at.now_ns,
               {"n1", std::size_t{64} << 20});
    auto& little = connections.accepted(101, 0, 0);
    auto& much = connections.accepted(102, 0, 0);
    little.unsent->add(100'000);
    much.unsent->add(900'000);
    out.give_up_slowest();
    CHECK_FALSE(much.ended);
    much.unsent->add(100'000);
    out.give_up_slowest();
    CHECK(much.ended);
    CHECK_FALSE(little.ended);
    CHECK(at.counters.connections_ended.get() == 1);
    // What the ended one keeps is on its way back: nobody else has to go for it.
    out.give_up_slowest();
    CHECK_FALSE(little.ended);
}

TEST_CASE(
    "a peer hears of a function's load with its answers, once a frame, unless the node is alone") {
    testing::actor_harness harness;
    auto& pool = harness.make_pool(harness.function("a/b", [](testing::call_view) { return 0; }));
    auto& unknown =
        harness.make_pool(harness.function("a/c", [](testing::call_view) { return 0; }));
    std::int64_t now_ns = 0;
    load_reporter loads(now_ns);
    loads.use_catalog({&pool});
    peer to;
    to.wants_cluster = true;
    loads.note(to, &pool);
    CHECK(to.loads_due.empty());
    loads.set_alone(false);
    loads.note(to, nullptr);
    loads.note(to, &unknown);
    CHECK(to.loads_due.empty());
    loads.note(to, &pool);
    loads.note(to, &pool);
    CHECK(to.loads_due == std::vector<std::uint32_t>{0});
    loads.tell(to);
    CHECK(to.loads_due.empty());
    wire::frame_reader reader(to.out.view());
    REQUIRE(reader.next() == wire::read_status::envelope);
    CHECK(reader.kind() == wire::kind::load);
    CHECK(reader.next() == wire::read_status::end);
    // One that may not call the function was not told of it, and hears nothing of its load.
    to.places_told = {peer::not_told};
    loads.note(to, &pool);
    CHECK(to.loads_due.empty());
    to.places_told.clear();
    to.wants_cluster = false;
    loads.note(to, &pool);
    CHECK(to.loads_due.empty());
}
