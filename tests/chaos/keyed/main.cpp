// SPDX-License-Identifier: Apache-2.0
//
// The program `chaos_keyed`: callers of keyed functions, and the history of what they were told.
#include "keyed_options.hpp"
#include "keyed_run.hpp"

#include <dunlin/client.hpp>

#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace {

/// SIGINT and SIGTERM as a descriptor; before any thread is started.
int signal_descriptor() {
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &both, nullptr);
    return ::signalfd(-1, &both, SFD_CLOEXEC);
}

int complain(const char* what, const char* why) {
    std::fprintf(stderr, "chaos_keyed: %s: %s\n", what, why);
    return 1;
}

}  // namespace

int main(int count, char** words) {
    dunlin::chaos::keyed_options options;
    if (const int code = read_options(count, words, options); code >= 0) return code;
    const int stop_fd = signal_descriptor();
    if (stop_fd < 0) return complain("signalfd", std::strerror(errno));
    std::FILE* calls = nullptr;
    if (!options.calls_file.empty()) {
        calls = std::fopen(options.calls_file.c_str(), "we");
        if (calls == nullptr) return complain(options.calls_file.c_str(), std::strerror(errno));
    }
    // Before the client: it answers what is under way when it goes.
    dunlin::chaos::keyed_book book(calls);
    dunlin::client_options connecting;
    connecting.endpoints = options.nodes;
    connecting.name = "chaos_keyed";
    connecting.connect_timeout = std::chrono::milliseconds(options.connect_timeout_ms);
    connecting.busy_poll = std::chrono::microseconds(0);
    auto client = dunlin::client::connect(connecting);
    if (!client) return complain("no node reached", dunlin::to_string(client.error()).c_str());
    dunlin::chaos::keyed_run run(options, *client, book, stop_fd);
    return run.run() ? 0 : 1;
}
