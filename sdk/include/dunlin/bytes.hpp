// SPDX-License-Identifier: Apache-2.0
//
// Byte strings that travel without being copied.
//
// `bytes_view` points into memory that someone else keeps alive: as an input of a function it
// points into the received payload and is valid until the function has answered. `bytes` owns
// its memory by reference count and is immutable, so a slice of a received message can be kept,
// passed to another thread and shared for the price of a counter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace dunlin {

using bytes_view = std::span<const std::byte>;

[[nodiscard]] inline bytes_view as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(bytes_view data) noexcept {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// An immutable byte string with shared ownership. Copying shares; nothing mutates.
class bytes {
public:
    bytes() = default;

    /// Copies `data`.
    explicit bytes(bytes_view data) {
        if (data.empty()) return;
        auto memory = std::make_shared_for_overwrite<std::byte[]>(data.size());
        std::memcpy(memory.get(), data.data(), data.size());
        view_ = {memory.get(), data.size()};
        owner_ = std::move(memory);
    }
    explicit bytes(std::string_view text) : bytes(as_bytes(text)) {}

    /// Shares memory that `owner` keeps alive; nothing is copied.
    bytes(std::shared_ptr<const void> owner, bytes_view data) noexcept
        : owner_(std::move(owner)),
          view_(data) {}

    [[nodiscard]] const std::byte* data() const noexcept { return view_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return view_.size(); }
    [[nodiscard]] bool empty() const noexcept { return view_.empty(); }
    [[nodiscard]] bytes_view view() const noexcept { return view_; }
    operator bytes_view() const noexcept { return view_; }
    /// What keeps the memory alive; null when the bytes are empty or not owned.
    [[nodiscard]] const std::shared_ptr<const void>& owner() const noexcept { return owner_; }

    friend bool operator==(const bytes& a, const bytes& b) noexcept {
        return as_text(a.view_) == as_text(b.view_);
    }

private:
    std::shared_ptr<const void> owner_;
    bytes_view view_;
};

}  // namespace dunlin
