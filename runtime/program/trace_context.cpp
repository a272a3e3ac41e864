// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/trace_context.hpp"

#include "actors/request_trace.hpp"
#include "runtime/program/verb.hpp"
#include "wire/envelope.hpp"

#include <cstdint>
#include <random>
#include <utility>

namespace dunlin::program {

void check_trace(std::string_view text) {
    if (text.size() > wire::trace_bytes_max)
        throw usage_error("--trace has " + std::to_string(text.size()) + " bytes, the most is " +
                          std::to_string(wire::trace_bytes_max));
    if (actors::trace_id_of(text).empty())
        throw usage_error(
            "--trace wants a W3C traceparent such as "
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, not '" +
            std::string(text) + "'");
}

call_traces::call_traces(std::string given) : given_(std::move(given)) {
    std::random_device random;
    origin_ = std::uint64_t{random()} << 32 | random() | 1;
}

std::string call_traces::next() {
    if (!given_.empty()) return given_;
    actors::invocation call;  // as a node would name it
    call.source = origin_;
    call.id = ++calls_;
    return std::string(actors::request_trace(call, 0).text());
}

}  // namespace dunlin::program
