// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/routing_id_probe.hpp"

#include "tests/support/catch.hpp"

using namespace dunlin::runtime;

namespace {

struct probed {
    router_socket router{{.frame_bytes_accepted = 1 << 20}};
    routing_id_probe probe{router};
    std::int64_t now_ns = 1'000'000'000;

    /// Asks and reads the answer. @returns the number that it got.
    std::uint32_t ask(std::size_t& claims) {
        now_ns += 10'000'000;
        CHECK(probe.ask(0, now_ns) == routing_id_probe::never_ns);
        router_socket::arrival question;
        REQUIRE(router.receive(question));
        const auto id = question.routing_id.to_string();
        REQUIRE(probe.is_question(id, question.frame, claims));
        return routing_id_count::number_of(id).value();
    }
};

}  // namespace

TEST_CASE("a probe learns how far the count of routing ids is, by a frame that only it knows") {
    probed at;
    std::size_t claims = 0;
    CHECK_FALSE(at.probe.started());
    const auto first = at.ask(claims);
    CHECK(at.probe.started());
    CHECK(at.ask(claims) == first + 1);
    CHECK(claims == 0);
    CHECK(at.probe.is_claim(routing_id_count::id_of(first + 2)));
    at.probe.accepted();  // it may have got the next number
    CHECK_FALSE(at.probe.is_claim(routing_id_count::id_of(first + 2)));
    CHECK_FALSE(at.probe.is_claim("a name"));
    // The same bytes are no question while none is asked.
    std::size_t none = 0;
    CHECK_FALSE(at.probe.is_question("peer", zmq::message_t(16), none));
}

TEST_CASE("ids that ZeroMQ would give out next show when they are taken") {
    probed at;
    std::size_t claims = 0;
    const auto number = at.ask(claims);
    zmq::socket_t claimer(at.router.context(), zmq::socket_type::dealer);
    claimer.set(zmq::sockopt::linger, 0);
    claimer.set(zmq::sockopt::routing_id, routing_id_count::id_of(number + 40));
    REQUIRE(at.router.bind("inproc://router"));
    claimer.connect("inproc://router");
    CHECK(at.ask(claims) == number + 1);
    CHECK(claims == 1);
}

TEST_CASE("connections that come one after the other are asked about together") {
    probed at;
    CHECK(at.probe.ask(0, at.now_ns) == routing_id_probe::never_ns);
    CHECK_FALSE(at.probe.due());
    CHECK(at.probe.ask(0, at.now_ns) == routing_id_probe::never_ns);  // it waits for the answer
    CHECK(at.probe.due());
    router_socket::arrival question;
    REQUIRE(at.router.receive(question));
    std::size_t claims = 0;
    REQUIRE(at.probe.is_question(question.routing_id.to_string(), question.frame, claims));
    CHECK(at.probe.ask(0, at.now_ns + 1) == at.now_ns + 2'000'000);
    CHECK(at.probe.due());
    CHECK(at.probe.ask(0, at.now_ns + 2'000'000) == routing_id_probe::never_ns);
    CHECK_FALSE(at.probe.due());
}
