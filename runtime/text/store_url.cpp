// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/store_url.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace dunlin::runtime {
namespace {

error refused(std::string_view why) {
    return {errc::invalid_argument, "the URL of the store cannot be read (" + std::string(why) +
                                        "); it has the form postgres://USER@HOST:PORT/DATABASE"};
}

// Behind "postgres://"; 0: it does not begin so.
std::size_t scheme_bytes(std::string_view url) noexcept {
    for (const std::string_view scheme : {"postgres://", "postgresql://"})
        if (url.starts_with(scheme)) return scheme.size();
    return 0;
}

// Where what may be "USER:PASSWORD@HOST" ends, as libpq reads it: a '?' may be in a password.
std::size_t authority_end(std::string_view url) noexcept {
    return std::min(url.find('/', scheme_bytes(url)), url.size());
}

// Behind the '@' of user and password; the begin of the authority where there is none. The last
// '@', so that a password with one in it is not shown in part.
std::size_t host_begin(std::string_view url) noexcept {
    const auto begin = scheme_bytes(url);
    const auto at = url.substr(0, authority_end(url)).rfind('@');
    return at == std::string_view::npos || at < begin ? begin : at + 1;
}

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// libpq decodes the names of parameters, so a secret one may be written with percent signs.
std::string decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
        if (low < 0) {
            plain += text[i];
        } else {
            plain += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return plain;
}

bool is_secret(std::string_view name) {
    constexpr std::array<std::string_view, 3> secret{"password", "sslpassword",
                                                     "oauth_client_secret"};
    return std::ranges::find(secret, decoded(name)) != secret.end();
}

}  // namespace

result<void> check_store_url(std::string_view url) {
    if (url.empty()) return {};  // none
    if (scheme_bytes(url) == 0) return refused("it does not begin with postgres://");
    if (std::ranges::any_of(url, [](char c) { return static_cast<unsigned char>(c) <= ' '; }))
        return refused("it has a space or a control character in it; write them as %20, %0A");
    // A '/' in the password ends what libpq takes for host and port, and it would name the rest of
    // the password in its error.
    const auto path_begin = authority_end(url);
    const auto path = url.substr(path_begin, url.find('?', path_begin) - path_begin);
    if (path.find('@') != std::string_view::npos)
        return refused("there is an '@' behind a '/'; in a password write them as %40 and %2F");
    const auto host = host_begin(url);
    if (host > scheme_bytes(url) &&
        url.substr(scheme_bytes(url), host - 1 - scheme_bytes(url)).find('@') !=
            std::string_view::npos)
        return refused("there is more than one '@' before the host; in a password write %40");
    return {};
}

std::string shown_store_url(std::string_view url) {
    const auto begin = scheme_bytes(url);
    const auto host = host_begin(url);
    std::string shown(url.substr(0, begin));
    if (host > begin) {
        const auto user = url.substr(begin, host - 1 - begin);
        shown += std::string(user.substr(0, user.find(':'))) + "@";
    }
    const auto query = std::min(url.find('?', host), url.size());
    shown += url.substr(host, query - host);
    char before = '?';
    for (auto rest = url.substr(std::min(query + 1, url.size())); !rest.empty();) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto one = rest.substr(0, end);
        if (!is_secret(one.substr(0, one.find('=')))) {
            shown += before + std::string(one);
            before = '&';
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return shown;
}

}  // namespace dunlin::runtime
