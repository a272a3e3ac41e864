// SPDX-License-Identifier: Apache-2.0
//
// word_count: counts the words of folders by calling text/count_words. See README.md.
#include "call_window.hpp"
#include "text_file.hpp"

#include <dunlin/client.hpp>

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

namespace {

namespace fs = std::filesystem;
using namespace word_count;
using dunlin::errc;

enum exit_code { success = 0, call_failed = 1, usage = 2, no_node = 3, interrupted_code = 130 };

constexpr const char* help = R"(usage: word_count [DIR...] [OPTION...]

Counts the words of every text file under the folders by calling the function text/count_words of
a node or a cluster, many calls at a time. Without a folder: /usr/share/common-licenses and
/usr/share/doc, the texts that a Debian machine has.

  --node ENDPOINT   Where a node listens; may be given again for other nodes of its cluster.
                    Default: tcp://127.0.0.1:7440
  --chunk BYTES     Text in one call, 1024 to 2097152. Default: 262144
  --window N        Calls in flight, 1 to 4096. Default: 64
  --top N           Words to list, most frequent first; 0 lists all. Default: 20
  --help            This text.

Symbolic links inside the folders are not followed. Files with a NUL byte in their first 8 KiB are
taken for binary and passed over. Exit codes: 0 success, 1 a call failed, 2 usage, 3 no node
reached, 130 interrupted.
)";

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void stop_at_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = true; };
    // A second signal ends the program at once.
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

exit_code complain(exit_code code, const std::string& what) {
    std::fprintf(stderr, "word_count: %s\n", what.c_str());
    return code;
}

struct options {
    std::vector<std::string> folders;
    std::vector<std::string> nodes;
    std::size_t chunk_bytes = 256 * 1024;
    std::size_t window = 64;
    std::size_t top = 20;
};

/// @returns what is wrong with the arguments; empty when nothing is.
std::string parse(const std::vector<std::string>& words, options& into) {
    const auto number = [](const std::string& text, std::size_t min, std::size_t max,
                           std::size_t& to) {
        const char* const end = text.data() + text.size();
        const auto [rest, failure] = std::from_chars(text.data(), end, to);
        return failure == std::errc{} && rest == end && to >= min && to <= max;
    };
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string& word = words[at];
        if (word == "--") {
            into.folders.insert(into.folders.end(), words.begin() + static_cast<long>(at) + 1,
                                words.end());
            break;
        }
        if (!word.starts_with('-')) {
            into.folders.push_back(word);
            continue;
        }
        const std::string value = at + 1 < words.size() ? words[++at] : "";
        bool right = true;
        if (word == "--node")
            into.nodes.push_back(value);
        else if (word == "--chunk")
            right = number(value, 1024, std::size_t{2} << 20, into.chunk_bytes);
        else if (word == "--window")
            right = number(value, 1, 4096, into.window);
        else if (word == "--top")
            right = number(value, 0, SIZE_MAX, into.top);
        else
            return "no option " + word + "; see word_count --help";
        if (!right) return word + " does not take '" + value + "'; see word_count --help";
    }
    std::error_code failed;
    for (const auto& folder : into.folders) {
        if (!fs::exists(folder, failed)) return "no file or folder '" + folder + "'";
    }
    if (into.folders.empty()) into.folders = {"/usr/share/common-licenses", "/usr/share/doc"};
    if (into.nodes.empty()) into.nodes = {"tcp://127.0.0.1:7440"};
    return "";
}

std::string explain(const dunlin::error& why, const std::string& endpoint) {
    const std::string command = "dunlin node --listen " + endpoint + " --module text.so";
    if (why.code == errc::unavailable) return to_string(why) + "; to start a node: " + command;
    if (why.code == errc::not_found)
        return to_string(why) + "; the node has to load it: " + command;
    return to_string(why);
}

struct file_totals {
    std::size_t counted = 0;
    std::size_t binary = 0;
    std::size_t unreadable = 0;
};

dunlin::result<void> count_file(const fs::path& path, std::size_t chunk_bytes, call_window& calls,
                                file_totals& files) {
    std::ifstream stream(path, std::ios::binary);
    text_file text(stream, chunk_bytes);
    if (text.binary()) {
        ++files.binary;
        return {};
    }
    for (auto chunk = text.next(); !chunk.empty(); chunk = text.next()) {
        if (auto begun = calls.start(path.native(), std::move(chunk)); !begun) return begun;
    }
    ++(!stream.is_open() || stream.bad() ? files.unreadable : files.counted);
    return {};
}

dunlin::result<void> count_all(const options& given, call_window& calls, file_totals& files) {
    std::error_code passed_over;
    for (const fs::path folder : given.folders) {
        if (fs::is_regular_file(folder, passed_over)) {
            if (auto one = count_file(folder, given.chunk_bytes, calls, files); !one) return one;
            continue;
        }
        fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied,
                                            passed_over);
        for (; at != fs::recursive_directory_iterator(); at.increment(passed_over)) {
            if (interrupted) return dunlin::error{errc::cancelled, "interrupted"};
            if (at->symlink_status(passed_over).type() != fs::file_type::regular) continue;
            if (auto one = count_file(*at, given.chunk_bytes, calls, files); !one) return one;
        }
    }
    return calls.finish();
}

/// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
    return digits;
}

void print(const options& given, const totals& done, const file_totals& files, double seconds) {
    std::vector<std::pair<std::string_view, std::uint64_t>> words(done.words.begin(),
                                                                  done.words.end());
    std::sort(words.begin(), words.end(), [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    std::uint64_t all = 0;
    for (const auto& [word, count] : words) all += count;
    const std::size_t listed = given.top == 0 ? words.size() : std::min(given.top, words.size());
    for (std::size_t i = 0; i < listed; ++i) {
        const auto& [word, count] = words[i];
        const double share = 100.0 * static_cast<double>(count) / static_cast<double>(all);
        std::printf("%13s%7.2f %%  %.*s\n", grouped(count).c_str(), share,
                    static_cast<int>(word.size()), word.data());
    }
    const double megabytes = static_cast<double>(done.bytes) / 1e6;
    const auto rate = static_cast<std::uint64_t>(static_cast<double>(done.calls) / seconds);
    std::printf("%swords   %s, %s different ones\n", listed > 0 ? "\n" : "", grouped(all).c_str(),
                grouped(words.size()).c_str());
    std::printf("files   %s, %.1f MB; passed over: %s binary, %s unreadable\n",
                grouped(files.counted).c_str(), megabytes, grouped(files.binary).c_str(),
                grouped(files.unreadable).c_str());
    std::printf("calls   %s to text/count_words, up to %zu in flight, %s tried again\n",
                grouped(done.calls).c_str(), given.window, grouped(done.overloaded).c_str());
    std::printf("time    %.2f s: %s calls/s, %.1f MB/s\n", seconds, grouped(rate).c_str(),
                megabytes / seconds);
}

exit_code run(const options& given) {
    dunlin::client_options connection;
    connection.endpoints = given.nodes;
    connection.name = "word_count";
    connection.in_flight_max = given.window;
    auto client = dunlin::client::connect(std::move(connection));
    if (!client) {
        const auto& why = client.error();
        return complain(why.code == errc::invalid_argument ? usage : no_node,
                        explain(why, given.nodes.front()));
    }
    stop_at_signals();
    const auto began = std::chrono::steady_clock::now();
    file_totals files;
    call_window calls(*client, given.window, interrupted);
    const auto counted = count_all(given, calls, files);
    if (!counted && interrupted)
        return complain(interrupted_code, "interrupted after " + grouped(files.counted) + " files");
    if (!counted) return complain(call_failed, explain(counted.error(), given.nodes.front()));
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began;
    print(given, calls.done(), files, passed.count());
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
