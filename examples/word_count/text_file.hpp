// SPDX-License-Identifier: Apache-2.0
//
// Reads a text in chunks of bounded size without cutting a word.
//
// A chunk ends after a byte that is in no word. Where there is none the chunk grows, to four times
// its size at most, and is cut there. Holds one chunk in memory. One thread.
#pragma once

#include "words.hpp"

#include <cstddef>
#include <istream>
#include <string>
#include <string_view>

namespace word_count {

class text_file {
public:
    /// `from` has to outlive this.
    text_file(std::istream& from, std::size_t chunk_bytes)
        : from_(from),
          chunk_bytes_(chunk_bytes) {}

    /// Whether there is a NUL byte in the first 8 KiB: then it is not text.
    [[nodiscard]] bool binary() {
        fill(binary_check_bytes);
        return std::string_view(buffer_).substr(0, binary_check_bytes).find('\0') !=
               std::string_view::npos;
    }

    /// The next chunk; empty at the end, and when reading failed.
    [[nodiscard]] std::string next() {
        std::size_t size = 0;
        for (std::size_t bytes = chunk_bytes_; size == 0; bytes += chunk_bytes_) {
            fill(bytes + 1);  // one more tells whether this is all
            if (buffer_.empty()) return {};
            if (buffer_.size() <= bytes)
                size = buffer_.size();
            else
                size = last_cut(std::string_view(buffer_).substr(0, bytes));
            if (size == 0 && bytes >= growth_max * chunk_bytes_) size = bytes;
        }
        std::string chunk = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return chunk;
    }

private:
    static constexpr std::size_t binary_check_bytes = std::size_t{8} * 1024;
    static constexpr std::size_t growth_max = 4;

    void fill(std::size_t bytes) {
        const std::size_t before = buffer_.size();
        if (!from_.good() || before >= bytes) return;
        buffer_.resize(bytes);
        from_.read(buffer_.data() + before, static_cast<std::streamsize>(bytes - before));
        buffer_.resize(before + static_cast<std::size_t>(from_.gcount()));
    }

    std::istream& from_;
    std::size_t chunk_bytes_;
    std::string buffer_;  // read and not yet given out
};

}  // namespace word_count
