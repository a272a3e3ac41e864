// SPDX-License-Identifier: Apache-2.0
//
// What the router has for the lane that took a call: the answer, or the call itself. Interface
// without fields; the lane's thread.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/result.hpp>

#include <memory>
#include <string>

namespace dunlin::link {
class received_frame;
}

namespace dunlin::runtime {

struct ledger_entry;

class forward_host {
public:
    virtual ~forward_host() = default;
    /// The answer of a call that another node ran. The entry is closed afterwards. `frame`: the
    /// one that ends with the payload, and may be sent on as it is; null if there is more in it.
    virtual void forwarded_value(ledger_entry& entry, bytes_view payload,
                                 const std::shared_ptr<link::received_frame>& frame) = 0;
    virtual void forwarded_error(ledger_entry& entry, error why) = 0;
    /// The node that had the call has stopped it: see `outbound_calls::recall_all`. `unstarted`: it
    /// had not begun there. The entry is closed afterwards.
    virtual void recalled(ledger_entry& entry, bool unstarted) = 0;
    /// Runs a call here after all, which was meant for another node. @returns false if it cannot.
    [[nodiscard]] virtual bool run_here(ledger_entry& entry) = 0;
    /// Has the name in an endpoint looked up; `links::found_addresses` is told what comes of it.
    virtual void look_up(const std::string& endpoint) = 0;
};

}  // namespace dunlin::runtime
