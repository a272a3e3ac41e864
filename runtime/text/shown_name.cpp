// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/shown_name.hpp"

#include "support/log_text.hpp"
#include "wire/envelope.hpp"

#include <string>

namespace dunlin::runtime {

result<void> check_shown_name(std::string_view name) {
    if (name.size() > wire::name_bytes_max)
        return {errc::invalid_argument, "a name has at most " +
                                            std::to_string(wire::name_bytes_max) +
                                            " bytes, this one has " + std::to_string(name.size())};
    std::string shown;
    support::append_log_text(shown, name);
    if (shown != name)
        return {errc::invalid_argument,
                "the name '" + shown +
                    "' has a character that cannot stand in a line: a control character, a mark "
                    "that breaks or turns lines, or a byte that is not UTF-8"};
    return {};
}

}  // namespace dunlin::runtime
