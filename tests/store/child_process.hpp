// SPDX-License-Identifier: Apache-2.0
//
// A process that a test starts, listens to and kills. It is gone when this is. One owner, one
// thread.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::tests {

class child_process {
public:
    /// Program and arguments. What it says on standard output is read here.
    explicit child_process(std::vector<std::string> command) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
        out_ = ends[0];
        std::vector<char*> arguments;
        for (auto& each : command) arguments.push_back(each.data());
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        const int failed =
            ::posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), ::environ);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        if (failed != 0) {
            ::close(out_);
            throw std::runtime_error("cannot start " + command[0]);
        }
    }
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process() {
        kill();
        ::close(out_);
    }

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// As much as there is, at least a byte, at most `size`; 0: it has said all it will.
    [[nodiscard]] std::size_t read(void* to, std::size_t size) const {
        for (;;) {
            const auto got = ::read(out_, to, size);
            if (got >= 0) return static_cast<std::size_t>(got);
            if (errno != EINTR) throw std::runtime_error("cannot read from a child");
        }
    }
    [[nodiscard]] std::string read_to_end() const {
        std::string text;
        char part[4096];
        while (const auto got = read(part, sizeof part)) text.append(part, got);
        return text;
    }
    /// Up to the end of the line, which is not part of it.
    [[nodiscard]] std::string read_line() const {
        std::string line;
        for (char c = 0; read(&c, 1) == 1 && c != '\n';) line += c;
        return line;
    }

    /// It may have no time to do anything, so this is what a crash looks like. @returns as `wait`.
    int kill() {
        if (pid_ > 0) ::kill(pid_, SIGKILL);
        return wait();
    }
    /// @returns its exit code, or minus the signal that ended it.
    int wait() {
        if (pid_ <= 0) return ended_;
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = 0;
        ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        return ended_;
    }

private:
    pid_t pid_ = 0;
    int out_ = -1;
    int ended_ = 0;
};

}  // namespace dunlin::tests
