// SPDX-License-Identifier: Apache-2.0
//
// word_count: counts the words of folders by calling text/count_words. See README.md.
#include "count_tree.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "report.hpp"

#include <dunlin/client.hpp>

#include <signal.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace word_count;

enum exit_code { success = 0, call_failed = 1, usage = 2, no_node = 3, interrupted_code = 130 };

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

/// The command that starts a suitable node, with the files of this build where they are found.
std::string start_command(const std::string& endpoint) {
    std::error_code failed;
    const fs::path here = fs::read_symlink("/proc/self/exe", failed).parent_path();
    const auto found = [&](const char* name, std::initializer_list<fs::path> candidates) {
        for (const fs::path& each : candidates) {
            if (fs::exists(each, failed)) return each.lexically_normal().string();
        }
        return std::string(name);
    };
    return found("dunlin", {here / "dunlin"}) + " node --listen " + endpoint + " --module " +
           found("text.so", {here / "modules/text.so", here / "../modules/text.so"});
}

std::string advice(const dunlin::error& why, const std::string& endpoint) {
    switch (why.code) {
        case dunlin::errc::unavailable: return "; to start a node: " + start_command(endpoint);
        case dunlin::errc::not_found:
            return "; the node has to load it: " + start_command(endpoint);
        default: return "";
    }
}

std::vector<walk_start> starts_of(const options& given) {
    if (given.folders.empty()) return usual_texts();
    std::vector<walk_start> starts;
    for (const std::string& folder : given.folders) starts.push_back({folder});
    return starts;
}

exit_code run(const options& given) {
    for (const std::string& folder : given.folders) {
        std::error_code failed;
        if (!fs::exists(folder, failed)) {
            return complain(usage, "no file or folder '" + folder + "'");
        }
    }
    dunlin::client_options connection;
    connection.endpoints = given.nodes;
    connection.name = "word_count";
    connection.in_flight_max = given.window;
    auto client = dunlin::client::connect(std::move(connection));
    if (!client) {
        const auto& why = client.error();
        const bool wrong = why.code == dunlin::errc::invalid_argument;
        return complain(wrong ? usage : no_node, to_string(why) + advice(why, given.nodes.front()));
    }

    stop_at_signals();
    progress shown;
    tree_totals totals;
    window_options window;
    window.calls_max = given.window;
    const auto counted = count_tree(*client, starts_of(given), given.chunk_bytes, window,
                                    interrupted, shown, totals);
    if (!counted && counted.error().code == dunlin::errc::cancelled && interrupted) {
        return complain(interrupted_code, "interrupted after " + grouped(totals.files) +
                                              " files; nothing is left running");
    }
    if (!counted) {
        const auto& why = counted.error();
        return complain(call_failed, to_string(why) + advice(why, given.nodes.front()));
    }
    const std::string page =
        given.json ? json_report(totals, given.top) : text_report(totals, given.top, given.window);
    const bool written = std::fwrite(page.data(), 1, page.size(), stdout) == page.size();
    if (!written || std::fflush(stdout) != 0)
        return complain(call_failed, "cannot write the result");
    return success;
}

}  // namespace

int main(int argc, char* argv[]) {
    const options given = parse_options({argv + 1, argv + argc});
    if (!given.mistake.empty()) return complain(usage, given.mistake);
    if (given.help) {
        std::fputs(help_text().data(), stdout);
        return success;
    }
    return run(given);
}
