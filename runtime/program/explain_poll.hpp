// SPDX-License-Identifier: Apache-2.0
//
// Asks the nodes of a cluster for their decisions, and puts what they say together by time.
//
// Nodes number their records themselves, so for each one is kept how far it was read. A node that
// does not answer is told of once, until it answers again, and goes on where it was. One thread;
// for the time of a round there is one more for each node. For source files only.
#pragma once

#include "runtime/program/connection.hpp"
#include "runtime/program/lenient_json.hpp"
#include "runtime/program/member_contacts.hpp"

#include <dunlin/client.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace dunlin::program {

struct told_decisions {
    std::vector<json> records;  // as of `dunlin/explain`, with "node" and "time" in front, by time
    std::vector<std::string> problems;  // a sentence each
    std::size_t answers = 0;            // nodes that answered
    bool known = false;                 // one of them knows the function
    std::uint64_t kept_max = 0;         // records that a node keeps
};

class explain_poll {
public:
    /// As of member_contacts. `function`: only what is about this one, unless it is empty.
    explain_poll(client entry, std::chrono::milliseconds patience, const key_files& keys,
                 std::string function);

    /// The latest of all nodes, `limit` together.
    [[nodiscard]] result<told_decisions> newest(std::size_t limit);
    /// The record of that number of each node, or of the one of that name.
    [[nodiscard]] result<told_decisions> numbered(std::uint64_t number, const std::string& node);
    /// What cannot grow any more and has not been told: at first the latest, `limit` together.
    [[nodiscard]] result<told_decisions> next(std::size_t limit);

    /// What the nodes serve, as far as they say.
    [[nodiscard]] std::vector<std::string> functions();

private:
    [[nodiscard]] result<void> meet();
    [[nodiscard]] result<json> ask(member_contacts::contact& whom, const json& question) const;
    /// Asks each node its question. Nodes of another name than `only`, if that is given, are not.
    template <class Question>
    [[nodiscard]] result<told_decisions> round(Question&& question, const std::string& only = {});
    void note(std::uint64_t instance, json& answer, told_decisions& into);

    member_contacts contacts_;
    std::string function_;
    std::map<std::uint64_t, std::uint64_t> read_to_;  // by instance
    std::set<std::uint64_t> silent_;                  // told of
    bool told_ = false;                               // the latest, once
};

}  // namespace dunlin::program
