// SPDX-License-Identifier: Apache-2.0
//
// A process with a store in it, for tests that kill it or take its disk away.
//
//   store_child write DIR   Says what it finds and what it has written, until it is killed.
//   store_child hold DIR    Opens the store, says "ready", and waits to be killed.
//   store_child fill DIR    Mounts a small disk on DIR, for this process alone; fills it, makes
//   room
//                           and goes on. Says "ok", or what was not as it should be; ends with 77
//                           where it may not mount.
#include "runtime/store/rocks_store.hpp"
#include "tests/store/child_values.hpp"
#include "tests/store/store_steps.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace dunlin;
using namespace dunlin::tests;
using actors::state_store;
using actors::state_write;
using actors::write_outcome;

constexpr int cannot_mount = 77;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "store_child: %s\n", why.c_str());
    std::_Exit(1);
}

std::unique_ptr<state_store> open_store(const std::string& directory) {
    runtime::store::rocks_settings settings;
    settings.directory = directory;
    settings.cluster = "test";
    settings.buffer_bytes = 1u << 20;
    auto store = runtime::store::open_rocks_store(std::move(settings));
    if (!store) give_up(store.error().detail);
    return *std::move(store);
}

// In one piece: what is read of it is whole.
void say(std::span<const child_report> reports) {
    const auto bytes = std::as_bytes(reports);
    if (::write(STDOUT_FILENO, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
        give_up("nobody listens");
}

void write_until_killed(const std::string& directory) {
    const auto store = open_store(directory);
    const auto space = store->open_space("s").value();
    std::vector<child_report> state;
    for (std::uint32_t key = 0; key < child_keys; ++key) {
        const auto found = read_one(*store, space, child_key(key));
        const auto version = static_cast<std::uint32_t>(found.version);
        if (version != 0 && (found.present != child_present(version) ||
                             (found.present && text_of(found) != child_value(key, version))))
            give_up("a value is not what was written");
        state.push_back({key, version});
    }
    say(state);

    std::mt19937 random(std::random_device{}());
    for (;;) {
        std::shuffle(state.begin(), state.end(), random);
        const std::size_t some = 1 + random() % 32;
        std::array<std::string, child_keys> names;
        std::array<std::string, child_keys> values;
        std::vector<state_write> batch;
        for (std::size_t i = 0; i < some; ++i) {
            const auto version = state[i].version + 1;
            names[i] = child_key(state[i].key);
            values[i] = child_value(state[i].key, version);
            batch.push_back(put(space, names[i], version - 1, version, values[i]));
            batch.back().present = child_present(version);
        }
        if (auto done = store->write(batch); !done) give_up(done.error().detail);
        for (std::size_t i = 0; i < some; ++i) {
            if (batch[i].outcome != write_outcome::written) give_up("a write was not written");
            ++state[i].version;
        }
        say(std::span(state).first(some));
    }
}

void hold_until_killed(const std::string& directory) {
    const auto store = open_store(directory);
    std::puts("ready");
    std::fflush(stdout);
    for (;;) ::pause();
}

// -- a disk that is full --------------------------------------------------------------------------

void expect(bool holds, const std::string& what) {
    if (holds) return;
    std::puts(what.c_str());
    std::fflush(stdout);
    std::_Exit(1);
}

std::string large_value(std::uint64_t key) {
    return std::string(200'000 + key, static_cast<char>('a' + key % 26));
}

result<void> write_large(state_store& store, std::uint32_t space, std::uint64_t key) {
    const auto name = std::to_string(key);
    const auto value = large_value(key);
    auto one = put(space, name, 0, 1, value);
    auto done = store.write({&one, 1});
    if (!done) {
        expect(one.outcome == write_outcome::unknown, "a failed write that is known");
    } else if (one.outcome == write_outcome::conflict) {
        // One that failed has arrived after all.
        expect(text_of(read_one(store, space, name)) == value, "a conflict with nothing");
    } else {
        expect(one.outcome == write_outcome::written, "a write that is none");
    }
    return done;
}

void check_large(state_store& store, std::uint32_t space, std::uint64_t count) {
    for (std::uint64_t key = 0; key < count; ++key)
        expect(text_of(read_one(store, space, std::to_string(key))) == large_value(key),
               "an acknowledged value is lost: " + std::to_string(key) + " of " +
                   std::to_string(count));
}

void fill_a_disk(const std::string& folder) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=56m") != 0)
        std::_Exit(cannot_mount);
    const auto ballast = folder + "/ballast";
    std::ofstream(ballast) << std::string(36u << 20, 'b');

    auto store = open_store(folder + "/data");
    const auto space = store->open_space("s").value();
    // A store that is opened again may find some room, in logs that it needs no more.
    std::uint64_t count = 0;
    result<void> done;
    for (int failed = 0; failed < 4;) {
        done = write_large(*store, space, count);
        if (done) {
            ++count;
            expect(count < 1000, "the disk is never full");
            continue;
        }
        ++failed;
        expect(done.error().code == errc::unavailable, "a code of its own");
        expect(done.error().detail.find("no space is left") != std::string::npos &&
                   done.error().detail.find(folder) != std::string::npos,
               "no sentence for an operator: " + done.error().detail);
    }
    check_large(*store, space, count);

    std::filesystem::remove(ballast);
    done = write_large(*store, space, count);
    expect(done.has_value(),
           "no write when there is room again: " + (done ? std::string() : done.error().detail));
    ++count;
    done = write_large(*store, space, count);
    expect(done.has_value(), "no second write when there is room again");
    ++count;
    check_large(*store, space, count);
    store.reset();
    store = open_store(folder + "/data");
    check_large(*store, store->open_space("s").value(), count);
    std::puts("ok");
}

}  // namespace

int main(int argc, char* argv[]) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that dies leaves nobody behind
    const std::string_view what = argc == 3 ? argv[1] : "";
    if (what == "write") write_until_killed(argv[2]);
    if (what == "hold") hold_until_killed(argv[2]);
    if (what == "fill") {
        fill_a_disk(argv[2]);
        return 0;
    }
    give_up("write, hold or fill, and a directory");
}
