// SPDX-License-Identifier: Apache-2.0
//
// How the node's own functions answer and refuse. For their source files only; on the thread of the
// call.
#pragma once

#include <dunlin/abi.h>
#include <dunlin/errc.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace dunlin::runtime {

inline std::int32_t refuse(const dunlin_host& host, dunlin_call* call, errc code,
                           std::string_view why) {
    host.fail(call, static_cast<std::int32_t>(code), why.data(), why.size());
    return DUNLIN_DONE;
}

inline std::int32_t answer_packed(const dunlin_host& host, dunlin_call* call,
                                  const std::vector<std::uint8_t>& packed) {
    auto* output = host.output(call);
    if (output->capacity - output->size < packed.size() &&
        output->grow(output, output->size + packed.size()) != 0)
        return refuse(host, call, errc::failed, "the reply exceeds the node's payload limit");
    std::memcpy(output->data + output->size, packed.data(), packed.size());
    output->size += packed.size();
    return DUNLIN_DONE;
}

inline std::int32_t answer(const dunlin_host& host, dunlin_call* call,
                           const nlohmann::json& value) {
    return answer_packed(host, call, nlohmann::json::to_msgpack(value));
}

}  // namespace dunlin::runtime
