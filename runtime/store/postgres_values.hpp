// SPDX-License-Identifier: Apache-2.0
//
// Values of PostgreSQL in their binary form: numbers in network order, arrays with a header.
//
// Parameters and results are binary, so that keys and values travel as they are: as text they would
// be twice as long, and escaped on both sides. Pure.
#pragma once

#include <dunlin/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::runtime::store::pg {

/// Types by their numbers, which are part of PostgreSQL's catalog and never change.
enum class type : std::uint32_t { boolean = 16, bytea = 17, int8 = 20, int4 = 23 };

inline void append_number(std::string& to, std::uint64_t number, unsigned bytes) {
    for (unsigned i = bytes; i-- > 0;) to.push_back(static_cast<char>(number >> (8 * i)));
}

[[nodiscard]] inline std::string number(std::uint64_t value, unsigned bytes) {
    std::string text;
    append_number(text, value, bytes);
    return text;
}

[[nodiscard]] inline std::uint64_t read_number(std::string_view data) noexcept {
    std::uint64_t value = 0;
    for (const char c : data) value = (value << 8) | static_cast<unsigned char>(c);
    return value;
}

/// An array of one dimension, without nulls.
class array {
public:
    explicit array(type element) {
        append_number(data_, 1, 4);  // dimensions
        append_number(data_, 0, 4);  // none is null
        append_number(data_, static_cast<std::uint32_t>(element), 4);
        append_number(data_, 0, 4);  // how many, see `finish`
        append_number(data_, 1, 4);  // the first one's number
    }

    void add(std::uint64_t value, unsigned bytes) {
        append_number(data_, bytes, 4);
        append_number(data_, value, bytes);
        ++count_;
    }
    void add(bytes_view value) {
        append_number(data_, value.size(), 4);
        data_.append(as_text(value));
        ++count_;
    }
    [[nodiscard]] std::string finish() && {
        data_.replace(12, 4, number(count_, 4));
        return std::move(data_);
    }

private:
    std::string data_;
    std::uint32_t count_ = 0;
};

}  // namespace dunlin::runtime::store::pg
