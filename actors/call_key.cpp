// SPDX-License-Identifier: Apache-2.0
#include "actors/call_key.hpp"

#include "wire/key_field.hpp"

namespace dunlin::actors {

result<bytes_view> key_of_call(const function_info& function, bytes_view payload, bytes_view given,
                               frame_memory& memory) {
    if (function.key_field.empty()) return given;
    wire::key_digits digits;
    const auto found = wire::find_key(payload, function.key_field, digits);
    if (found.problem != wire::key_problem::none) {
        error why{errc::invalid_argument,
                  function.name + " did not run: " + describe(found.problem, function.key_field)};
        why.did_not_run = true;
        return why;
    }
    const auto text = as_text(found.key);
    // Digits are written where this function ends.
    const bool digits_used =
        text.data() >= digits.data() && text.data() < digits.data() + digits.size();
    return digits_used ? as_bytes(memory.keep(text)) : found.key;
}

bool waits_for_caller(const function_info& function, bytes_view key,
                      const callers_turn& by) noexcept {
    return !by.space.empty() && function.space == by.space && as_text(key) == as_text(by.key);
}

error would_wait(const function_info& function) {
    error why{errc::invalid_argument,
              function.name +
                  " did not run: the function that calls it has its turn at the same "
                  "key of space " +
                  function.space +
                  ", and would wait for itself; do both in one turn, or call it after the reply"};
    why.did_not_run = true;
    return why;
}

}  // namespace dunlin::actors
