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
#include <functional>

namespace dunlin::test {

[[nodiscard]] inline bool lies_inside(bytes_view frame, bytes_view view) {
    if (view.empty()) return true;
    const std::less_equal<const std::byte*> at_or_before;
    return at_or_before(frame.data(), view.data()) &&
           at_or_before(view.data() + view.size(), frame.data() + frame.size());
}

[[nodiscard]] inline bool lies_inside(bytes_view frame, std::string_view text) {
    return lies_inside(frame, as_bytes(text));
}

/// Whether every view of the envelope that `reader` has just read lies inside `frame`.
[[nodiscard]] inline bool views_lie_inside(bytes_view frame, const wire::frame_reader& reader) {
    switch (reader.kind()) {
        case wire::kind::hello: return lies_inside(frame, reader.hello().name);
        case wire::kind::welcome: {
            const auto& welcome = reader.welcome();
            return welcome.endpoint_count <= welcome.endpoints.size() &&
                   lies_inside(frame, welcome.node) &&
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
        case wire::kind::bye: return true;
    }
    return false;
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
        case wire::kind::goaway: return append(to, reader.goaway());
        case wire::kind::bye: return append(to, wire::bye{});
    }
}

}  // namespace dunlin::test
