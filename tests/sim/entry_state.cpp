// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/entry_state.hpp"

#include <cstddef>
#include <cstring>
#include <string_view>

namespace dunlin::sim {

namespace {

constexpr std::size_t entry_bytes = sizeof(std::uint64_t);

entry_list& of(void* object) { return *static_cast<entry_list*>(object); }
const entry_list& of(const void* object) { return *static_cast<const entry_list*>(object); }

void* create() { return new entry_list; }
void destroy(void* object) { delete static_cast<entry_list*>(object); }
int has_value(const void* object) { return of(object).has_value() ? 1 : 0; }
void reset(void* object) { of(object).reset(); }

int decode(void* object, const std::uint8_t* data, std::size_t size, dunlin_buffer* why) {
    constexpr std::string_view torn = "an entry is torn";
    if (size % entry_bytes != 0) {
        if (why->grow(why, torn.size()) == 0) {
            std::memcpy(why->data, torn.data(), torn.size());
            why->size = torn.size();
        }
        return 1;
    }
    auto& entries = of(object).emplace(size / entry_bytes);
    if (size != 0) std::memcpy(entries.data(), data, size);
    return 0;
}

int encode(const void* object, dunlin_buffer* to) {
    const auto& entries = *of(object);
    const auto size = entries.size() * entry_bytes;
    if (to->capacity - to->size < size && to->grow(to, to->size + size) != 0) return 1;
    if (size != 0) std::memcpy(to->data + to->size, entries.data(), size);
    to->size += size;
    return 0;
}

int assign(void* object, const void* other) {
    of(object) = of(other);
    return 0;
}

std::size_t memory_bytes(const void* object) {
    const auto& entries = of(object);
    return sizeof(entry_list) + (entries ? entries->capacity() * entry_bytes : 0);
}

constexpr dunlin_state_type type_of(std::uint32_t flags) {
    return {sizeof(dunlin_state_type),
            flags,
            "{}",
            &create,
            &destroy,
            &has_value,
            &reset,
            &decode,
            &encode,
            &assign,
            &memory_bytes};
}

}  // namespace

const dunlin_state_type& entry_state(bool cheap) {
    static constexpr auto with_cost = type_of(0);
    static constexpr auto without = type_of(DUNLIN_STATE_CHEAP_COPY);
    return cheap ? without : with_cost;
}

}  // namespace dunlin::sim
