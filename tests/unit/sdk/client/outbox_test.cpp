// SPDX-License-Identifier: Apache-2.0
#include "client/outbox.hpp"

#include "tests/support/catch.hpp"

#include <chrono>
#include <string>

using dunlin::link::outbox;
using dunlin::wire::frame_buffer;

namespace {

bool put(outbox& out, std::size_t bytes, std::size_t in_flight) {
    const std::string envelope(bytes, 'e');
    out.open().append(envelope.data(), envelope.size());
    return out.appended(in_flight);
}

}  // namespace

TEST_CASE("outbox keeps a frame open until it is looked for") {
    outbox out;
    CHECK(out.empty());
    CHECK_FALSE(put(out, 10, 1));
    CHECK_FALSE(put(out, 20, 2));
    frame_buffer frame;
    CHECK_FALSE(out.take_cut(frame));
    REQUIRE(out.take(frame));
    CHECK(frame.size == 30);
    CHECK(out.empty());
    CHECK_FALSE(out.take(frame));
}

TEST_CASE("outbox says in each frame when its calls were sent, and again when it stays open") {
    using namespace std::chrono_literals;
    outbox out;
    outbox::time_point now{1h};
    const auto call = [&] {
        out.date(now);
        append(out.open(), dunlin::wire::cancel{1});  // any envelope will do
        out.appended(1);
    };
    const auto times = [&] {
        frame_buffer frame;
        REQUIRE(out.take(frame));
        dunlin::wire::frame_reader reader(frame.view());
        std::string kinds;
        while (reader.next() == dunlin::wire::read_status::envelope) {
            const bool sent = reader.kind() == dunlin::wire::kind::sent;
            kinds += sent ? "s" + std::to_string(reader.id_or_token() % 10'000) + " " : "c ";
        }
        return kinds;
    };
    call();
    now += 900us;
    call();
    now += 200us;
    call();
    CHECK(times() == "s0 c c s1100 c ");
    call();
    CHECK(times() == "s1100 c ");
    append(out.open(), dunlin::wire::cancel{2});
    out.appended(1);
    call();
    CHECK(times() == "c s1100 c ");
}

TEST_CASE("outbox cuts a frame of small envelopes only when it holds very many") {
    outbox out;
    const auto in_flight = GENERATE(1, 64, 512, 60000);
    for (std::size_t i = 1; i < outbox::frame_envelopes_cut; ++i)
        REQUIRE_FALSE(put(out, 1, static_cast<std::size_t>(in_flight)));
    CHECK(put(out, 1, static_cast<std::size_t>(in_flight)));
    CHECK_FALSE(put(out, 1, static_cast<std::size_t>(in_flight)));
    frame_buffer frame;
    REQUIRE(out.take(frame));
    CHECK(frame.size == outbox::frame_envelopes_cut);
    CHECK_FALSE(out.take_cut(frame));
    REQUIRE(out.take(frame));
    CHECK(frame.size == 1);
}

TEST_CASE("outbox cuts a frame of larger envelopes when it holds half of what is in flight") {
    outbox out;
    for (int i = 0; i < 31; ++i) REQUIRE_FALSE(put(out, 1024, 64));
    CHECK(put(out, 1024, 64));
    // Alone in flight, and large enough: nothing could join it.
    CHECK(put(out, outbox::half_bytes_min, 1));
    CHECK_FALSE(put(out, outbox::half_bytes_min - 1, 1));
}

TEST_CASE("outbox cuts a frame by its bytes") {
    outbox out;
    CHECK_FALSE(put(out, outbox::frame_bytes_cut - 1, 1000));
    CHECK(put(out, 1, 1000));
    CHECK(out.has_cut());
}

TEST_CASE("outbox writes into memory that was given back") {
    outbox out;
    put(out, 100, 1);
    frame_buffer frame;
    REQUIRE(out.take(frame));
    const auto* memory = frame.data;
    out.give_back(std::move(frame));
    put(out, 100, 1);
    frame_buffer next;
    REQUIRE(out.take(next));
    put(out, 50, 1);
    CHECK((next.data == memory || out.open().data == memory));
    CHECK(out.open().size == 50);
}
