// SPDX-License-Identifier: Apache-2.0
//
// Frames from peers that are newer, older, careless or hostile. They are packed with msgpack-cxx
// or byte by byte, never with the encoders under test.
#include "tests/support/catch.hpp"
#include "tests/support/wire_views.hpp"
#include "wire/envelope.hpp"

#include <msgpack.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace dunlin;
using test::next_of;
using wire::read_status;
using packer = msgpack::packer<msgpack::sbuffer>;

template <class Write>
std::string packed(Write&& write) {
    msgpack::sbuffer memory;
    packer to(memory);
    write(to);
    return {memory.data(), memory.size()};
}

void pack_bin(packer& to, std::string_view data) {
    to.pack_bin(static_cast<std::uint32_t>(data.size()));
    to.pack_bin_body(data.data(), static_cast<std::uint32_t>(data.size()));
}

std::string failure_with(std::string_view code) { return "\x93\x04\x01" + std::string(code); }

std::string ping_with(std::string_view token) { return "\x92\x06" + std::string(token); }

struct outcome {
    read_status last;
    std::size_t envelopes = 0;
    std::string problem;
};

// Reads to the end from memory of exactly the frame's size, so a sanitizer sees each byte too far.
outcome read_all(std::string_view frame) {
    const auto exact = std::make_unique<std::byte[]>(frame.size());
    if (!frame.empty()) std::memcpy(exact.get(), frame.data(), frame.size());
    const bytes_view memory{exact.get(), frame.size()};
    wire::frame_reader reader(memory);
    outcome seen{};
    for (;;) {
        seen.last = reader.next();
        if (seen.last == read_status::end || seen.last == read_status::malformed) break;
        if (seen.last == read_status::skipped) continue;
        ++seen.envelopes;
        REQUIRE(test::views_lie_inside(memory, reader));
    }
    seen.problem = reader.problem();
    if (seen.last == read_status::malformed) {
        CHECK_FALSE(seen.problem.empty());
        CHECK(reader.next() == read_status::malformed);
    }
    return seen;
}

void check_malformed(std::string_view frame, const std::string& problem) {
    const auto seen = read_all(frame);
    CHECK(seen.last == read_status::malformed);
    INFO("the problem was: " << seen.problem);
    CHECK(seen.problem.find(problem) != std::string::npos);
}

// An invoke whose texts have the given sizes.
std::string invoke_with(std::size_t function, std::size_t key, std::size_t trace,
                        std::uint64_t id = 1) {
    return packed([&](packer& to) {
        to.pack_array(10);
        to.pack(2);
        to.pack(id);
        to.pack(std::string(function, 'f'));
        for (int i = 0; i < 4; ++i) to.pack(0);
        pack_bin(to, std::string(key, 'k'));
        to.pack(std::string(trace, 't'));
        pack_bin(to, "payload");
    });
}

// One of each kind.
std::string every_kind() {
    wire::welcome welcome;
    welcome.node = "n";
    welcome.endpoints[0] = "tcp://127.0.0.1:7440";
    welcome.endpoint_count = 1;
    wire::invoke call;
    call.id = 70'000;
    call.function = "bench/echo";
    call.key = as_bytes("k");
    call.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    call.payload = as_bytes("payload");
    wire::frame_buffer frame;
    append(frame, wire::hello{.name = "somebody"});
    append(frame, welcome);
    append(frame, call);
    append(frame, wire::reply{7, as_bytes("y")});
    append(frame, wire::failure{8, 300, "why", 1500});
    append(frame, wire::cancel{9});
    append(frame, wire::ping{1u << 20});
    append(frame, wire::pong{11});
    append(frame, wire::cold{12});
    append(frame, wire::goaway{9, "stopping"});
    append(frame, wire::bye{});
    return std::string(as_text(frame.view()));
}

}  // namespace

TEST_CASE("a number is read in every width, and refused when it does not fit") {
    using write = void (*)(packer&);
    static constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
    const std::pair<write, std::uint64_t> tokens[] = {
        {[](packer& to) { to.pack(std::uint64_t{127}); }, 127},
        {[](packer& to) { to.pack_fix_uint8(5); }, 5},
        {[](packer& to) { to.pack_fix_uint16(5); }, 5},
        {[](packer& to) { to.pack_fix_uint32(5); }, 5},
        {[](packer& to) { to.pack_fix_uint64(5); }, 5},
        {[](packer& to) { to.pack_fix_int8(5); }, 5},
        {[](packer& to) { to.pack_fix_int16(500); }, 500},
        {[](packer& to) { to.pack_fix_int32(5); }, 5},
        {[](packer& to) { to.pack_fix_int64(5); }, 5},
        {[](packer& to) { to.pack(~std::uint64_t{0}); }, ~std::uint64_t{0}},
    };
    for (const auto& [pack, expected] : tokens) {
        const auto frame = ping_with(packed(pack));
        wire::frame_reader reader(as_bytes(frame));
        CHECK(next_of(reader).id_or_token() == expected);
    }
    const std::pair<write, std::int64_t> codes[] = {
        {[](packer& to) { to.pack(-1); }, -1},
        {[](packer& to) { to.pack_fix_int8(-100); }, -100},
        {[](packer& to) { to.pack_fix_int16(-100); }, -100},
        {[](packer& to) { to.pack_fix_int32(-100); }, -100},
        {[](packer& to) { to.pack_fix_int64(-100); }, -100},
        {[](packer& to) { to.pack(lowest); }, lowest},
        {[](packer& to) { to.pack_fix_uint8(200); }, 200},
        {[](packer& to) { to.pack_fix_uint64(9); }, 9},
    };
    for (const auto& [pack, expected] : codes) {
        const auto frame = failure_with(packed(pack));
        wire::frame_reader reader(as_bytes(frame));
        CHECK(next_of(reader).failure().code == expected);
    }
    for (const write pack :
         {write([](packer& to) { to.pack(-1); }), write([](packer& to) { to.pack_fix_int8(-5); }),
          write([](packer& to) { to.pack_fix_int64(-5); }), write([](packer& to) { to.pack(5.5); }),
          write([](packer& to) { to.pack_nil(); })})
        check_malformed(ping_with(packed(pack)), "not an unsigned integer");
    check_malformed(failure_with(packed([](packer& to) { to.pack(~std::uint64_t{0}); })),
                    "code is not an integer");
}

TEST_CASE("texts and blobs are read in every width") {
    using namespace std::string_literals;
    for (const std::size_t size : {0u, 31u, 32u, 255u, 256u, 65'535u, 65'536u}) {
        const auto frame = packed([&](packer& to) {
            to.pack_array(4);
            to.pack(4);
            to.pack(1);
            to.pack(3);
            to.pack(std::string(size, 'd'));
            to.pack_array(3);
            to.pack(3);
            to.pack(1);
            pack_bin(to, std::string(size, 'b'));
        });
        wire::frame_reader reader(as_bytes(frame));
        CHECK(next_of(reader).failure().detail.size() == std::min(size, wire::detail_bytes_max));
        CHECK(as_text(next_of(reader).reply().payload) == std::string(size, 'b'));
        CHECK(reader.next() == read_status::end);
    }
    // Wider than needed, which msgpack-cxx never writes.
    for (const auto& name : {"\xa2hi"s, "\xd9\x02hi"s, "\xda\0\x02hi"s, "\xdb\0\0\0\x02hi"s}) {
        const auto frame = "\x94\x04\x01\x03"s + name;
        wire::frame_reader reader(as_bytes(frame));
        CHECK(next_of(reader).failure().detail == "hi");
    }
    for (const auto& head : {"\x93"s, "\xdc\0\x03"s, "\xdd\0\0\0\x03"s}) {
        CHECK(read_all(head + "\x03\x01\xc6\0\0\0\x02hi"s).last == read_status::end);
    }
    check_malformed("\x93\x03\x01\xa2hi"s, "payload is not a bin");
    check_malformed("\x93\x08\x01\xc4\x02hi"s, "detail is not a string");
}

TEST_CASE("a name beyond its limit is malformed") {
    CHECK(read_all(invoke_with(255, 255, 512)).last == read_status::end);
    CHECK(read_all(invoke_with(0, 0, 0)).last == read_status::end);
    check_malformed(invoke_with(256, 0, 0), "function");
    check_malformed(invoke_with(1, 256, 0), "key");
    check_malformed(invoke_with(1, 1, 513), "trace");
    check_malformed(invoke_with(70'000, 0, 0), "function");
    check_malformed(packed([](packer& to) {
                        to.pack(std::make_tuple(0, "dunlin", 1, 1, 0, 0, std::string(256, 'n')));
                    }),
                    "name");
    check_malformed(
        packed([](packer& to) { to.pack(std::make_tuple(1, 1, 0, std::string(256, 'n'))); }),
        "node");
    check_malformed(
        packed([](packer& to) {
            to.pack(std::make_tuple(1, 1, 0, "n", 1, 1, std::vector<std::string>(65, "tcp://h:1")));
        }),
        "at most 64");
    check_malformed(
        packed([](packer& to) {
            to.pack(std::make_tuple(1, 1, 0, "n", 1, 1,
                                    std::vector<std::string>(2, std::string(256, 'e'))));
        }),
        "an endpoint");
}

TEST_CASE("what is not an envelope is malformed and says why") {
    using namespace std::string_literals;
    check_malformed("GET / HTTP/1.1\r\n", "not an array");
    check_malformed("\xc1"s, "not an array");
    check_malformed("\x90"s, "empty array");
    check_malformed("\x91\xa1x"s, "kind");
    check_malformed("\x91\xff"s, "kind");
    check_malformed(invoke_with(1, 1, 1, 0), "id 0");
    check_malformed("\x92\x02\x01"s, "invoke: fewer");
    check_malformed("\x92\x03\x01"s, "reply: fewer");
    check_malformed("\x91\x05"s, "fewer");
    check_malformed(
        "\x94\x00\xa6"
        "donkey\x01\x01"s,
        "dunlin");
    check_malformed(
        "\x94\x00\xa6"
        "dunlin\x01\xcf\xff\xff\xff\xff\xff\xff\xff\xff"s,
        "version");
    check_malformed("\xdd\xff\xff\xff\xff\x09"s, "ends inside");
    check_malformed("\x93\x03\x01\xc6\xff\xff\xff\xff"s, "ends inside");
}

TEST_CASE("the envelopes before a malformed one are honoured") {
    const auto good = every_kind();
    using namespace std::string_literals;
    for (const auto& trailing : {"\0"s, "\xc1"s, "x"s, "\xc0\xc0"s, "\x93\x03"s}) {
        const auto seen = read_all(good + trailing);
        CHECK(seen.last == read_status::malformed);
        CHECK(seen.envelopes == 11);
    }
    // What follows the malformed one is not looked at.
    CHECK(read_all("\x91\x09\xc1\x91\x09").envelopes == 1);
}

TEST_CASE("a frame cut anywhere is read up to the cut and no further") {
    const auto whole = every_kind();
    std::vector<std::size_t> borders{0};
    for (std::size_t at = 0; at < whole.size();) {
        msgpack::unpack(whole.data(), whole.size(), at);
        borders.push_back(at);
    }
    std::size_t complete = 0;
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        if (complete + 1 < borders.size() && borders[complete + 1] == cut) ++complete;
        INFO("cut after " << cut << " bytes");
        const auto seen = read_all(whole.substr(0, cut));
        CHECK(seen.envelopes == complete);
        if (borders[complete] == cut) {
            CHECK(seen.last == read_status::end);
        } else {
            CHECK(seen.last == read_status::malformed);
            CHECK(seen.problem == "the frame ends inside an envelope");
        }
    }
}

TEST_CASE("elements that a newer sender appended are passed over") {
    const auto later = packed([](packer& to) {
        to.pack_array(6);
        to.pack(6);
        to.pack(7);
        to.pack(std::map<std::string, std::vector<double>>{{"a", {1.5, 2.5}}, {"b", {}}});
        to.pack_ext(3, 1);
        to.pack_ext_body("abc", 3);
        to.pack_true();
        to.pack(std::string(300, 's'));
    });
    wire::frame_reader reader(as_bytes(later));
    CHECK(next_of(reader).id_or_token() == 7);
    CHECK(reader.next() == read_status::end);
}

TEST_CASE("elements that an older sender did not write have their defaults") {
    using namespace std::string_literals;
    const auto shortest =
        "\x94\x00\xa6"
        "dunlin\x01\x02"
        "\x92\x01\x01"
        "\x93\x04\x05\x03"
        "\x92\x08\x09"s;
    wire::frame_reader reader(as_bytes(shortest));
    CHECK(next_of(reader).hello().version_max == 2);
    CHECK(reader.hello().role == wire::peer_role::client);
    CHECK(reader.hello().name.empty());
    CHECK(next_of(reader).welcome().payload_bytes_max == wire::payload_bytes_max_default);
    CHECK(reader.welcome().endpoint_count == 0);
    CHECK(next_of(reader).failure().detail.empty());
    CHECK(reader.failure().retry_after_us == 0);
    CHECK_FALSE(reader.failure().whole_node);
    CHECK(next_of(reader).goaway().detail.empty());
}

TEST_CASE("kinds and roles of a newer protocol are no reason to stop") {
    using namespace std::string_literals;
    const auto frame = "\x93\x2a\x80\xc0"s + "\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff"s +
                       "\x96\x00\xa6"
                       "dunlin\x01\x01\x00\x63"s;
    wire::frame_reader reader(as_bytes(frame));
    CHECK(reader.next() == read_status::skipped);
    CHECK(reader.next() == read_status::skipped);
    CHECK(next_of(reader).hello().role == wire::peer_role::client);
}

TEST_CASE("an ignored element may be nested to the limit and no deeper") {
    const auto nested = [](std::size_t depth) {
        return "\x93\x06\x01" + std::string(depth, '\x91') + "\x01";
    };
    CHECK(read_all(nested(64)).last == read_status::end);
    check_malformed(nested(65), "nested too deeply");
    check_malformed(nested(5'000'000), "nested too deeply");
    check_malformed("\x93\x06\x01" + std::string(5'000'000, '\x81'), "nested too deeply");
}

TEST_CASE("a frame holds so many envelopes and not one more") {
    std::string full;
    for (std::size_t i = 0; i < wire::envelopes_per_frame_max; ++i) full += "\x91\x09";
    CHECK(read_all(full).last == read_status::end);
    CHECK(read_all(full).envelopes == wire::envelopes_per_frame_max);
    const auto seen = read_all(full + "\x91\x09");
    CHECK(seen.envelopes == wire::envelopes_per_frame_max);
    CHECK(seen.problem == "more envelopes than a frame may hold");
}

TEST_CASE("bytes changed at random never lead outside the frame") {
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    const auto whole = every_kind();
    for (int round = 0; round < 5'000; ++round) {
        auto frame = whole;
        for (auto changes = 1 + random() % 4; changes != 0; --changes) {
            frame[random() % frame.size()] = static_cast<char>(random());
        }
        frame.resize(random() % (frame.size() + 1));
        read_all(frame);
    }
}

TEST_CASE("a hello of versions that nobody here speaks is judged by its first four elements") {
    const auto hello = [](std::uint32_t version_min, std::uint32_t version_max) {
        return packed([&](packer& to) {
            to.pack_array(7);
            to.pack(0);
            to.pack(std::string("dunlin"));
            to.pack(version_min);
            to.pack(version_max);
            to.pack(std::map<std::string, int>{{"a", 1}});  // version 1 has a number here
            to.pack(std::string("x"));
            to.pack_nil();
        });
    };
    const auto newer = hello(2, 5);
    wire::frame_reader reader(as_bytes(newer));
    REQUIRE(reader.next() == read_status::envelope);
    REQUIRE(reader.kind() == wire::kind::hello);
    CHECK(reader.hello().version_min == 2);
    CHECK(reader.hello().version_max == 5);
    CHECK(reader.next() == read_status::end);
    check_malformed(hello(1, 5), "hello: features");
}

TEST_CASE("a hello whose texts are no UTF-8 is malformed") {
    const auto named = [](std::string_view name, std::string_view cluster) {
        wire::frame_buffer frame;
        append(frame, wire::hello{.name = name, .cluster = cluster});
        return std::string(as_text(frame.view()));
    };
    CHECK(read_all(named("caf\u00e9", "\u4e2d")).last == read_status::end);
    check_malformed(named("n\xff", ""), "hello: the name");
    check_malformed(named("n", "\xc0\x80"), "hello: the cluster");
}
