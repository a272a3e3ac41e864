// SPDX-License-Identifier: Apache-2.0
//
// Ordinary use of the envelopes, with msgpack-cxx as the judge of where each ends. Their bytes are
// in golden_test.cpp, what strangers send in envelope_malformed_test.cpp.
#include "wire/envelope.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/wire_views.hpp"

#include <msgpack.hpp>

#include <limits>
#include <new>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using namespace dunlin;
using test::next_of;
using wire::read_status;

static_assert(!std::is_copy_constructible_v<wire::frame_buffer>);
static_assert(std::is_nothrow_move_constructible_v<wire::frame_buffer>);
static_assert(std::is_trivially_destructible_v<wire::frame_reader>);
static_assert(wire::frame_bytes_max(wire::payload_bytes_max_default) == 17u << 20);
static_assert(wire::transport_bytes_max(0) == 4u << 20);

std::vector<msgpack::object_handle> unpack_all(const wire::frame_buffer& frame) {
    std::vector<msgpack::object_handle> all;
    const auto* data = reinterpret_cast<const char*>(frame.data);
    for (std::size_t at = 0; at < frame.size;) all.push_back(msgpack::unpack(data, frame.size, at));
    return all;
}

wire::frame_reader read_one(bytes_view frame, wire::kind kind) {
    wire::frame_reader reader(frame);
    const auto status = reader.next();
    INFO(reader.problem());
    REQUIRE(status == read_status::envelope);
    REQUIRE(reader.kind() == kind);
    auto after = reader;
    REQUIRE(after.next() == read_status::end);
    return reader;
}

wire::invoke full_invoke(std::string_view payload) {
    wire::invoke call;
    call.id = std::numeric_limits<std::uint64_t>::max();
    call.function = "text/visits";
    call.remaining_us = 5'000'000'000;
    call.flags = std::numeric_limits<std::uint32_t>::max();
    call.attempt = 3;
    call.retries_left = 300;
    call.key = as_bytes("k1");
    call.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    call.payload = as_bytes(payload);
    return call;
}

void check_same(const wire::invoke& got, const wire::invoke& sent) {
    CHECK(got.id == sent.id);
    CHECK(got.function == sent.function);
    CHECK(got.remaining_us == sent.remaining_us);
    CHECK(got.flags == sent.flags);
    CHECK(got.attempt == sent.attempt);
    CHECK(got.retries_left == sent.retries_left);
    CHECK(as_text(got.key) == as_text(sent.key));
    CHECK(got.trace == sent.trace);
    CHECK(as_text(got.payload) == as_text(sent.payload));
}

}  // namespace

TEST_CASE("a frame's envelopes come out in the order they went in") {
    wire::frame_buffer frame;
    append(frame, wire::hello{});
    append(frame, full_invoke("x"));
    append(frame, wire::reply{7, as_bytes("y")});
    append(frame, wire::failure{8, -40'000, "why", 1500});
    append(frame, wire::cancel{9});
    append(frame, wire::ping{10});
    append(frame, wire::pong{11});
    append(frame, wire::cold{12});
    append(frame, wire::goaway{9, "stopping"});
    append(frame, wire::bye{});
    CHECK(unpack_all(frame).size() == 10);

    wire::frame_reader reader(frame.view());
    CHECK(next_of(reader).kind() == wire::kind::hello);
    CHECK(next_of(reader).invoke().function == "text/visits");
    CHECK(next_of(reader).reply().id == 7);
    CHECK(as_text(reader.reply().payload) == "y");
    CHECK(next_of(reader).failure().id == 8);
    CHECK(reader.failure().code == -40'000);
    CHECK(reader.failure().detail == "why");
    CHECK(reader.failure().retry_after_us == 1500);
    for (std::uint64_t number = 9; number <= 12; ++number) {
        CHECK(next_of(reader).id_or_token() == number);
    }
    CHECK(reader.kind() == wire::kind::cold);
    CHECK(next_of(reader).goaway().code == 9);
    CHECK(reader.goaway().detail == "stopping");
    CHECK(next_of(reader).kind() == wire::kind::bye);
    CHECK(reader.next() == read_status::end);
    CHECK(reader.next() == read_status::end);
}

TEST_CASE("a payload that is encoded in place reads like any other") {
    const std::string payload(GENERATE(0u, 1u, 255u, 256u, 65'536u, 1'000'000u), 'p');
    auto call = full_invoke(payload);
    wire::frame_buffer frame;
    append(frame, wire::ping{1});
    const auto call_mark = wire::begin_invoke(frame, call);
    frame.append(as_bytes(payload));
    wire::end_payload(frame, call_mark);
    const auto reply_mark = wire::begin_reply(frame, 5);
    frame.append(as_bytes(payload));
    wire::end_payload(frame, reply_mark);
    append(frame, call);

    CHECK(unpack_all(frame).size() == 4);
    wire::frame_reader reader(frame.view());
    REQUIRE(reader.next() == read_status::envelope);
    check_same(next_of(reader).invoke(), call);
    CHECK(next_of(reader).reply().id == 5);
    CHECK(as_text(reader.reply().payload) == payload);
    check_same(next_of(reader).invoke(), call);
    CHECK(reader.next() == read_status::end);
}

TEST_CASE("a detail beyond its limit is cut between two characters") {
    // 4095 bytes, then a character of three, of which one byte would fit.
    const std::string text = std::string(wire::detail_bytes_max - 1, 'd') + "\u20ac and more";
    wire::frame_buffer frame;
    append(frame, wire::failure{1, 2, text, 0});
    append(frame, wire::goaway{2, text});
    wire::frame_reader reader(frame.view());
    CHECK(next_of(reader).failure().detail == text.substr(0, wire::detail_bytes_max - 1));
    CHECK(next_of(reader).goaway().detail == text.substr(0, wire::detail_bytes_max - 1));
    CHECK(wire::cut_detail(std::string(wire::detail_bytes_max, 'd')).size() ==
          wire::detail_bytes_max);
    // Not text at all: cut all the same.
    CHECK(wire::cut_detail(std::string(9000, '\x80')).size() >= wire::detail_bytes_max - 3);
}

TEST_CASE("a detail with bytes of others is UTF-8 on the way") {
    const std::string_view text = "no function \xff\xfe\xc0 \xe2\x82\xac \xe2\x82";
    const std::string_view mended =
        "no function \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xe2\x82\xac "
        "\xEF\xBF\xBD\xEF\xBF\xBD";
    wire::frame_buffer frame;
    append(frame, wire::failure{1, 2, text, 0});
    append(frame, wire::goaway{2, text});
    // What has to be mended grows, and keeps to the limit all the same.
    append(frame, wire::failure{1, 2, std::string(wire::detail_bytes_max, '\xff'), 0});
    wire::frame_reader reader(frame.view());
    CHECK(next_of(reader).failure().detail == mended);
    CHECK(next_of(reader).goaway().detail == mended);
    CHECK(next_of(reader).failure().detail.size() == wire::detail_bytes_max / 3 * 3);
    CHECK(reader.next() == read_status::end);
}

TEST_CASE("a trace beyond its limit is left out and the call still travels") {
    auto call = full_invoke("x");
    const std::string trace(wire::trace_bytes_max + 1, 't');
    call.trace = trace;
    wire::frame_buffer frame;
    append(frame, call);
    const auto reader = read_one(frame.view(), wire::kind::invoke);
    CHECK(reader.invoke().trace.empty());
    CHECK(as_text(reader.invoke().payload) == "x");
}

TEST_CASE("a buffer that may not grow keeps the frame as it was") {
    wire::frame_buffer frame(8192);
    append(frame, wire::ping{1});
    const auto before = frame.size;
    const std::string payload(9000, 'x');
    CHECK_THROWS_AS(append(frame, wire::reply{1, as_bytes(payload)}), std::bad_alloc);
    CHECK_THROWS_AS(append(frame, full_invoke(payload)), std::bad_alloc);
    CHECK(frame.size == before);
    append(frame, wire::bye{});
    CHECK(unpack_all(frame).size() == 2);
}

TEST_CASE("the largest names fit into the overhead that is promised") {
    const std::string name(wire::name_bytes_max, 'n');
    const std::string trace(wire::trace_bytes_max, 't');
    auto call = full_invoke("");
    call.function = name;
    call.key = as_bytes(name);
    call.trace = trace;
    wire::frame_buffer frame;
    append(frame, call);
    CHECK(frame.size <= wire::envelope_overhead_bytes_max);
    check_same(read_one(frame.view(), wire::kind::invoke).invoke(), call);
}

TEST_CASE("random invokes come back as they were sent") {
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const auto below = [&](std::size_t limit) { return random() % limit; };
    const auto bytes_of = [&](std::size_t size_max) {
        std::string data(below(size_max + 1), '\0');
        for (auto& each : data) each = static_cast<char>(random());
        return data;
    };
    const auto number = [&] { return random() >> below(64); };

    for (int round = 0; round < 300; ++round) {
        std::vector<std::string> memory;
        const auto keep = [&](std::string data) -> const std::string& {
            return memory.emplace_back(std::move(data));
        };
        memory.reserve(64);
        std::vector<wire::invoke> sent(1 + below(16));
        wire::frame_buffer frame;
        for (auto& call : sent) {
            call.id = number() | 1u;
            call.function = keep(bytes_of(wire::name_bytes_max));
            call.remaining_us = number();
            call.flags = static_cast<std::uint32_t>(number());
            call.attempt = static_cast<std::uint32_t>(number());
            call.retries_left = static_cast<std::uint32_t>(number());
            call.key = as_bytes(keep(bytes_of(wire::name_bytes_max)));
            call.trace = keep(bytes_of(wire::trace_bytes_max));
            call.payload = as_bytes(keep(bytes_of(below(10) == 0 ? 70'000 : 300)));
            append(frame, call);
        }
        REQUIRE(unpack_all(frame).size() == sent.size());
        wire::frame_reader reader(frame.view());
        for (const auto& call : sent) {
            REQUIRE(reader.next() == read_status::envelope);
            REQUIRE(test::views_lie_inside(frame.view(), reader));
            check_same(reader.invoke(), call);
        }
        REQUIRE(reader.next() == read_status::end);
    }
}
