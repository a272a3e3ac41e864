// SPDX-License-Identifier: Apache-2.0
#include <dunlin/fields.hpp>

#include <string>

namespace dunlin::detail {
namespace {

// Writers mostly send fields in the order in which they are declared: the one after the last
// found is looked at first.
std::size_t find_field(const field_decoder* fields, std::size_t count, std::size_t likely,
                       std::string_view name) noexcept {
    if (likely < count && fields[likely].name == name) return likely;
    for (std::size_t i = 0; i < count; ++i) {
        if (fields[i].name == name) return i;
    }
    return count;
}

bool check_required(reader& from, const field_decoder* fields, std::size_t count,
                    const std::uint64_t* seen) {
    for (std::size_t i = 0; i < count; ++i) {
        if (fields[i].required && (seen[i / 64] >> (i % 64) & 1u) == 0) {
            return from.fail_with("required field \"" + std::string(fields[i].name) +
                                  "\" is missing");
        }
    }
    return true;
}

}  // namespace

bool decode_fields(reader& from, void* object, const field_decoder* fields, std::size_t count,
                   std::uint64_t* seen) {
    std::uint32_t pairs = 0;
    if (!from.map(pairs)) return false;
    std::size_t likely = 0;
    for (; pairs != 0; --pairs) {
        std::string_view name;
        if (!from.take_short_text(name)) {
            // A key that is no text is no field of ours; it is ignored like any unknown one.
            if (from.peek() != kind::text) {
                if (!from.skip() || !from.skip()) return false;
                continue;
            }
            if (!from.text(name)) return false;
        }
        const std::size_t index = find_field(fields, count, likely, name);
        if (index == count) {
            if (!from.skip()) return from.in_key(name);
            continue;
        }
        const std::uint64_t bit = std::uint64_t{1} << (index % 64);
        if ((seen[index / 64] & bit) != 0) {
            return from.fail_with("the field appears twice") || from.in_field(name);
        }
        seen[index / 64] |= bit;
        if (!fields[index].decode(from, object)) return from.in_field(name);
        likely = index + 1;
    }
    from.leave();
    return check_required(from, fields, count, seen);
}

}  // namespace dunlin::detail
