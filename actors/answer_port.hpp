// SPDX-License-Identifier: Apache-2.0
//
// Where the answer of an invocation goes: straight back to the caller.
//
// A lane is one (the asker is a peer on its socket), an activation is another (the asker is a
// function). Safe from any thread; an answer to an address that was answered before is dropped,
// which is what makes "exactly one answer" hold whichever comes first: the function, the deadline,
// a cancel or the end of the node.
#pragma once

#include "actors/answer_batch.hpp"
#include "actors/invocation.hpp"
#include "actors/output_buffer.hpp"

#include <dunlin/result.hpp>

namespace dunlin::actors {

class answer_port {
public:
    virtual ~answer_port() = default;

    /// The function's value. The port may take the buffer's memory; its content is unspecified
    /// afterwards, but it can be reset and used again.
    virtual void answer_value(answer_address to, output_buffer& payload) = 0;
    virtual void answer_error(answer_address to, error why) = 0;
    /// Many at a time, which their calls have waited for.
    virtual void answer_batch_of(answer_batch answers);
    /// The call, which is answered next, paid for the start of an activation that ran it for others
    /// too. A remark: who has no use for it does nothing.
    virtual void started_cold(answer_address /*of*/) {}
};

}  // namespace dunlin::actors
