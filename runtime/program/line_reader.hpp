// SPDX-License-Identifier: Apache-2.0
//
// Lines from a descriptor that may be a file, a pipe or a terminal, read without blocking.
//
// The owner polls the descriptor, calls `fill` when it is readable and takes lines until there are
// no more. The memory is bounded by the longest line, and a line beyond the limit is an error.
// One thread.
#pragma once

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::program {

class line_reader {
public:
    static constexpr std::size_t line_bytes_max = std::size_t{64} << 20;

    /// `path` "-" means standard input.
    [[nodiscard]] static result<line_reader> open(const std::string& path);
    line_reader(line_reader&& other) noexcept;
    line_reader& operator=(line_reader&&) = delete;
    ~line_reader();

    [[nodiscard]] int fd() const noexcept { return fd_; }
    /// Reads what is there, once. The error is the system's, or a line that is too long.
    [[nodiscard]] result<void> fill();
    /// The next line that is whole, without its end; valid until `fill`. Lines that are blank are
    /// passed over, but counted.
    [[nodiscard]] bool take(std::string_view& line);
    /// The number, from 1, of the line that `take` gave last.
    [[nodiscard]] std::uint64_t line_number() const noexcept { return line_number_; }
    /// Nothing more will come from the descriptor.
    [[nodiscard]] bool at_end() const noexcept { return at_end_; }

private:
    explicit line_reader(int fd) noexcept : fd_(fd) {}

    int fd_;
    std::string buffer_;
    std::size_t at_ = 0;        // where the next line starts
    std::size_t searched_ = 0;  // no line ends before this
    std::uint64_t line_number_ = 0;
    bool at_end_ = false;
};

}  // namespace dunlin::program
