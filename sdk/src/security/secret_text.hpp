// SPDX-License-Identifier: Apache-2.0
//
// Text that must not be shown, and that leaves no copy in memory when it goes.
//
// It has no operator<< and no conversion, so that it cannot slip into a log line or an error: who
// needs the text asks for it by name. Its memory is overwritten before it is freed; a secret that
// is dumped with a core or swapped out while it lives is out of reach. A value; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

namespace dunlin::security {

/// Overwrites memory in a way that the compiler keeps.
inline void wipe_bytes(void* memory, std::size_t size) noexcept {
    volatile auto* at = static_cast<unsigned char*>(memory);
    while (size-- > 0) *at++ = 0;
}

/// Overwrites all memory that the text has, and empties it.
inline void wipe(std::string& text) noexcept {
    text.resize(text.capacity());  // so that all of it may be written; takes no memory
    wipe_bytes(text.data(), text.size());
    text.clear();
}

class secret_text {
public:
    secret_text() = default;
    explicit secret_text(std::string text) noexcept : text_(std::move(text)) { wipe(text); }
    secret_text(const secret_text&) = default;
    secret_text(secret_text&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
    secret_text& operator=(const secret_text& other) {
        if (this != &other) *this = secret_text(other);
        return *this;
    }
    secret_text& operator=(secret_text&& other) noexcept {
        if (this == &other) return *this;
        wipe(text_);
        text_ = std::move(other.text_);
        wipe(other.text_);
        return *this;
    }
    ~secret_text() { wipe(text_); }

    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
    /// To hand to what encrypts with it or writes it to its file, and to nothing else.
    [[nodiscard]] const std::string& reveal() const noexcept { return text_; }

private:
    std::string text_;
};

}  // namespace dunlin::security
