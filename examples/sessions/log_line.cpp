// SPDX-License-Identifier: Apache-2.0
#include "log_line.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <system_error>

namespace sessions {

namespace {

/// Takes fields from the front of a line; after the first that is not there it finds none.
class field_reader {
public:
    explicit field_reader(std::string_view line) : rest_(line) {}

    /// Up to `end`, which is taken, too.
    std::string_view until(char end) {
        const auto at = rest_.find(end);
        if (at == std::string_view::npos) return fail();
        const auto field = rest_.substr(0, at);
        rest_.remove_prefix(at + 1);
        return field;
    }
    /// In quotes, in which a backslash keeps the character behind it from ending them.
    std::string_view quoted() {
        take("\"");
        for (std::size_t at = 0; at < rest_.size(); ++at) {
            if (rest_[at] == '\\') {
                ++at;
            } else if (rest_[at] == '"') {
                const auto field = rest_.substr(0, at);
                rest_.remove_prefix(at + 1);
                return field;
            }
        }
        return fail();
    }
    void take(std::string_view text) {
        if (!rest_.starts_with(text))
            fail();
        else
            rest_.remove_prefix(text.size());
    }
    /// Whether all was there, and nothing is left.
    [[nodiscard]] bool whole() const { return good_ && rest_.empty(); }

private:
    std::string_view fail() {
        good_ = false;
        return rest_ = {};
    }
    std::string_view rest_;
    bool good_ = true;
};

template <class Number>
bool read_number(std::string_view text, Number& to) {
    const char* const end = text.data() + text.size();
    const auto [rest, failure] = std::from_chars(text.data(), end, to);
    return failure == std::errc{} && rest == end;
}

/// "10/Oct/2026:13:55:36 +0200"
std::optional<std::int64_t> read_time(std::string_view text) {
    static constexpr std::array<std::string_view, 12> months = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 26 || text[2] != '/' || text[6] != '/' || text[11] != ':' ||
        text[14] != ':' || text[17] != ':' || text[20] != ' ' ||
        (text[21] != '+' && text[21] != '-'))
        return std::nullopt;
    unsigned month = 1;
    while (month <= months.size() && months[month - 1] != text.substr(3, 3)) ++month;
    unsigned day = 0;
    int year = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int zone_hour = 0;
    int zone_minute = 0;
    if (!read_number(text.substr(0, 2), day) || !read_number(text.substr(7, 4), year) ||
        !read_number(text.substr(12, 2), hour) || !read_number(text.substr(15, 2), minute) ||
        !read_number(text.substr(18, 2), second) || !read_number(text.substr(22, 2), zone_hour) ||
        !read_number(text.substr(24, 2), zone_minute))
        return std::nullopt;
    namespace ch = std::chrono;
    const ch::year_month_day date{ch::year{year}, ch::month{month}, ch::day{day}};
    if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 60)
        return std::nullopt;
    const auto days = ch::sys_days{date}.time_since_epoch().count();
    const int zone_seconds = (zone_hour * 60 + zone_minute) * (text[21] == '-' ? -60 : 60);
    return std::int64_t{days} * 86'400 + hour * 3'600 + minute * 60 + second - zone_seconds;
}

}  // namespace

std::optional<log_line> read_line(std::string_view line) {
    field_reader from(line);
    log_line read;
    read.visitor = from.until(' ');
    from.until(' ');  // the identity that nobody asks for
    from.until('[');  // the user's name
    const auto time = read_time(from.until(']'));
    from.take(" ");
    const auto request = from.quoted();
    from.take(" ");
    const auto status_text = from.until(' ');
    const auto bytes_text = from.until(' ');
    from.quoted();
    from.take(" ");
    from.quoted();
    int status = 0;
    if (!from.whole() || !time || read.visitor.empty() || !read_number(status_text, status))
        return std::nullopt;
    if (bytes_text != "-" && !read_number(bytes_text, read.bytes)) return std::nullopt;
    read.seconds = *time;
    // "GET /a?b=c HTTP/1.1"
    const auto space = request.find(' ');
    if (space == std::string_view::npos || space == 0) return std::nullopt;
    const auto target = request.substr(space + 1, request.find(' ', space + 1) - space - 1);
    read.page = target.substr(0, target.find('?'));
    if (read.page.empty()) return std::nullopt;
    read.view = request.substr(0, space) == "GET" && status >= 200 && status < 400;
    return read;
}

std::string key_of(std::string_view text) {
    constexpr std::size_t key_bytes_max = 255;
    constexpr std::size_t kept = 230;
    if (text.size() <= key_bytes_max) return std::string(text);
    // FNV-1a: the same on every machine and in every version.
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325u;
    for (const char each : text)
        hash = (hash ^ static_cast<unsigned char>(each)) * 0x100'0000'01b3u;
    std::array<char, 24> hex{};
    std::snprintf(hex.data(), hex.size(), "...%016llx", static_cast<unsigned long long>(hash));
    return std::string(text.substr(0, kept)) + hex.data();
}

}  // namespace sessions
