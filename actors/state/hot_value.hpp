// SPDX-License-Identifier: Apache-2.0
//
// The value under a key while it is in memory: the object that functions work with, and its
// encoded form, either of which may be missing.
//
// Functions get the object itself, so a turn on a hot key neither decodes nor copies it. It is
// encoded when a store wants it, not for each turn, and before a turn that may fail in the middle,
// unless a copy of the object costs nothing (DUNLIN_STATE_CHEAP_COPY).
//
// Every member but `snapshot` and `take_snapshot` is for who holds the key; these two are called
// under the lock of its shard, so that a commit can read the last whole value while a turn works on
// the next. Calls code of the module (its state type), which may take as long as the value is
// large.
#pragma once

#include "support/block_buffer.hpp"

#include <dunlin/abi.h>
#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::actors {

/// What encoded forms are written into: the memory of replies, which is pooled.
using state_buffer = support::block_buffer<64, 448>;

class hot_value {
public:
    hot_value() = default;
    hot_value(const hot_value&) = delete;
    hot_value& operator=(const hot_value&) = delete;
    hot_value(hot_value&& other) noexcept;
    hot_value& operator=(hot_value&& other) noexcept;
    ~hot_value() { clear(); }

    /// There is this value, or none.
    void assign(bool present, bytes_view encoded);
    /// The object, as one of that type. @returns null, with the reason, when the bytes do not fit
    /// it; they stay as they are.
    [[nodiscard]] result<void*> object_of(const dunlin_state_type& type);
    /// ... when it was there before; null otherwise.
    [[nodiscard]] void* object(const dunlin_state_type* type) const noexcept {
        return type_ == type ? object_ : nullptr;
    }

    /// Makes it possible to undo what comes. `spare` is for the copy, and of the same type.
    [[nodiscard]] result<void> protect(void* spare);
    /// The value is again what it was at `protect`.
    void undo(void* spare);
    /// The object is not what the encoded form says any more.
    void changed() noexcept { current_ = false; }
    void erase();

    [[nodiscard]] bool encoded_is_current() const noexcept { return current_; }
    /// Encodes the object into `to`. @returns whether there is a value. Only reads.
    [[nodiscard]] result<bool> encode(state_buffer& to) const;
    /// That is the encoded form now.
    void take_snapshot(bool present, bytes_view encoded);
    /// The encoded form and whether there is one. @pre `encoded_is_current()`
    [[nodiscard]] bytes_view snapshot() const noexcept { return encoded_; }
    [[nodiscard]] bool snapshot_present() const noexcept { return present_; }
    [[nodiscard]] bool cheap() const noexcept {
        return type_ != nullptr && (type_->flags & DUNLIN_STATE_CHEAP_COPY) != 0;
    }
    /// Of object and encoded form, about.
    [[nodiscard]] std::size_t bytes() const;

private:
    void clear() noexcept;
    [[nodiscard]] result<void> decode_into(void* object) const;

    const dunlin_state_type* type_ = nullptr;  // of the object
    void* object_ = nullptr;
    std::vector<std::byte> encoded_;
    bool present_ = false;  // as encoded
    bool current_ = true;   // `encoded_` and `present_` tell the value
};

}  // namespace dunlin::actors
