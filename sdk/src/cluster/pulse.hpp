// SPDX-License-Identifier: Apache-2.0
//
// Whether the other end of a connection still works, judged by what is heard of it.
//
// A process that hangs and a network that swallows packets leave a connection standing: nothing is
// closed, and nothing comes. So while something is expected, silence is met with a ping; when that
// is not answered soon either the other end is `late`, to be passed over as long as there is
// someone else, and after `silence_max_ns` it is `silent`, to be given up. Someone who is doubted,
// because those who should know him do not name him any more, is asked at once and given up sooner.
//
// A look that comes late, because this process did not run, says nothing about the peer: as much
// time is taken off the silence. Pure: time is handed in. One owner, one thread.
#pragma once

#include <cstdint>

namespace dunlin::cluster {

class pulse {
public:
    struct limits {
        std::int64_t ping_after_ns = 100'000'000;  // of silence
        std::int64_t late_after_ns = 100'000'000;  // of the ping
        std::int64_t silence_max_ns = 0;           // 0: never given up
        std::int64_t doubt_max_ns = 300'000'000;   // of the ping, if doubted
        std::int64_t slack_ns = 50'000'000;        // looking so much too late is no oversight
    };
    enum class verdict : std::uint8_t {
        well,
        ping,    // send one now
        late,    // there has been no answer to it for too long
        silent,  // give up
    };

    explicit pulse(const limits& bounds) noexcept : bounds_(bounds) {}

    /// Anything arrived.
    void heard(std::int64_t now_ns) noexcept {
        heard_ns_ = now_ns;
        moved(now_ns);
    }
    /// The connection has moved bytes, of which nothing is whole yet, or which were our own.
    void moved(std::int64_t now_ns) noexcept;
    /// Ask at once, whether something is expected or not.
    void doubt() noexcept { doubted_ = true; }
    [[nodiscard]] bool doubted() const noexcept { return doubted_; }
    /// A ping has had no answer.
    [[nodiscard]] bool asked() const noexcept { return pinged_ns_ != 0; }

    /// @param expects  something should come: calls are unanswered there.
    [[nodiscard]] verdict look(bool expects, std::int64_t now_ns) noexcept;
    /// When to look next; before that, only when something begins to be expected.
    [[nodiscard]] std::int64_t next_ns() const noexcept { return doubted_asks() ? 0 : next_ns_; }
    /// As the last look found it, if nothing was heard since, whether or not anything is expected
    /// now.
    [[nodiscard]] bool late() const noexcept { return late_; }
    /// When anything last arrived; 0: never.
    [[nodiscard]] std::int64_t heard_ns() const noexcept { return heard_ns_; }

private:
    static constexpr std::int64_t never_ns = INT64_MAX;

    [[nodiscard]] bool doubted_asks() const noexcept { return doubted_ && pinged_ns_ == 0; }

    limits bounds_;
    std::int64_t heard_ns_ = 0;
    std::int64_t silent_since_ns_ = 0;  // less what this process has missed
    std::int64_t pinged_ns_ = 0;        // 0: not since something was heard
    std::int64_t next_ns_ = never_ns;
    bool listens_ = false;
    bool doubted_ = false;
    bool late_ = false;
};

}  // namespace dunlin::cluster
