// SPDX-License-Identifier: Apache-2.0
#include "runtime/lane/routing_ids.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace dunlin::runtime {

void seed_routing_ids() {
    unsigned seed = 0;
    if (::getentropy(&seed, sizeof seed) != 0)
        throw std::system_error(errno, std::generic_category(), "getentropy");
    std::srand(seed);
}

std::string routing_id_count::id_of(std::uint32_t number) {
    std::string id(1, '\0');
    for (int shift = 24; shift >= 0; shift -= 8)
        id += static_cast<char>(static_cast<std::uint8_t>(number >> shift));
    return id;
}

std::optional<std::uint32_t> routing_id_count::number_of(std::string_view id) noexcept {
    if (id.size() != 1 + sizeof(std::uint32_t) || id.front() != '\0') return std::nullopt;
    std::uint32_t number = 0;
    for (const char octet : id.substr(1)) number = number << 8 | static_cast<std::uint8_t>(octet);
    return number;
}

}  // namespace dunlin::runtime
