// SPDX-License-Identifier: Apache-2.0
//
// Feeds bytes of peers to the membership decoder, and what it accepts to a node.
//
// Method: the input is copied into memory of exactly its size. What is read, written and read
// again must have the same bytes: nothing that was understood is lost. Then a node of a small
// cluster receives it from a member, from a stranger and as one that has left, and must keep its
// bounds, believe itself alive and go on.
#include "runtime/membership/message_codec.hpp"
#include "runtime/membership/swim.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace dunlin;
using namespace dunlin::runtime::membership;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "membership_fuzz: %s\n", what);
    std::abort();
}

record_ptr record_of(instance_id instance) {
    auto record = std::make_shared<member_record>();
    record->instance = instance;
    record->name = "node-" + std::to_string(instance);
    record->endpoints = {"tcp://10.0.0.1:" + std::to_string(instance)};
    return record;
}

void check_node(const message& what) {
    options how;
    how.members_max = 64;
    how.tombstones_max = 8;
    how.updates_waiting_max = 32;
    std::int64_t now_ns = 0;
    swim node(how, record_of(1), 1, now_ns);
    const std::vector<record_ptr> others{record_of(2), record_of(3)};
    node.preload(others);
    std::vector<outgoing> out;
    std::vector<std::byte> data;
    for (const instance_id from : {2U, 9U, 2U, 3U}) {
        node.receive(from, what, now_ns);
        for (int i = 0; i < 4; ++i) {
            now_ns = std::max(now_ns, node.next_timer_ns());
            node.advance(now_ns);
        }
        require(node.find(1)->state == member_state::alive, "a peer talked a node into death");
        require(node.snapshot().size() <= how.members_max, "more members than allowed");
        require(node.updates_waiting() <= how.updates_waiting_max, "more updates than allowed");
        node.take_outgoing(out);
        for (const auto& each : out) {
            encode(each.what, data);
            require(decode(data).has_value(), "a node says what no node reads");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto memory = std::make_unique<std::byte[]>(size);
    if (size != 0) std::memcpy(memory.get(), data, size);
    const auto read = decode({memory.get(), size});
    if (!read || !*read) return 0;

    std::vector<std::byte> once;
    encode(**read, once);
    const auto second = decode(once);
    require(second && *second, "a rewritten message is not read");
    std::vector<std::byte> twice;
    encode(**second, twice);
    require(once == twice, "a second rewrite differs");
    check_node(**read);
    return 0;
}
