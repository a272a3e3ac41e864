// SPDX-License-Identifier: Apache-2.0
//
// The work every peer does, so that a figure of one can be held against a figure of another.
//
// It is a closed loop: the client keeps `window` requests of `size` bytes in flight against an
// echo in another process, and each reply releases the next request. The first eight bytes of a
// payload carry the instant it was sent; the echo brings them back, so a latency needs no table of
// outstanding requests, whose upkeep would weigh on the faster peers most.
//
// One thread uses a closed_loop at a time; it has no lock.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace workload {

enum class role { server, client, version };

struct options {
    role as = role::client;
    std::uint16_t port = 0;  // a server takes 0 for "any free one"
    std::size_t requests = 100'000;
    std::size_t window = 64;
    std::size_t size_bytes = 64;
};

[[noreturn]] inline void give_up(const std::string& why) {
    std::fprintf(stderr, "error: %s\n", why.c_str());
    std::exit(2);
}

inline std::size_t parse_number(std::string_view name, const char* text) {
    char* end = nullptr;
    auto value = std::strtoull(text, &end, 10);
    if (end == text || *end != '\0')
        give_up("option " + std::string{name} + " takes a number, not '" + text + "'");
    return value;
}

inline void parse_role(options& parsed, std::string_view word) {
    if (word == "server")
        parsed.as = role::server;
    else if (word == "client")
        parsed.as = role::client;
    else if (word == "version")
        parsed.as = role::version;
    else
        give_up("unknown argument '" + std::string{word} +
                "'; usage: server|client|version [--port P] [--requests N] [--window W] [--size "
                "BYTES]");
}

inline void check(const options& parsed) {
    if (parsed.size_bytes < sizeof(std::int64_t))
        give_up("--size must leave room for the 8 bytes of the send stamp");
    if (parsed.window == 0 || parsed.requests == 0)
        give_up("--window and --requests must be at least 1");
    if (parsed.as == role::client && parsed.port == 0)
        give_up("a client needs the --port its server printed");
}

inline options parse_options(int argc, char** argv) {
    options parsed;
    for (int i = 1; i < argc; ++i) {
        std::string_view word = argv[i];
        if (!word.starts_with("--")) {
            parse_role(parsed, word);
            continue;
        }
        if (++i == argc) give_up("option " + std::string{word} + " lacks its value");
        auto value = parse_number(word, argv[i]);
        if (word == "--port")
            parsed.port = static_cast<std::uint16_t>(value);
        else if (word == "--requests")
            parsed.requests = value;
        else if (word == "--window")
            parsed.window = value;
        else if (word == "--size")
            parsed.size_bytes = value;
        else
            give_up("unknown option " + std::string{word});
    }
    check(parsed);
    return parsed;
}

/// A server's first line of output: whoever started it waits for this line, and for nothing else.
inline void announce_port(unsigned port) {
    std::printf("%u\n", port);
    std::fflush(stdout);
}

class closed_loop {
public:
    explicit closed_loop(const options& chosen)
        : requests_(chosen.requests),
          window_(chosen.window),
          payload_(chosen.size_bytes, 'x') {
        latencies_ns_.reserve(requests_);
    }

    /// The unmeasured first request, whose reply proves that the connection stands.
    const std::string& probe() const { return payload_; }

    /// Starts the clock and fills the window; `send` is called once for each request.
    template <class Send>
    void open(Send&& send) {
        begun_at_ns_ = now_ns();
        for (std::size_t i = 0; i < window_; ++i) send_next(send);
    }

    /// Takes a reply, and lets the request it makes room for go out.
    template <class Send>
    void on_reply(const void* data, std::size_t size_bytes, Send&& send) {
        if (size_bytes == payload_.size())
            latencies_ns_.push_back(now_ns() - stamp_of(data));
        else
            ++errors_;
        send_next(send);
    }

    template <class Send>
    void on_error(Send&& send) {
        ++errors_;
        send_next(send);
    }

    bool finished() const { return latencies_ns_.size() + errors_ == requests_; }

    /// One JSON object on one line. Call once, when finished; it reorders the latencies.
    void print(const char* peer) {
        auto elapsed_s = static_cast<double>(now_ns() - begun_at_ns_) / 1e9;
        std::sort(latencies_ns_.begin(), latencies_ns_.end());
        std::printf(
            "{\"peer\":\"%s\",\"requests\":%zu,\"errors\":%zu,\"window\":%zu,\"size\":%zu,"
            "\"per_second\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f}\n",
            peer, requests_, errors_, window_, payload_.size(),
            static_cast<double>(latencies_ns_.size()) / elapsed_s, quantile_us(0.5),
            quantile_us(0.99), quantile_us(0.999));
        std::fflush(stdout);
    }

private:
    static std::int64_t now_ns() {
        return std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}
            .count();
    }

    static std::int64_t stamp_of(const void* data) {
        std::int64_t sent_at_ns;
        std::memcpy(&sent_at_ns, data, sizeof sent_at_ns);
        return sent_at_ns;
    }

    template <class Send>
    void send_next(Send&& send) {
        if (sent_ == requests_) return;
        ++sent_;
        auto sent_at_ns = now_ns();
        std::memcpy(payload_.data(), &sent_at_ns, sizeof sent_at_ns);
        send(static_cast<const std::string&>(payload_));
    }

    double quantile_us(double share) const {
        if (latencies_ns_.empty()) return 0;
        auto last = static_cast<double>(latencies_ns_.size() - 1);
        return static_cast<double>(latencies_ns_[static_cast<std::size_t>(share * last)]) / 1e3;
    }

    std::size_t requests_;
    std::size_t window_;
    std::size_t sent_ = 0;
    std::size_t errors_ = 0;
    std::string payload_;
    std::vector<std::int64_t> latencies_ns_;
    std::int64_t begun_at_ns_ = 0;
};

}  // namespace workload
