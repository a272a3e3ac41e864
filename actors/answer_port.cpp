// SPDX-License-Identifier: Apache-2.0
#include "actors/answer_port.hpp"

namespace dunlin::actors {

void answer_port::answer_batch_of(answer_batch answers) {
    output_buffer buffer;
    answers.for_each(
        [&](answer_address to, bytes_view payload) {
            buffer.clear();
            if (!buffer.try_append(payload.data(), payload.size()))
                return answer_error(to, {errc::internal, "there is no memory for the reply"});
            answer_value(to, buffer);
        },
        [&](answer_address to, const error& why) { answer_error(to, why); });
}

}  // namespace dunlin::actors
