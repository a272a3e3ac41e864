// SPDX-License-Identifier: Apache-2.0
//
// Reads msgpack value by value, where the caller's type says what comes next.
//
// Payloads come from strangers. A reader checks every length before it uses it, never follows
// nesting deeper than `depth_max`, and answers a value of the wrong shape with `false` and a
// sentence that names the field: `page.words[3]: expected integer from 0 to 255, got 300`. Nothing
// is thrown on that way. The path in the sentence costs nothing until there is an error: whoever
// receives `false` from a part adds its own step (`in_field`, `in_index`) on the way out.
//
// A reader points into the payload and lives on the decoder's stack: one thread.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

namespace dunlin {

/// The kinds of msgpack values.
enum class kind : std::uint8_t {
    none,  // the payload ends here, or msgpack has no such byte
    nil,
    boolean,
    integer,
    real,
    text,
    binary,
    array,
    map,
    extension,
};

class reader {
public:
    static constexpr std::uint32_t depth_max = 64;
    /// What the elements of a payload may take once they are decoded: this many times the size of
    /// the payload, and so much beside. An element of one byte may be a struct of hundreds.
    static constexpr std::size_t memory_factor = 16;
    static constexpr std::size_t memory_bytes_free = std::size_t{64} << 20;

    explicit reader(bytes_view payload) noexcept
        : at_(payload.data()),
          end_(payload.data() + payload.size()),
          begin_(payload.data()),
          memory_left_(payload.size() * memory_factor + memory_bytes_free) {}
    /// Lets `bytes` inside the payload share its memory. `payload` outlives the reader.
    explicit reader(const bytes& payload) noexcept : reader(payload.view()) {
        if (payload.owner() != nullptr) owner_ = &payload.owner();
    }
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;
    ~reader() {
        if (failure_ != nullptr) [[unlikely]]
            drop_failure();
    }

    // -- values: false, with an error, when something else comes ---------------------------------

    [[nodiscard]] bool nil();
    [[nodiscard]] bool boolean(bool& out);
    [[nodiscard]] bool integer(std::uint64_t& out,
                               std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) {
        if (at_ != end_ && std::to_integer<std::uint8_t>(*at_) <= 0x7f &&
            std::to_integer<std::uint64_t>(*at_) <= max) [[likely]] {
            out = std::to_integer<std::uint64_t>(*at_++);
            return true;
        }
        return wide_unsigned(out, max);
    }
    [[nodiscard]] bool integer(std::int64_t& out,
                               std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                               std::int64_t max = std::numeric_limits<std::int64_t>::max()) {
        if (at_ != end_ && std::to_integer<std::uint8_t>(*at_) <= 0x7f &&
            std::to_integer<std::int64_t>(*at_) <= max) [[likely]] {
            out = std::to_integer<std::int64_t>(*at_++);
            return true;
        }
        return wide_signed(out, min, max);
    }
    /// Any number; an integer is converted.
    [[nodiscard]] bool real(double& out);
    /// The text in the payload's memory.
    [[nodiscard]] bool text(std::string_view& out) {
        if (take_short_text(out)) return true;
        return long_text(out);
    }
    /// The bytes in the payload's memory. Text is taken as its bytes, as JSON callers send it.
    [[nodiscard]] bool binary(bytes_view& out);
    /// Enters an array of `count` values. `leave` after the last.
    [[nodiscard]] bool array(std::uint32_t& count);
    /// Enters an array that must have `count` values.
    [[nodiscard]] bool array_of(std::uint32_t count);
    /// Enters a map of `count` pairs. `leave` after the last.
    [[nodiscard]] bool map(std::uint32_t& count);
    void leave() noexcept { --depth_; }
    /// The next value as it stands in the payload.
    [[nodiscard]] bool raw(bytes_view& out);
    /// Passes over one value of any type.
    [[nodiscard]] bool skip();
    /// The payload ends here.
    [[nodiscard]] bool finish() { return at_ == end_ || trailing(); }

    // -- looking ahead ----------------------------------------------------------------------------

    [[nodiscard]] kind peek() const noexcept;
    /// Takes a nil if it is next.
    [[nodiscard]] bool take_nil() noexcept {
        if (at_ == end_ || std::to_integer<std::uint8_t>(*at_) != 0xc0) return false;
        ++at_;
        return true;
    }
    /// Takes a short text if it is next; a false is no error.
    [[nodiscard]] bool take_short_text(std::string_view& out) noexcept {
        if (at_ == end_) return false;
        const auto tag = std::to_integer<std::uint8_t>(*at_);
        const std::size_t size = tag & 0x1fu;
        if ((tag & 0xe0u) != 0xa0u || remaining() <= size) return false;
        out = {reinterpret_cast<const char*>(at_ + 1), size};
        at_ += 1 + size;
        return true;
    }
    [[nodiscard]] const std::byte* position() const noexcept { return at_; }
    [[nodiscard]] std::size_t remaining() const noexcept {
        return static_cast<std::size_t>(end_ - at_);
    }
    /// Counts memory for `count` elements of `element_bytes` each, before they are made. False,
    /// with an error, when the payload has taken all that it may.
    [[nodiscard]] bool take_memory(std::uint32_t count, std::size_t element_bytes) {
        const std::size_t wanted = count * element_bytes;
        if (wanted > memory_left_) [[unlikely]]
            return too_large();
        memory_left_ -= wanted;
        return true;
    }
    /// What keeps the payload alive, or null when nobody shares it.
    [[nodiscard]] const std::shared_ptr<const void>* owner() const noexcept { return owner_; }

    // -- errors -----------------------------------------------------------------------------------

    /// "PATH: WANTED, got ..." where what came is described from the payload; `wanted` reads like
    /// "expected string". Returns false.
    bool fail(std::string_view wanted);
    /// "PATH: SENTENCE". Returns false.
    bool fail_with(std::string sentence);
    /// Refuses a number that a 32-bit float cannot hold. Returns false.
    bool fail_float(double came);
    // Each adds one step in front of the path and returns false.
    bool in_field(std::string_view name);
    bool in_index(std::size_t index);
    /// A step into a map by its key, e.g. `["the"]` or `[7]`.
    bool in_key(bytes_view encoded_key);
    bool in_key(std::string_view text);

    [[nodiscard]] bool failed() const noexcept { return failure_ != nullptr; }
    /// The error in words, with `root` as the start of the path.
    [[nodiscard]] error take_error(std::string_view root);

private:
    struct failure;

    bool wide_unsigned(std::uint64_t& out, std::uint64_t max);
    bool wide_signed(std::int64_t& out, std::int64_t min, std::int64_t max);
    bool long_text(std::string_view& out);
    bool trailing();
    bool enter();
    bool too_deep();
    bool too_large();
    bool fail_integer(bool narrow, const std::string& from, const std::string& to);
    bool step(std::string segment);
    [[nodiscard]] bytes_view rest() const noexcept { return {at_, remaining()}; }
    [[nodiscard]] std::string what_comes() const;
    void drop_failure() noexcept;

    const std::byte* at_;
    const std::byte* end_;
    const std::byte* begin_;
    std::size_t memory_left_;
    const std::shared_ptr<const void>* owner_ = nullptr;
    failure* failure_ = nullptr;
    std::uint32_t depth_ = 0;
};

}  // namespace dunlin
