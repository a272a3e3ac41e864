// SPDX-License-Identifier: Apache-2.0
//
// Without keys anybody may say that it is a node and gossip what it likes. What that must not do.
#include "runtime/membership/message_codec.hpp"
#include "runtime/membership/options.hpp"
#include "tests/cluster/cluster_harness.hpp"
#include "tests/support/reserved_port.hpp"
#include "tests/support/temporary_folder.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;
using dunlin::tests::reserved_port;
namespace membership = runtime::membership;

namespace {

constexpr std::uint64_t strangers_instance = 77;

membership::record_ptr record_of(std::uint64_t instance, const std::string& name,
                                 std::vector<std::string> endpoints) {
    auto record = std::make_shared<membership::member_record>();
    record->instance = instance;
    record->name = name;
    record->endpoints = std::move(endpoints);
    record->version = "0";
    return record;
}

// Says that it is a node of the cluster, and then whatever a test wants.
struct stranger {
    explicit stranger(const std::string& endpoint, const std::string& name = "stranger",
                      std::uint64_t instance = strangers_instance)
        : way(endpoint, raw_client::greeting::none) {
        // What it tells comes behind it; what it is told it does not read.
        way.send(hello_of_node(name, instance));
    }
    void tell(std::vector<membership::update> updates) {
        membership::message gossip;
        gossip.updates = std::move(updates);
        std::vector<std::byte> bytes;
        membership::encode(gossip, bytes);
        way.send(wire::gossip{bytes});
    }
    raw_client way;
};

nlohmann::json member(raw_client& asked, const std::string& name) {
    const auto nodes = asked.ask("dunlin/nodes");
    for (const auto& each : nodes)
        if (each.at("name") == name) return each;
    return nullptr;
}

// Long enough for whatever follows from what was said: members probe each other ten times a second.
void let_them_probe(raw_client& asked, std::uint64_t messages) {
    asked.wait_for_stat(
        "membership_messages_received",
        asked.stats().at("membership_messages_received").get<std::uint64_t>() + messages);
}

}  // namespace

TEST_CASE("a stranger cannot talk a node out of its cluster for good") {
    const auto first = start_node(member_settings("n1"));
    const auto second = start_node(member_settings("n2", {at(*first)}));
    wait_until_together({first.get(), second.get()});
    raw_client of_first(at(*first));
    raw_client of_second(at(*second));
    const auto victim = member(of_first, "n1");
    const auto record = record_of(victim.at("instance"), "n1", {at(*first)});

    // It is suspected in ever higher incarnations, so that its own may leave behind what others
    // believe ...
    stranger at_first(at(*first));
    for (std::uint32_t i = 1; i <= 8; ++i)
        at_first.tell({{membership::member_state::suspect, i * ((1u << 20) - 1), record, {}, 0}});
    of_first.wait_for_stat("membership_refutations", 1);
    // ... and then in the one that the other knows.
    stranger at_second(at(*second));
    const std::uint32_t known = member(of_second, "n1").at("incarnation");
    at_second.tell({{membership::member_state::suspect, known, record, {}, 0}});

    let_them_probe(of_second, 40);
    of_second.wait_for_members({{"n1", "alive"}, {"n2", "alive"}});
    of_first.wait_for_members({{"n1", "alive"}, {"n2", "alive"}});
    const std::uint64_t raised = member(of_first, "n1").at("incarnation");
    CHECK(raised <= (1u << 20) + 64);
    // They have the same of it, so what it says against the next suspicion is heard.
    ask_until(
        [&] {
            return member(of_second, "n1").at("incarnation") ==
                   member(of_first, "n1").at("incarnation");
        },
        "one incarnation");
}

TEST_CASE("a stranger's word that a member has left is not believed while it is there") {
    const auto first = start_node(member_settings("n1"));
    const auto second = start_node(member_settings("n2", {at(*first)}));
    wait_until_together({first.get(), second.get()});
    raw_client of_first(at(*first));
    const auto victim = member(of_first, "n2");
    stranger liar(at(*first));
    for (int i = 0; i < 20; ++i) {
        const std::uint32_t known = member(of_first, "n2").at("incarnation");
        liar.tell({{membership::member_state::left,
                    known,
                    record_of(victim.at("instance"), "n2", {at(*second)}),
                    {},
                    0}});
        const std::string state = member(of_first, "n2").at("state");
        CHECK((state == "alive" || state == "suspect"));
    }
    let_them_probe(of_first, 20);
    of_first.wait_for_members({{"n1", "alive"}, {"n2", "alive"}});
    CHECK(of_first.stats().at("members_died") == 0);
}

TEST_CASE("a node connects to nothing that is no TCP address, whatever a stranger names") {
    const tests::temporary_folder folder;
    const auto path = folder.file("socket");
    const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    REQUIRE(listening >= 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::strcpy(address.sun_path, path.c_str());
    REQUIRE(::bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listening, 8) == 0);

    const auto node = start_node(member_settings("n1"));
    stranger liar(at(*node));
    liar.tell(
        {{membership::member_state::alive, 1, record_of(500, "local", {"ipc://" + path}), {}, 0},
         {membership::member_state::alive, 1, record_of(501, "inside", {"inproc://x"}), {}, 0},
         {membership::member_state::alive, 1, record_of(502, "odd", {"tcp://"}), {}, 0}});
    raw_client client(at(*node));
    // Until they are dead, it has had every reason to try.
    client.wait_for_stat("members_died", 3);
    CHECK(::accept(listening, nullptr, nullptr) == -1);
    CHECK(errno == EAGAIN);
    ::close(listening);
    CHECK(client.call("bench/echo", 1).ok);
}

TEST_CASE("members that a stranger makes up are few at a time, and gone soon") {
    const reserved_port nobody;
    const auto node = start_node(member_settings("n1"));
    raw_client client(at(*node));
    stranger liar(at(*node));
    std::uint64_t instance = 1000;
    for (int part = 0; part < 20; ++part) {
        std::vector<membership::update> updates;
        for (int i = 0; i < 100; ++i, ++instance)
            updates.push_back(
                {membership::member_state::alive,
                 1,
                 record_of(instance, "fake-" + std::to_string(instance), {nobody.endpoint()}),
                 {},
                 0});
        liar.tell(std::move(updates));
    }
    client.wait_for_stat("members", 100);
    CHECK(client.stats().at("members") <= 1 + membership::options().unreached_max);
    CHECK(client.call("bench/echo", 1).ok);
    client.wait_for_stat("members", [](std::uint64_t members) { return members == 1; });
    CHECK(client.call("bench/echo", 2).ok);
}

TEST_CASE("a node without a name or an instance is refused, and told what is missing") {
    const auto node = start_node(member_settings("n1"));
    const auto refusal = [&](std::string_view name, std::uint64_t instance) {
        raw_client nameless(at(*node), raw_client::greeting::none);
        nameless.send(hello_of_node(name, instance));
        nameless.wait_until([&] { return !nameless.goaways.empty(); }, "a goaway");
        return nameless.goaways.front().text();
    };
    CHECK(refusal("", 7) == "unauthenticated: a node tells its name, this one told none");
    CHECK(refusal("x", 0) == "unauthenticated: a node tells its instance, this one told none");
}

TEST_CASE("lists of members come in frames that keep to the smallest limit") {
    auto config = member_settings("n1");
    config.payload_bytes_max = 1024;
    const auto node = start_node(config);
    stranger talkative(at(*node));
    // As long as a record may be.
    constexpr std::uint64_t made_up = 100;
    for (std::uint64_t i = 0; i < made_up; ++i) {
        std::vector<std::string> endpoints;
        for (int lane = 0; lane < 64; ++lane) {
            std::string host(200, 'h');
            endpoints.push_back("tcp://" + host + "-" + std::to_string(i) +
                                ".invalid:" + std::to_string(1000 + lane));
        }
        talkative.tell({{membership::member_state::alive,
                         1,
                         record_of(1000 + i, "long-" + std::to_string(i), endpoints),
                         {},
                         0}});
    }
    zmq::context_t context{1};
    zmq::socket_t dealer(context, zmq::socket_type::dealer);
    dealer.set(zmq::sockopt::linger, 0);
    dealer.set(zmq::sockopt::rcvtimeo, 20'000);
    dealer.connect(at(*node));
    wire::frame_buffer frame;
    wire::append(frame, wire::hello{.features = wire::features::cluster, .name = "reader"});
    dealer.send(zmq::buffer(frame.data, frame.size), zmq::send_flags::none);
    std::size_t longest = 0;
    std::size_t most = 0;
    // Until it has had a long list whole; changes are told as they come.
    bool complete = false;
    while (!complete) {
        zmq::message_t got;
        REQUIRE(dealer.recv(got));
        longest = std::max(longest, got.size());
        wire::frame_reader reader({static_cast<const std::byte*>(got.data()), got.size()});
        while (reader.next() == wire::read_status::envelope) {
            if (reader.kind() != wire::kind::members) continue;
            const auto list = reader.items();
            most = std::max<std::size_t>(most, list.part.total);
            complete =
                list.part.total > made_up / 2 && list.part.first + list.count == list.part.total;
        }
    }
    CHECK(most > made_up / 2);
    CHECK(longest > 0);
    CHECK(longest <= 256u << 10);
}

TEST_CASE("a node that starts again at once with an earlier clock is whole again at once") {
    const reserved_port port;
    const auto first = start_node(member_settings("n1"));
    raw_client client(at(*first));
    {
        stranger former(at(*first), "n2", std::uint64_t{1} << 62);
        former.tell({{membership::member_state::alive,
                      1,
                      record_of(std::uint64_t{1} << 62, "n2", {port.endpoint()}),
                      {},
                      0}});
        client.wait_for_stat("members", 2);
    }
    auto config = member_settings("n2", {at(*first)});
    config.listen = port.endpoint();
    config.instance = 5000;
    const auto again = start_node(config);
    raw_client of_again(at(*again));
    ask_until(
        [&] {
            const auto nodes = client.ask("dunlin/nodes");
            return std::any_of(nodes.begin(), nodes.end(), [](const auto& each) {
                return each.at("instance") == 5000 && each.at("state") == "alive";
            });
        },
        "the new start of n2");
    let_them_probe(client, 20);
    // The former start died, and nobody else did, not even for a moment.
    CHECK(client.stats().at("members_died") <= 1);
    CHECK(of_again.stats().at("membership_refutations") <= 2);
    CHECK(client.stats().at("members") == 2);
}

TEST_CASE("a node that was joined is not connected to again because it calls itself otherwise") {
    const reserved_port port;
    auto config = member_settings("n1", {port.endpoint()});
    config.advertise = "localhost";
    config.join_timeout = std::chrono::milliseconds(1);
    const auto first = start_node(config);
    config = member_settings("n2", {at(*first)});
    config.listen = port.endpoint();
    config.advertise = "localhost";
    const auto second = start_node(config);
    wait_until_together({first.get(), second.get()});
    raw_client of_first(at(*first));
    raw_client of_second(at(*second));
    let_them_probe(of_first, 10);
    const auto before = of_first.stats().at("peers_connected").get<std::uint64_t>() +
                        of_second.stats().at("peers_connected").get<std::uint64_t>();
    // Seeds are tried twice a second.
    let_them_probe(of_first, 40);
    CHECK(of_first.stats().at("peers_connected").get<std::uint64_t>() +
              of_second.stats().at("peers_connected").get<std::uint64_t>() ==
          before);
    // Names are good for calls, too.
    CHECK(of_first.call("bench/echo", 1).ok);
}

TEST_CASE("what a node alone shows of itself follows what it had to contradict") {
    const auto node = start_node(member_settings("n1"));
    raw_client client(at(*node));
    stranger liar(at(*node));
    const auto record = record_of(member(client, "n1").at("instance"), "n1", {at(*node)});
    for (std::uint32_t i = 1; i <= 5; ++i)
        liar.tell({{membership::member_state::dead, i, record, {}, 0}});
    ask_until([&] { return member(client, "n1").at("incarnation") == 6; }, "its incarnation");
}
