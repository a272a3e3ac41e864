// SPDX-License-Identifier: Apache-2.0
//
// The latest calls that changed a key, each by its name and with its reply, so that one of them
// that comes again, to whichever node, is answered and not applied again.
//
// Bounded in calls and in bytes: the oldest leaves first. A reply that is larger than a bound of
// its own is not kept, only that its call was applied. The memory is the stored form, one call
// behind the other, so a write copies it as it is and a call costs no allocation once it has grown:
//
//     offset  bytes
//          0      8   origin of the call
//          8      8   its number
//         16      2   bytes of the reply; 65535: it is not kept
//         18          the reply
//
// Numbers are little-endian. Pure; guarded by the owner of its key.
#pragma once

#include "actors/state/state_store.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace dunlin::actors {

class recent_calls {
public:
    static constexpr std::size_t calls_max = 64;
    static constexpr std::size_t bytes_max = 2048;  // stored, of all together
    static constexpr std::size_t reply_bytes_max = 256;

    /// What became of one that was applied.
    struct outcome {
        bool has_reply = false;
        bytes_view reply;  // until something is added
    };

    /// An error says what `encoded` never gives.
    [[nodiscard]] static result<recent_calls> decode(bytes_view stored);

    /// @pre it is not among them
    void add(const call_name& name, bytes_view reply);
    /// Those of others, which came later.
    void append(const recent_calls& later);
    [[nodiscard]] std::optional<outcome> find(const call_name& name) const noexcept;

    /// As it is stored; until something is added. Empty: there are none.
    [[nodiscard]] bytes_view encoded() const noexcept { return bytes_view(bytes_).subspan(begin_); }
    [[nodiscard]] bool empty() const noexcept { return calls_ == 0; }
    [[nodiscard]] std::size_t calls() const noexcept { return calls_; }
    /// That it takes in memory.
    [[nodiscard]] std::size_t bytes() const noexcept { return sizeof *this + bytes_.capacity(); }
    /// The memory stays.
    void clear() noexcept {
        bytes_.clear();
        begin_ = calls_ = 0;
    }

private:
    struct entry;
    [[nodiscard]] static entry entry_at(const std::byte* at) noexcept;
    void add(const entry& latest);
    void make_room(std::size_t more);

    std::vector<std::byte> bytes_;
    std::size_t begin_ = 0;  // of the oldest; what is before it has left
    std::size_t calls_ = 0;
};

}  // namespace dunlin::actors
