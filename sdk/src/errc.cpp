// SPDX-License-Identifier: Apache-2.0
#include <dunlin/errc.hpp>

namespace dunlin {

std::string_view to_string(errc code) noexcept {
    switch (code) {
        case errc::unknown: return "unknown";
        case errc::invalid_argument: return "invalid_argument";
        case errc::not_found: return "not_found";
        case errc::unauthenticated: return "unauthenticated";
        case errc::permission_denied: return "permission_denied";
        case errc::deadline_exceeded: return "deadline_exceeded";
        case errc::cancelled: return "cancelled";
        case errc::overloaded: return "overloaded";
        case errc::unavailable: return "unavailable";
        case errc::conflict: return "conflict";
        case errc::failed: return "failed";
        case errc::internal: return "internal";
    }
    return "unknown";
}

errc errc_from_number(std::int64_t number) noexcept {
    constexpr auto first = static_cast<std::int64_t>(errc::unknown);
    constexpr auto last = static_cast<std::int64_t>(errc::internal);
    return number < first || number > last ? errc::unknown : static_cast<errc>(number);
}

}  // namespace dunlin
