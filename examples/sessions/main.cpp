// SPDX-License-Identifier: Apache-2.0
//
// sessions: folds an access log into sessions per visitor and counts per page. See README.md.
#include "key_feed.hpp"
#include "log_line.hpp"
#include "log_reader.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <type_traits>
#include <utility>

namespace {

using namespace sessions;
using dunlin::errc;

enum exit_code { success = 0, call_failed = 1, usage = 2, no_node = 3, interrupted_code = 130 };

constexpr const char* help = R"(usage: sessions [FILE] [OPTION...]

Folds the page views of an access log in combined format into sessions per visitor and counts per
page, which a node or a cluster with the module `sessions` keeps. FILE may be "-", the default, for
standard input. A log may be folded again, also one that has grown: what has been folded of it is
passed over.

  --log NAME        What the log is called: lines of one name and place are folded once.
                    Default: FILE's absolute path, or "stdin"
  --node ENDPOINT   Where a node listens; may be given again for other nodes of its cluster.
                    Default: tcp://127.0.0.1:7440
  --gap SECONDS     Time without a view that ends a session. Default: 1800
  --window N        Calls in flight, 1 to 4096. Default: 64
  --top N           Pages to list, most viewed first. Default: 10
  --help            This text.

Views are GET requests with a status from 200 to 399. Lines in another form are counted, the first
of them shown, and passed over; a last line without an end is left for the next time. Exit codes: 0
success, 1 a call failed or the file cannot be read, 2 usage, 3 no node reached, 130 interrupted.
)";

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void stop_at_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = true; };
    // A second signal ends the program at once. Without SA_RESTART, so that a read ends, too.
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

exit_code complain(exit_code code, const std::string& what) {
    std::fprintf(stderr, "sessions: %s\n", what.c_str());
    return code;
}

struct options {
    std::string file = "-";
    std::vector<std::string> nodes;
    key_feed::options feed;
    std::size_t top = 10;
};

/// @returns what is wrong with the arguments; empty when nothing is.
std::string parse(const std::vector<std::string>& words, options& into) {
    const auto number = [](const std::string& text, std::size_t min, std::size_t max, auto& to) {
        const char* const end = text.data() + text.size();
        std::size_t read = 0;
        const auto [rest, failure] = std::from_chars(text.data(), end, read);
        if (failure != std::errc{} || rest != end || read < min || read > max) return false;
        to = static_cast<std::remove_reference_t<decltype(to)>>(read);
        return true;
    };
    bool named = false;
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string& word = words[at];
        if (word == "-" || !word.starts_with('-')) {
            if (std::exchange(named, true)) return "one log at a time; see sessions --help";
            into.file = word;
            continue;
        }
        const std::string value = at + 1 < words.size() ? words[++at] : "";
        bool right = true;
        if (word == "--node")
            into.nodes.push_back(value);
        else if (word == "--log")
            right = !(into.feed.log = value).empty();
        else if (word == "--gap")
            right = number(value, 0, 366 * 86'400, into.feed.gap_seconds);
        else if (word == "--window")
            right = number(value, 1, 4096, into.feed.calls_max);
        else if (word == "--top")
            right = number(value, 0, SIZE_MAX, into.top);
        else
            return "no option " + word + "; see sessions --help";
        if (!right) return word + " does not take '" + value + "'; see sessions --help";
    }
    if (into.nodes.empty()) into.nodes = {"tcp://127.0.0.1:7440"};
    if (into.feed.log.empty())
        into.feed.log = into.file == "-" ? "stdin" : std::filesystem::absolute(into.file).string();
    return "";
}

std::string explain(const dunlin::error& why, const std::string& endpoint) {
    const std::string command =
        "dunlin node --listen " + endpoint + " --module sessions.so --data DIR";
    if (why.code == errc::unavailable) return to_string(why) + "; to start a node: " + command;
    if (why.code == errc::not_found)
        return to_string(why) + "; the node has to load it: " + command;
    return to_string(why);
}

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
    return digits;
}

struct line_counts {
    std::uint64_t views = 0;
    std::uint64_t others = 0;  // requests that are no views
    std::uint64_t bad = 0;
    [[nodiscard]] std::uint64_t all() const { return views + others + bad; }
};

/// One line that rewrites itself, and only where somebody is looking.
class progress {
public:
    explicit progress(std::uint64_t file_bytes) : file_bytes_(file_bytes) {}
    void show(const log_reader& log, const line_counts& lines) {
        if (!shown_) return;
        const auto now = std::chrono::steady_clock::now();
        if (now < next_) return;
        next_ = now + std::chrono::milliseconds(200);
        const std::chrono::duration<double> passed = now - began_;
        const double part = file_bytes_ == 0 ? 0
                                             : 100.0 * static_cast<double>(log.read_bytes()) /
                                                   static_cast<double>(file_bytes_);
        std::fprintf(
            stderr, "\r\x1b[K%5.1f %%  %s lines, %s a second", part, grouped(lines.all()).c_str(),
            grouped(static_cast<std::uint64_t>(static_cast<double>(lines.all()) / passed.count()))
                .c_str());
    }
    void clear() const {
        if (shown_) std::fputs("\r\x1b[K", stderr);
    }

private:
    const std::uint64_t file_bytes_;
    const bool shown_ = ::isatty(STDERR_FILENO) == 1;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point next_ = began_;
};

constexpr std::uint64_t bad_lines_shown = 3;

void show_bad(const log_reader::line& line) {
    constexpr std::size_t shown_max = 80;
    std::string text(line.text.substr(0, shown_max));
    for (char& each : text)
        if (each < ' ' || each == '\x7f') each = '?';
    std::fprintf(stderr, "sessions: no line of an access log at byte %s: %s\n",
                 grouped(line.offset).c_str(), text.c_str());
}

dunlin::result<void> feed_all(log_reader& log, key_feed& feed, line_counts& lines,
                              progress& shown) {
    while (const auto line = log.next()) {
        if (interrupted) break;
        shown.show(log, lines);
        const auto read = read_line(line->text);
        if (!read) {
            if (++lines.bad <= bad_lines_shown) show_bad(*line);
        } else if (!read->view) {
            ++lines.others;
        } else {
            ++lines.views;
            const view seen{line->offset, read->seconds, read->bytes};
            auto added = feed.add(kind::visitor, key_of(read->visitor), seen);
            if (added) added = feed.add(kind::page, key_of(read->page), seen);
            if (!added) return added;
        }
    }
    if (interrupted) return dunlin::error{errc::cancelled, "interrupted"};
    return feed.finish();
}

void print(const options& given, const log_reader& log, const key_feed& feed,
           const line_counts& lines, double seconds) {
    std::vector<std::pair<std::uint64_t, std::string_view>> pages;
    std::uint64_t views = 0;
    std::uint64_t visitors = 0;
    std::uint64_t begun = 0;
    feed.for_each(kind::page, [&](const std::string& key, const totals& known) {
        pages.emplace_back(known.views, key);
        views += known.views;
    });
    feed.for_each(kind::visitor, [&](const std::string&, const totals& known) {
        ++visitors;
        begun += known.sessions;
    });
    const auto order = [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
    };
    const auto listed = std::min(given.top, pages.size());
    std::partial_sort(pages.begin(), pages.begin() + static_cast<std::ptrdiff_t>(listed),
                      pages.end(), order);
    for (std::size_t i = 0; i < listed; ++i)
        std::printf("%13s  %.*s\n", grouped(pages[i].first).c_str(),
                    static_cast<int>(pages[i].second.size()), pages[i].second.data());
    std::printf("%slines     %s: %s views, %s other requests, %s bad\n", listed > 0 ? "\n" : "",
                grouped(lines.all()).c_str(), grouped(lines.views).c_str(),
                grouped(lines.others).c_str(), grouped(lines.bad).c_str());
    if (log.unfinished_bytes() != 0)
        std::printf(
            "          the last %s bytes are a line without an end, left for the next time\n",
            grouped(log.unfinished_bytes()).c_str());
    std::printf("folded    %s views now, %s before\n", grouped(feed.counted().added).c_str(),
                grouped(lines.views - feed.counted().added).c_str());
    std::printf("visitors  %s with %s sessions\n", grouped(visitors).c_str(),
                grouped(begun).c_str());
    std::printf("pages     %s with %s views\n", grouped(pages.size()).c_str(),
                grouped(views).c_str());
    std::printf("calls     %s, up to %zu in flight, %s tried again\n",
                grouped(feed.counted().calls).c_str(), given.feed.calls_max,
                grouped(feed.counted().again).c_str());
    std::printf(
        "time      %.2f s: %s lines/s\n", seconds,
        grouped(static_cast<std::uint64_t>(static_cast<double>(lines.all()) / seconds)).c_str());
}

std::uint64_t size_of(int file) {
    struct stat found {};
    return ::fstat(file, &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

exit_code run(const options& given) {
    const int file = given.file == "-" ? STDIN_FILENO : ::open(given.file.c_str(), O_RDONLY);
    if (file < 0)
        return complain(
            usage, "cannot read '" + given.file + "': " + std::generic_category().message(errno));
    dunlin::client_options connection;
    connection.endpoints = given.nodes;
    connection.name = "sessions";
    auto client = dunlin::client::connect(std::move(connection));
    if (!client) {
        const auto& why = client.error();
        return complain(why.code == errc::invalid_argument ? usage : no_node,
                        explain(why, given.nodes.front()));
    }
    stop_at_signals();
    const auto began = std::chrono::steady_clock::now();
    log_reader log(file);
    line_counts lines;
    progress shown(size_of(file));
    key_feed feed(*client, given.feed, interrupted);
    const auto fed = feed_all(log, feed, lines, shown);
    shown.clear();
    if (!fed && interrupted)
        return complain(interrupted_code, "interrupted after " + grouped(lines.all()) +
                                              " lines; the next time goes on from there");
    if (!fed) return complain(call_failed, explain(fed.error(), given.nodes.front()));
    if (log.failed()) return complain(call_failed, "cannot read '" + given.file + "'");
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began;
    print(given, log, feed, lines, passed.count());
    return std::fflush(stdout) == 0 ? success : complain(call_failed, "cannot write the result");
}

}  // namespace

int main(int argc, char* argv[]) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (std::find(words.begin(), words.end(), "--help") != words.end()) {
        std::fputs(help, stdout);
        return success;
    }
    options given;
    const std::string mistake = parse(words, given);
    return mistake.empty() ? run(given) : complain(usage, mistake);
}
