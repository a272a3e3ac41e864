// SPDX-License-Identifier: Apache-2.0
//
// Reads a text in chunks of bounded size without cutting a word.
//
// A chunk ends after a byte that is in no word: white space or ASCII punctuation. Where there is
// none the chunk grows, to four times its size at most, and is cut there. Holds one chunk in
// memory. One thread.
#pragma once

#include <cstddef>
#include <istream>
#include <string>

namespace word_count {

class text_file {
public:
    /// `from` has to outlive this.
    text_file(std::istream& from, std::size_t chunk_bytes);

    /// Whether there is a NUL byte at the beginning: then it is not text.
    [[nodiscard]] bool binary();
    /// Puts the next chunk into `chunk`. @returns false at the end, and when reading failed.
    [[nodiscard]] bool next(std::string& chunk);
    [[nodiscard]] bool failed() const noexcept { return failed_; }

private:
    void fill(std::size_t bytes);

    std::istream& from_;
    std::size_t chunk_bytes_;
    std::string buffer_;  // read and not yet given out
    bool ended_ = false;
    bool failed_ = false;
};

}  // namespace word_count
