// SPDX-License-Identifier: Apache-2.0
//
// A list that is packed while it is made, for answers with an element for each function of a node.
//
// As a tree of JSON values such an answer takes some twenty times what it is on the wire: 200 MB
// for the description of ten thousand functions, which the process keeps for its next such answer.
// Here one element at a time is a tree. A value; one thread at a time.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::runtime {

class packed_list {
public:
    void add(const nlohmann::json& element) {
        nlohmann::json::to_msgpack(element, bytes_);
        ++count_;
    }
    /// The list as msgpack, which is empty afterwards.
    [[nodiscard]] std::vector<std::uint8_t> take() {
        put_big_endian(bytes_.data() + 1, count_, 4);
        count_ = 0;
        return std::exchange(bytes_, {array_of_32_bits, 0, 0, 0, 0});
    }
    /// The object as msgpack, with the list as one member more.
    /// @pre it has fewer than 65,535 members, and none of that name.
    [[nodiscard]] std::vector<std::uint8_t> take_into(const nlohmann::json& object,
                                                      std::string_view name) {
        std::vector<std::uint8_t> packed{map_of_16_bits, 0, 0};
        put_big_endian(packed.data() + 1, object.size() + 1, 2);
        for (const auto& [key, value] : object.items()) {
            nlohmann::json::to_msgpack(key, packed);
            nlohmann::json::to_msgpack(value, packed);
        }
        nlohmann::json::to_msgpack(name, packed);
        const auto list = take();
        packed.insert(packed.end(), list.begin(), list.end());
        return packed;
    }

private:
    static constexpr std::uint8_t array_of_32_bits = 0xdd;
    static constexpr std::uint8_t map_of_16_bits = 0xde;

    static void put_big_endian(std::uint8_t* to, std::size_t number, int bytes) noexcept {
        for (int i = bytes; i-- > 0; number >>= 8) to[i] = static_cast<std::uint8_t>(number);
    }

    std::vector<std::uint8_t> bytes_{array_of_32_bits, 0, 0, 0, 0};
    std::size_t count_ = 0;
};

}  // namespace dunlin::runtime
