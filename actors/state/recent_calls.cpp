// SPDX-License-Identifier: Apache-2.0
#include "actors/state/recent_calls.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace dunlin::actors {

namespace {

constexpr std::size_t head_bytes = 18;
constexpr std::size_t not_kept = 0xffff;
static_assert(recent_calls::reply_bytes_max < not_kept);
static_assert(head_bytes + recent_calls::reply_bytes_max <= recent_calls::bytes_max);

// Room for some calls beyond the bound, so that those that have left are cleared away together.
constexpr std::size_t room_max = recent_calls::bytes_max + recent_calls::bytes_max / 4;

void put(std::byte* to, std::uint64_t number, unsigned bytes) noexcept {
    for (unsigned i = 0; i < bytes; ++i) to[i] = static_cast<std::byte>(number >> (8 * i));
}

std::uint64_t get(const std::byte* from, unsigned bytes) noexcept {
    std::uint64_t number = 0;
    for (unsigned i = 0; i < bytes; ++i)
        number |= std::to_integer<std::uint64_t>(from[i]) << (8 * i);
    return number;
}

error damaged(const std::string& problem) {
    return {errc::unavailable, "the calls that are kept beside a value are damaged: " + problem};
}

}  // namespace

struct recent_calls::entry {
    call_name name;
    outcome what;
    [[nodiscard]] std::size_t bytes() const noexcept { return head_bytes + what.reply.size(); }
};

// @pre there is a head, and what it says
recent_calls::entry recent_calls::entry_at(const std::byte* at) noexcept {
    const auto size = static_cast<std::size_t>(get(at + 16, 2));
    const bool kept = size != not_kept;
    return {{get(at, 8), get(at + 8, 8)}, {kept, {at + head_bytes, kept ? size : 0}}};
}

result<recent_calls> recent_calls::decode(bytes_view stored) {
    if (stored.size() > bytes_max)
        return damaged("they have " + std::to_string(stored.size()) + " bytes");
    recent_calls made;
    for (auto rest = stored; !rest.empty(); ++made.calls_) {
        if (made.calls_ == calls_max) return damaged("there are too many");
        if (rest.size() < head_bytes) return damaged("they end inside of a call");
        const auto size = static_cast<std::size_t>(get(rest.data() + 16, 2));
        if (size != not_kept && size > reply_bytes_max) return damaged("a reply is too large");
        const auto bytes = head_bytes + (size == not_kept ? 0 : size);
        if (bytes > rest.size()) return damaged("they end inside of a reply");
        rest = rest.subspan(bytes);
    }
    made.bytes_.assign(stored.begin(), stored.end());
    return made;
}

void recent_calls::make_room(std::size_t more) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
    const auto wanted = bytes_.size() + more;
    if (wanted > bytes_.capacity())
        bytes_.reserve(std::min(room_max, std::max(wanted, 2 * bytes_.capacity())));
}

void recent_calls::add(const call_name& name, bytes_view reply) {
    const bool kept = reply.size() <= reply_bytes_max;
    add({name, {kept, kept ? reply : bytes_view()}});
}

void recent_calls::add(const entry& latest) {
    const auto more = latest.bytes();
    while (calls_ == calls_max || bytes_.size() - begin_ + more > bytes_max) {
        begin_ += entry_at(bytes_.data() + begin_).bytes();
        --calls_;
    }
    if (bytes_.size() + more > bytes_.capacity()) make_room(more);
    const auto& [has_reply, reply] = latest.what;
    std::array<std::byte, head_bytes> head;
    put(head.data(), latest.name.origin, 8);
    put(head.data() + 8, latest.name.id, 8);
    put(head.data() + 16, has_reply ? reply.size() : not_kept, 2);
    bytes_.insert(bytes_.end(), head.begin(), head.end());
    bytes_.insert(bytes_.end(), reply.begin(), reply.end());
    ++calls_;
}

void recent_calls::append(const recent_calls& later) {
    for (auto rest = later.encoded(); !rest.empty();) {
        const auto next = entry_at(rest.data());
        add(next);
        rest = rest.subspan(next.bytes());
    }
}

std::optional<recent_calls::outcome> recent_calls::find(const call_name& name) const noexcept {
    const auto* const end = bytes_.data() + bytes_.size();
    for (const auto* at = bytes_.data() + begin_; at != end;) {
        const auto next = entry_at(at);
        if (next.name == name) return next.what;
        at += next.bytes();
    }
    return std::nullopt;
}

}  // namespace dunlin::actors
