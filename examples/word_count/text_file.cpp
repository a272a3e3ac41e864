// SPDX-License-Identifier: Apache-2.0
#include "text_file.hpp"

#include "count_words.hpp"

#include <string_view>

namespace word_count {

namespace {

constexpr std::size_t binary_check_bytes = 8 * 1024;
constexpr std::size_t growth_max = 4;

}  // namespace

text_file::text_file(std::istream& from, std::size_t chunk_bytes)
    : from_(from),
      chunk_bytes_(chunk_bytes) {}

void text_file::fill(std::size_t bytes) {
    if (ended_ || buffer_.size() >= bytes) return;
    const std::size_t before = buffer_.size();
    buffer_.resize(bytes);
    from_.read(buffer_.data() + before, static_cast<std::streamsize>(bytes - before));
    buffer_.resize(before + static_cast<std::size_t>(from_.gcount()));
    ended_ = !from_.good();
    failed_ = from_.bad();
}

bool text_file::binary() {
    fill(binary_check_bytes);
    return std::string_view(buffer_).substr(0, binary_check_bytes).find('\0') != std::string::npos;
}

bool text_file::next(std::string& chunk) {
    std::size_t size = 0;
    for (std::size_t bytes = chunk_bytes_; size == 0; bytes += chunk_bytes_) {
        fill(bytes + 1);  // one more tells whether this is all
        if (buffer_.empty() || failed_) return false;
        if (buffer_.size() <= bytes) {
            size = buffer_.size();
        } else {
            size = last_cut(std::string_view(buffer_).substr(0, bytes));
            if (size == 0 && bytes >= growth_max * chunk_bytes_) size = bytes;
        }
    }
    chunk.assign(buffer_, 0, size);
    buffer_.erase(0, size);
    return true;
}

}  // namespace word_count
