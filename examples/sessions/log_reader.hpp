// SPDX-License-Identifier: Apache-2.0
//
// Reads a log line by line and says where each begins.
//
// A line without an end is one that is still being written: it is left for the next time, whose
// offset for it will be the same. One that is longer than `line_bytes_max` comes as an empty text,
// which is no line of a log either. Holds one block in memory. One thread.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sessions {

class log_reader {
public:
    struct line {
        std::string_view text;  // without its end; until the next one is asked for
        std::uint64_t offset;
    };

    /// Reads from `file`, which stays the caller's.
    explicit log_reader(int file) : file_(file) {}

    /// Nothing at the end, when reading failed, and when a signal has come meanwhile.
    [[nodiscard]] std::optional<line> next() {
        bool too_long = false;
        for (;;) {
            const auto end = buffer_.find('\n', searched_);
            if (end != std::string::npos) {
                const line found{too_long ? std::string_view()
                                          : std::string_view(buffer_).substr(begin_, end - begin_),
                                 line_offset_};
                line_offset_ += skipped_ + (end + 1 - begin_);
                skipped_ = 0;
                begin_ = searched_ = end + 1;
                return found;
            }
            if (buffer_.size() - begin_ > line_bytes_max) {
                too_long = true;
                skipped_ += buffer_.size() - begin_;
                begin_ = buffer_.size();
            }
            if (!read_more()) return std::nullopt;
        }
    }
    [[nodiscard]] std::uint64_t read_bytes() const noexcept { return read_bytes_; }
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    /// Of a last line that has no end.
    [[nodiscard]] std::uint64_t unfinished_bytes() const noexcept {
        return skipped_ + (buffer_.size() - begin_);
    }

private:
    static constexpr std::size_t block_bytes = std::size_t{256} << 10;
    static constexpr std::size_t line_bytes_max = std::size_t{64} << 10;

    [[nodiscard]] bool read_more() {
        buffer_.erase(0, begin_);
        begin_ = 0;
        searched_ = buffer_.size();
        buffer_.resize(searched_ + block_bytes);
        const auto got = ::read(file_, buffer_.data() + searched_, block_bytes);
        buffer_.resize(searched_ + static_cast<std::size_t>(got > 0 ? got : 0));
        failed_ = got < 0 && errno != EINTR;
        if (got > 0) read_bytes_ += static_cast<std::uint64_t>(got);
        return got > 0;
    }

    const int file_;
    std::string buffer_;
    std::size_t begin_ = 0;     // of the next line
    std::size_t searched_ = 0;  // up to where there is no line end behind `begin_`
    std::uint64_t line_offset_ = 0;
    std::uint64_t skipped_ = 0;  // of the next line, and dropped
    std::uint64_t read_bytes_ = 0;
    bool failed_ = false;
};

}  // namespace sessions
