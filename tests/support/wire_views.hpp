// SPDX-License-Identifier: Apache-2.0
//
// What must hold for every frame, whoever made it.
//
// A decoder that hands out views is safe when each view lies inside the frame, and lossless when
// what it read can be written and read again. The unit tests and the fuzzer ask the same
// questions of it with these functions. Pure; any thread.
#pragma once

#include "wire/envelope.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace dunlin::test {

/// Reads the next envelope, where there has to be one.
inline const wire::frame_reader& next_of(wire::frame_reader& reader) {
    if (reader.next() != wire::read_status::envelope)
        throw std::runtime_error("no envelope: " + std::string(reader.problem()));
    return reader;
}

[[nodiscard]] inline bool lies_inside(bytes_view frame, bytes_view view) {
    if (view.empty()) return true;
    const std::less_equal<const std::byte*> at_or_before;
    return at_or_before(frame.data(), view.data()) &&
           at_or_before(view.data() + view.size(), frame.data() + frame.size());
}

[[nodiscard]] inline bool lies_inside(bytes_view frame, std::string_view text) {
    return lies_inside(frame, as_bytes(text));
}

template <class Item, class ItemLiesInside>
[[nodiscard]] bool items_lie_inside(wire::item_list items, ItemLiesInside&& inside) {
    const auto claimed = items.count;
    std::uint32_t taken = 0;
    for (Item each; take(items, each); ++taken)
        if (!inside(each)) return false;
    return taken == claimed && items.encoded.empty();
}

/// Whether every view of the envelope that `reader` has just read lies inside `frame`.
[[nodiscard]] inline bool views_lie_inside(bytes_view frame, const wire::frame_reader& reader) {
    switch (reader.kind()) {
        case wire::kind::hello:
            return lies_inside(frame, reader.hello().name) &&
                   lies_inside(frame, reader.hello().cluster);
        case wire::kind::welcome: {
            const auto& welcome = reader.welcome();
            return welcome.endpoint_count <= welcome.endpoints.size() &&
                   lies_inside(frame, welcome.node) && lies_inside(frame, welcome.cluster) &&
                   std::all_of(welcome.endpoints.begin(),
                               welcome.endpoints.begin() +
                                   static_cast<std::ptrdiff_t>(welcome.endpoint_count),
                               [&](std::string_view each) { return lies_inside(frame, each); });
        }
        case wire::kind::invoke:
            return lies_inside(frame, reader.invoke().function) &&
                   lies_inside(frame, reader.invoke().key) &&
                   lies_inside(frame, reader.invoke().trace) &&
                   lies_inside(frame, reader.invoke().payload);
        case wire::kind::reply: return lies_inside(frame, reader.reply().payload);
        case wire::kind::failure: return lies_inside(frame, reader.failure().detail);
        case wire::kind::goaway: return lies_inside(frame, reader.goaway().detail);
        case wire::kind::cancel:
        case wire::kind::ping:
        case wire::kind::pong:
        case wire::kind::sent:
        case wire::kind::cold:
        case wire::kind::bye: return true;
        case wire::kind::gossip: return lies_inside(frame, reader.gossip().message);
        case wire::kind::load:
            return items_lie_inside<wire::load_item>(reader.items(), [](auto&) { return true; });
        case wire::kind::catalog:
            return items_lie_inside<wire::catalog_item>(reader.items(), [&](auto& each) {
                return lies_inside(frame, each.name) && lies_inside(frame, each.module_version) &&
                       lies_inside(frame, each.key_field) && lies_inside(frame, each.space);
            });
        case wire::kind::offer:
            return lies_inside(frame, reader.items().space) &&
                   items_lie_inside<wire::key_item>(
                       reader.items(), [&](auto& each) { return lies_inside(frame, each.key); });
        case wire::kind::members:
            return items_lie_inside<wire::member_item>(reader.items(), [&](auto& each) {
                return lies_inside(frame, each.name) &&
                       each.endpoint_count <= each.endpoints.size() &&
                       std::all_of(each.endpoints.begin(),
                                   each.endpoints.begin() +
                                       static_cast<std::ptrdiff_t>(each.endpoint_count),
                                   [&](std::string_view one) { return lies_inside(frame, one); });
            });
    }
    return false;
}

template <class Item>
[[nodiscard]] std::vector<Item> taken_apart(wire::item_list items) {
    std::vector<Item> all;
    for (Item each; take(items, each);) all.push_back(each);
    return all;
}

/// Writes the envelope that `reader` has just read to `to`.
inline void append_again(wire::frame_buffer& to, const wire::frame_reader& reader) {
    switch (reader.kind()) {
        case wire::kind::hello: return append(to, reader.hello());
        case wire::kind::welcome: return append(to, reader.welcome());
        case wire::kind::invoke: return append(to, reader.invoke());
        case wire::kind::reply: return append(to, reader.reply());
        case wire::kind::failure: return append(to, reader.failure());
        case wire::kind::cancel: return append(to, wire::cancel{reader.id_or_token()});
        case wire::kind::ping: return append(to, wire::ping{reader.id_or_token()});
        case wire::kind::pong: return append(to, wire::pong{reader.id_or_token()});
        case wire::kind::sent: return append(to, wire::sent{reader.id_or_token()});
        case wire::kind::cold: return append(to, wire::cold{reader.id_or_token()});
        case wire::kind::goaway: return append(to, reader.goaway());
        case wire::kind::bye: return append(to, wire::bye{});
        case wire::kind::gossip: return append(to, reader.gossip());
        case wire::kind::load: return append(to, taken_apart<wire::load_item>(reader.items()));
        case wire::kind::catalog:
            return append(to, reader.items().part, taken_apart<wire::catalog_item>(reader.items()));
        case wire::kind::members:
            return append(to, reader.items().part, taken_apart<wire::member_item>(reader.items()));
        case wire::kind::offer:
            return append(to, reader.items().space, taken_apart<wire::key_item>(reader.items()));
    }
}

}  // namespace dunlin::test
