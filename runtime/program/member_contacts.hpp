// SPDX-License-Identifier: Apache-2.0
//
// The living nodes of a cluster, with a way to each, for verbs that ask them all again and again.
//
// A node that hangs costs a round of questions its patience, and no other node's answer. Who the
// members are is asked of one node, and of another one when that does not answer any more. One
// thread calls; for the time of a round there is one more for each node.
#pragma once

#include "runtime/program/connection.hpp"
#include "runtime/program/member_list.hpp"

#include <dunlin/bytes.hpp>
#include <dunlin/client.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace dunlin::program {

class member_contacts {
public:
    /// Of a larger cluster the first ones are asked, so that neither threads nor sockets run out.
    static constexpr std::size_t nodes_asked_max = 128;

    /// A node and the way to it, which is made when it is needed.
    struct contact {
        std::string name;
        std::vector<std::string> endpoints;
        std::shared_ptr<client> way = {};
    };

    /// `entry` leads to the node that is asked for the members as long as it answers. `patience`
    /// is how long any answer may take; `keys` are for the other nodes.
    member_contacts(client entry, std::chrono::milliseconds patience, key_files keys);

    /// Asks who there is. Those that live are the contacts then. Errors: what the last node said,
    /// or that it did not, when nobody lists the members; the contacts stay as they are.
    [[nodiscard]] result<std::vector<member>> refresh();
    /// The node that `entry` leads to is the only contact.
    void only_entry();

    /// By instance.
    [[nodiscard]] const std::map<std::uint64_t, contact>& all() const noexcept { return all_; }

    /// Calls a function of one node within the patience. Any thread, but one for each contact.
    [[nodiscard]] result<bytes> call(contact& whom, const std::string& function,
                                     const bytes& input = {}) const;

    /// `ask(instance, contact)` of each, at the same time. What they return, by instance.
    template <class Ask>
    auto ask_all(Ask&& ask) {
        using answer = std::invoke_result_t<Ask&, std::uint64_t, contact&>;
        std::map<std::uint64_t, std::future<answer>> asked;
        for (auto& [instance, whom] : all_)
            asked.emplace(instance,
                          std::async(std::launch::async, std::ref(ask), instance, std::ref(whom)));
        std::map<std::uint64_t, answer> answers;
        for (auto& [instance, each] : asked) answers.emplace(instance, each.get());
        return answers;
    }

private:
    void meet(const std::vector<member>& members);

    std::chrono::milliseconds patience_;
    key_files keys_;
    std::shared_ptr<client> lists_members_;
    std::map<std::uint64_t, contact> all_;  // nodes_asked_max at most
};

}  // namespace dunlin::program
