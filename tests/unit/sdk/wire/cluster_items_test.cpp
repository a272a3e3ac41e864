// SPDX-License-Identifier: Apache-2.0
//
// The lists that nodes send about their cluster, packed and judged by msgpack-cxx.
#include "tests/support/catch.hpp"
#include "tests/support/wire_views.hpp"
#include "wire/envelope.hpp"

#include <msgpack.hpp>

#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace dunlin;
using test::next_of;
using wire::read_status;

template <class Value>
std::string packed(const Value& value) {
    msgpack::sbuffer memory;
    msgpack::pack(memory, value);
    return {memory.data(), memory.size()};
}

using names = std::vector<std::string>;
using member = std::tuple<std::uint64_t, std::string, int, names>;
using members = std::tuple<int, std::uint64_t, int, int, std::vector<member>>;

template <class Item>
std::vector<Item> read_list(const std::string& frame, wire::kind kind) {
    wire::frame_reader reader(as_bytes(frame));
    const auto status = reader.next();
    INFO(reader.problem());
    REQUIRE(status == read_status::envelope);
    REQUIRE(reader.kind() == kind);
    REQUIRE(test::views_lie_inside(as_bytes(frame), reader));
    auto items = test::taken_apart<Item>(reader.items());
    CHECK(reader.next() == read_status::end);
    return items;
}

std::string problem_of(const std::string& frame) {
    wire::frame_reader reader(as_bytes(frame));
    REQUIRE(reader.next() == read_status::malformed);
    return reader.problem();
}

}  // namespace

TEST_CASE("a list of members is read item by item, whatever a newer node appended") {
    const auto frame = packed(std::make_tuple(
        13, 7, 0, 2,
        std::make_tuple(
            std::make_tuple(std::uint64_t{1} << 60, "n1", 0, names{"tcp://a:1"}),
            std::make_tuple(2, "n2", 9, names{}, msgpack::type::nil_t(), "later", names{"x"})),
        "and this"));
    const auto read = read_list<wire::member_item>(frame, wire::kind::members);
    REQUIRE(read.size() == 2);
    CHECK(read[0].instance == std::uint64_t{1} << 60);
    CHECK(read[0].name == "n1");
    CHECK_FALSE(read[0].draining);
    REQUIRE(read[0].endpoint_count == 1);
    CHECK(read[0].endpoints[0] == "tcp://a:1");
    CHECK(read[1].name == "n2");
    CHECK(read[1].draining);  // a state that this version does not know takes nothing new
    CHECK(read[1].endpoint_count == 0);
    for (const auto& each : read) CHECK_FALSE(each.tells_serves);
}

TEST_CASE("a member tells what it serves, or not") {
    const auto told = [](std::size_t bytes) {
        return packed(std::make_tuple(
            13, 7, 0, 1,
            std::make_tuple(std::make_tuple(1, "n1", 0, names{}, std::vector<char>(bytes, 'x')))));
    };
    const auto some_frame = told(8);
    const auto some = read_list<wire::member_item>(some_frame, wire::kind::members);
    REQUIRE(some.size() == 1);
    CHECK(some[0].tells_serves);
    CHECK(as_text(some[0].serves) == "xxxxxxxx");
    const auto none_frame = told(0);
    const auto none = read_list<wire::member_item>(none_frame, wire::kind::members);
    CHECK(none[0].tells_serves);
    CHECK(none[0].serves.empty());
    CHECK(problem_of(told(7)).starts_with("members:"));
    CHECK(problem_of(told(4 * 512 + 4)).starts_with("members:"));
}

TEST_CASE("a catalog tells the field and the space of a function's keys, or not") {
    const auto told = [](const auto&... elements) {
        return packed(std::make_tuple(
            12, 0, 1, std::make_tuple(std::make_tuple("site/visit", "1.0", 0, elements...))));
    };
    const auto read = [](const std::string& frame) {
        return read_list<wire::catalog_item>(frame, wire::kind::catalog).at(0);
    };
    const auto both_frame = told("page.visitor", "visitors");
    CHECK(read(both_frame).key_field == "page.visitor");
    CHECK(read(both_frame).space == "visitors");
    const auto field_frame = told("visitor");
    CHECK(read(field_frame).key_field == "visitor");
    CHECK(read(field_frame).space.empty());
    const auto later_frame = told("", "visitors", names{"later"}, 5);
    CHECK(read(later_frame).key_field.empty());
    CHECK(read(later_frame).space == "visitors");
    CHECK(problem_of(told(5)).starts_with("catalog:"));
    CHECK(problem_of(told("visitor", 5)).starts_with("catalog:"));
    CHECK(problem_of(told(std::string(256, 'x'))).starts_with("catalog:"));
    CHECK(problem_of(told("visitor", std::string(256, 'x'))).starts_with("catalog:"));

    // No sender writes more bytes than it says that an item takes.
    const std::string longest(wire::name_bytes_max, 'x');
    const wire::catalog_item item{longest, longest, 0xffff'ffffu, longest, longest};
    wire::frame_buffer alone;
    append(alone, wire::list_part{0, 0, 1}, std::vector{item});
    CHECK(alone.size <= 5 * wire::item_head_bytes_max + bytes_max(item));
}

TEST_CASE("a catalog and a load are read item by item") {
    const auto catalog = packed(std::make_tuple(
        12, 1024, 1025, std::vector{std::make_tuple("text/count_words", "2.1", 0x101)}));
    wire::frame_reader reader(as_bytes(catalog));
    CHECK(next_of(reader).items().part.first == 1024);
    CHECK(reader.items().part.total == 1025);
    const auto functions = test::taken_apart<wire::catalog_item>(reader.items());
    REQUIRE(functions.size() == 1);
    CHECK(functions[0].name == "text/count_words");
    CHECK(functions[0].module_version == "2.1");
    CHECK((functions[0].flags & wire::catalog_flags::idempotent) != 0);
    CHECK(functions[0].key_field.empty());
    CHECK(functions[0].space.empty());

    const auto loads = read_list<wire::load_item>(
        packed(
            std::make_tuple(11, std::vector{std::make_tuple(3, 1'000'000'000'000, 250, 4, 750)})),
        wire::kind::load);
    REQUIRE(loads.size() == 1);
    CHECK(loads[0].function == 3);
    CHECK(loads[0].wait_ns == 1'000'000'000'000);
    CHECK(loads[0].step_ns == 250);
    CHECK(loads[0].idle == 4);
    CHECK(loads[0].busy_permille == 750);
}

TEST_CASE("a load may tell the room of calls that wait, and more than is known") {
    const auto read_one = [](const auto& item) {
        return read_list<wire::load_item>(packed(std::make_tuple(11, std::vector{item})),
                                          wire::kind::load)
            .at(0);
    };
    const auto full = read_one(std::make_tuple(3, 0, 250, 4, 750, 40, 32));
    CHECK(full.in_flight == 40);
    CHECK(full.room == 32);
    const auto more = read_one(std::make_tuple(3, 0, 250, 4, 750, 40, 32, "newer", 7));
    CHECK(more.room == 32);
    CHECK(more.busy_permille == 750);
    const auto half = read_one(std::make_tuple(3, 0, 250, 4, 750, 40));
    CHECK(half.in_flight == 0);
    CHECK(half.room == 0);
    const auto list = read_list<wire::load_item>(
        packed(std::make_tuple(11, std::make_tuple(std::make_tuple(1, 0, 9, 4, 7, 40, 32),
                                                   std::make_tuple(2, 0, 9, 4, 7)))),
        wire::kind::load);
    REQUIRE(list.size() == 2);
    CHECK(list[1].in_flight == 0);
    CHECK(list[1].room == 0);
    CHECK(problem_of(
              packed(std::make_tuple(11, std::vector{std::make_tuple(1, 0, 9, 4, 7, "many", 32)})))
              .starts_with("load:"));
}

TEST_CASE("what is written of a cluster is read as it was by another msgpack") {
    wire::frame_buffer frame;
    wire::member_item first;
    first.instance = 5;
    first.name = "n5";
    first.endpoints = {"tcp://10.0.0.5:7440", "tcp://10.0.0.5:7441"};
    first.endpoint_count = 2;
    append(frame, wire::list_part{3, 1, 2}, std::vector{first});
    const auto handle = msgpack::unpack(reinterpret_cast<const char*>(frame.data), frame.size);
    const auto [kind, view, place, total, items] = handle.get().as<members>();
    CHECK(kind == 13);
    CHECK(view == 3);
    CHECK(place == 1);
    CHECK(total == 2);
    CHECK(items == std::vector{member{5, "n5", 0, {"tcp://10.0.0.5:7440", "tcp://10.0.0.5:7441"}}});
}

TEST_CASE("an empty list is a list") {
    CHECK(
        read_list<wire::load_item>(packed(std::make_tuple(11, names{})), wire::kind::load).empty());
}

TEST_CASE("lists of the cluster that are too long, cut or of other types are malformed") {
    const auto entry = std::make_tuple(1, 2, 3, 4, 5);
    CHECK(problem_of(packed(std::make_tuple(11, std::vector(1025, entry)))).find("1024") !=
          std::string::npos);
    CHECK(problem_of(packed(std::make_tuple(11, std::vector{std::make_tuple(1, 2, 3, 4)})))
              .starts_with("load:"));
    CHECK(problem_of(packed(std::make_tuple(11, std::vector{std::make_tuple(1, 2, 3, -4, 5)})))
              .starts_with("load:"));
    CHECK(problem_of(packed(std::make_tuple(11))).starts_with("load:"));
    CHECK(problem_of(packed(std::make_tuple(12, 0, 1))).starts_with("catalog:"));
    CHECK(problem_of(packed(std::make_tuple(
                         12, 0, 1, std::vector{std::make_tuple(std::string(256, 'f'), "1", 0)})))
              .starts_with("catalog:"));
    CHECK(problem_of(
              packed(std::make_tuple(
                  13, 0, 0, 1, std::vector{std::make_tuple(1, "n", 0, names(65, "tcp://a:1"))})))
              .starts_with("members:"));
    const auto good = packed(std::make_tuple(11, std::vector(3, entry)));
    for (std::size_t size = 1; size < good.size(); ++size)
        CHECK_FALSE(problem_of(good.substr(0, size)).empty());
}

TEST_CASE("an offer is read key by key, and a key is a bin that is neither empty nor too long") {
    wire::frame_buffer frame;
    append(frame, "visitors", std::vector{wire::key_item{as_bytes("ann")}});
    wire::frame_reader reader(frame.view());
    CHECK(next_of(reader).items().space == "visitors");
    const auto keys = test::taken_apart<wire::key_item>(reader.items());
    REQUIRE(keys.size() == 1);
    CHECK(as_text(keys[0].key) == "ann");

    const auto offer_of = [](const std::string& space, const std::vector<std::string>& these) {
        msgpack::sbuffer memory;
        msgpack::packer<msgpack::sbuffer> to(memory);
        to.pack_array(3).pack(16).pack(space);
        to.pack_array(static_cast<std::uint32_t>(these.size()));
        for (const auto& each : these) {
            to.pack_bin(static_cast<std::uint32_t>(each.size()));
            to.pack_bin_body(each.data(), static_cast<std::uint32_t>(each.size()));
        }
        return std::string(memory.data(), memory.size());
    };
    CHECK(read_list<wire::key_item>(offer_of("s", {"a", std::string(255, 'k')}), wire::kind::offer)
              .size() == 2);
    CHECK(problem_of(offer_of("", {"a"})).starts_with("offer:"));
    CHECK(problem_of(offer_of(std::string(256, 's'), {"a"})).starts_with("offer:"));
    CHECK(problem_of(offer_of("s", {""})).starts_with("offer:"));
    CHECK(problem_of(offer_of("s", {std::string(256, 'k')})).starts_with("offer:"));
    CHECK(problem_of(offer_of("s", names(1025, "k"))).find("1024") != std::string::npos);
    CHECK(problem_of(packed(std::make_tuple(16, "s", names{"a"}))).starts_with("offer:"));
    CHECK(problem_of(packed(std::make_tuple(16, "s"))).starts_with("offer:"));
}

TEST_CASE("a gossip message is at most 256 KiB") {
    wire::frame_buffer frame;
    const std::string most(wire::gossip_bytes_max, 'g');
    append(frame, wire::gossip{as_bytes(most)});
    wire::frame_reader reader(frame.view());
    CHECK(as_text(next_of(reader).gossip().message) == most);

    msgpack::sbuffer memory;
    msgpack::packer<msgpack::sbuffer> to(memory);
    to.pack_array(2).pack(10).pack_bin(wire::gossip_bytes_max + 1);
    to.pack_bin_body((most + "g").data(), wire::gossip_bytes_max + 1);
    CHECK(problem_of({memory.data(), memory.size()}).starts_with("gossip:"));
}

TEST_CASE("an invoke keeps where it came from and its losses, also encoded in place") {
    // Without an origin the call is its own.
    for (const std::uint64_t origin : {std::uint64_t{0}, std::uint64_t{0xfeed'0000'0000'0001}}) {
        wire::invoke call;
        call.id = 9;
        call.function = "bench/echo";
        call.payload = as_bytes("\xc0");
        call.origin = origin;
        call.origin_id = 4;
        call.losses = 1;
        call.lost = 257;
        wire::frame_buffer at_once;
        append(at_once, call);
        wire::frame_buffer in_place;
        const auto mark = wire::begin_invoke(in_place, call);
        in_place.append(call.payload.data(), call.payload.size());
        wire::end_payload(in_place, mark, call);
        for (const auto* frame : {&at_once, &in_place}) {
            wire::frame_reader reader(frame->view());
            CHECK(next_of(reader).invoke().losses == 1);
            CHECK(reader.invoke().lost == 257);
            CHECK(reader.invoke().origin == origin);
            CHECK(reader.invoke().origin_id == (origin == 0 ? 9 : 4));
            CHECK(as_text(reader.invoke().payload) == "\xc0");
            CHECK(reader.next() == read_status::end);
        }
    }
    for (const bool did_not_run : {false, true}) {
        wire::frame_buffer frame;
        append(frame, wire::failure{1, 9, "lost", 0, did_not_run, 2});
        wire::frame_reader reader(frame.view());
        CHECK(next_of(reader).failure().losses == 2);
        CHECK(reader.failure().did_not_run == did_not_run);
    }
}
