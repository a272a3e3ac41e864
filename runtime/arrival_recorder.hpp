// SPDX-License-Identifier: Apache-2.0
//
// The recordings of a node's load that are under way, and the thread that looks at the pools for
// them each tenth of a second.
//
// A call pays nothing for it: pools count their calls anyway. While nobody records there is no
// thread. A recording that nobody reads for a minute is dropped, so a reader that dies leaves
// nothing behind; one that is complete waits as long for its reader. Owned by the node's own
// functions; ends before the pools do. Any thread.
#pragma once

#include "runtime/arrival_recording.hpp"
#include "runtime/router/function_registry.hpp"

#include <dunlin/result.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace dunlin::runtime {

class arrival_recorder {
public:
    explicit arrival_recorder(const function_registry& functions);
    ~arrival_recorder();
    arrival_recorder(const arrival_recorder&) = delete;
    arrival_recorder& operator=(const arrival_recorder&) = delete;

    struct begun {
        std::uint64_t id = 0;
        std::vector<std::string> functions;  // those of the wanted that this node serves
        std::size_t left_out = 0;            // beyond `recording_limits::functions_max`
    };
    /// Of these functions; of all that are not the node's own, if none is named. Errors:
    /// `failed`, when as many recordings are under way as can be, or no thread can be made.
    [[nodiscard]] result<begun> begin(const std::vector<std::string>& wanted, std::size_t periods);

    struct progress {
        std::size_t periods = 0;
        bool complete = false;
        arrival_recording::page page;
    };
    /// `invalid_argument` for a recording that was dropped, or never was.
    [[nodiscard]] result<progress> read(std::uint64_t id, std::size_t from);
    /// The same, up to now, and drops it.
    [[nodiscard]] result<progress> end(std::uint64_t id, std::size_t from);

private:
    struct entry {
        arrival_recording recording;
        std::vector<const actors::pool*> pools;
    };

    void run();
    void look(entry& at, std::int64_t now_ns) const;
    [[nodiscard]] static std::vector<arrival_counts> counts_of(
        const std::vector<const actors::pool*>& pools);
    [[nodiscard]] entry* find(std::uint64_t id);
    [[nodiscard]] static progress told(entry& at, std::size_t from, std::int64_t now_ns);

    const function_registry& functions_;
    std::mutex mutex_;
    std::condition_variable stopping_;
    std::map<std::uint64_t, entry> recordings_;
    std::uint64_t next_id_;     // not that of an earlier process
    std::int64_t tick_ns_ = 0;  // when the latest look was due
    bool running_ = false;      // the thread
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace dunlin::runtime
