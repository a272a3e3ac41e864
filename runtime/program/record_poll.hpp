// SPDX-License-Identifier: Apache-2.0
//
// Has the nodes of a cluster record how many calls come to them, and adds up what they tell.
//
// A node that comes later records from then on. One that goes or falls silent is told of once; what
// it has told counts, and the others go on. One thread; for the time of a round there is one more
// for each node. For source files only.
#pragma once

#include "runtime/arrival_recording.hpp"
#include "runtime/program/connection.hpp"
#include "runtime/program/lenient_json.hpp"
#include "runtime/program/member_contacts.hpp"
#include "runtime/program/recorded_load.hpp"

#include <dunlin/client.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::program {

class record_poll {
public:
    static constexpr auto period = runtime::recording_limits::period;
    static constexpr auto periods_max = runtime::recording_limits::periods_max;

    /// As of member_contacts. `functions`: those to record; all if there are none. `periods`: how
    /// many, `periods_max` at most.
    record_poll(client entry, std::chrono::milliseconds patience, const key_files& keys,
                std::vector<std::string> functions, std::size_t periods);

    /// Begins at nodes that do not record yet, and asks the others for what came since the last
    /// round. Errors: what the last node said when nobody lists the members.
    [[nodiscard]] result<void> round();
    /// Asks for what has come up to now, and ends all recordings.
    void finish();

    /// Nodes that record, or have done so to the end.
    [[nodiscard]] std::size_t nodes() const noexcept { return recording_.size(); }
    /// All of them that answer have recorded all periods.
    [[nodiscard]] bool complete() const noexcept;
    /// Periods that have passed since the first round began.
    [[nodiscard]] std::size_t passed() const noexcept;
    [[nodiscard]] const recorded_load& load() const noexcept { return load_; }
    /// What has gone wrong since this was asked last, a sentence each.
    [[nodiscard]] std::vector<std::string> take_problems();

private:
    using clock = std::chrono::steady_clock;

    // What a node records. Its period number 0 is number `offset` of the whole.
    struct recording {
        std::uint64_t id = 0;
        std::size_t offset = 0;
        std::size_t read_to = 0;
        std::size_t periods = 0;
        bool complete = false;
        std::map<std::string, std::pair<std::uint64_t, double>> service;  // ended, busy_ns so far
    };

    [[nodiscard]] result<json> ask(member_contacts::contact& whom, const json& question) const;
    [[nodiscard]] json question_for(std::uint64_t instance, bool stop, std::size_t now) const;
    void ask_each(bool stop);
    void note(std::uint64_t instance, const std::string& name, const result<json>& answer,
              std::size_t asked_at);
    void note_begun(std::uint64_t instance, const std::string& name, const json& answer,
                    std::size_t asked_at);
    void note_read(recording& of, const json& answer);
    void complain_once(std::uint64_t instance, const std::string& name, const error& why);

    member_contacts contacts_;
    std::vector<std::string> functions_;
    std::size_t periods_;
    std::optional<clock::time_point> began_;
    std::map<std::uint64_t, recording> recording_;  // by instance
    std::map<std::uint64_t, std::string> versions_;
    std::set<std::uint64_t> silent_;  // told of
    std::set<std::uint64_t> unable_;  // not asked again
    std::vector<std::string> problems_;
    recorded_load load_;
};

}  // namespace dunlin::program
