// SPDX-License-Identifier: Apache-2.0
//
// A PostgreSQL of a test's own: in a temporary folder, on a socket in it, and gone with the test.
//
// Root may not run one, so it is then run as user `postgres`, whom Debian's package makes. One
// owner, one thread.
#pragma once

#include "runtime/store/postgres_connection.hpp"
#include "tests/store/child_process.hpp"
#include "tests/support/temporary_folder.hpp"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace dunlin::tests {

class postgres_server {
public:
    /// DUNLIN_POSTGRES_BIN is where initdb and postgres are.
    postgres_server() {
        if (::geteuid() == 0) {
            const auto* user = ::getpwnam("postgres");
            if (user == nullptr) throw std::runtime_error("root, and no user postgres");
            if (::chown(folder_.file("").c_str(), user->pw_uid, user->pw_gid) != 0)
                throw std::runtime_error("cannot give the folder away");
        }
        child_process made(as_server("'" + bin("initdb") + "' -D '" + data() +
                                     "' -U dunlin -A trust -E UTF8 --locale=C --no-sync"));
        const auto said = made.read_to_end();
        if (made.wait() != 0) throw std::runtime_error("initdb: " + said);
        // A user whose password counts.
        const auto rules = data() + "/pg_hba.conf";
        const auto text = "local all guarded scram-sha-256\n" + temporary_folder::read(rules);
        std::ofstream(rules) << text;
        start();
    }
    ~postgres_server() { stop(); }
    postgres_server(const postgres_server&) = delete;
    postgres_server& operator=(const postgres_server&) = delete;

    void start() {
        running_ = std::make_unique<child_process>(as_server(
            "'" + bin("postgres") + "' -D '" + data() + "' -k '" + folder_.file("") +
            "' -c listen_addresses= -c fsync=off -c log_min_messages=log -c log_checkpoints=off"));
        std::string said;
        while (said.find("ready to accept connections") == std::string::npos) {
            const auto line = running_->read_line();
            if (line.empty()) throw std::runtime_error("postgres: " + said);
            said += line + "\n";
        }
    }
    /// At once, as if its machine had crashed.
    void stop() {
        if (!running_) return;
        ::kill(running_->pid(), SIGQUIT);
        running_->wait();
        running_.reset();
    }

    [[nodiscard]] std::string url(const std::string& database,
                                  const std::string& user = "dunlin") const {
        return "postgres://" + user + "@/" + database + "?host=" + folder_.file("");
    }
    /// A new database. @returns its name.
    std::string make_database() {
        auto name = "test_" + std::to_string(++databases_);
        run("postgres", "create database " + name);
        return name;
    }
    /// Ends all connections to a database, and waits until they have ended.
    void cut_connections(const std::string& database) const {
        const auto there = "from pg_stat_activity where datname = '" + database + "'";
        run("postgres", "select pg_terminate_backend(pid) " + there);
        run("postgres", "do $$ begin while exists (select " + there +
                            ") loop perform pg_stat_clear_snapshot(); end loop; end $$");
    }
    void run(const std::string& database, const std::string& sql) const {
        run_at(url(database), sql);
    }
    static void run_at(const std::string& url, const std::string& sql) {
        const auto to =
            runtime::store::postgres_connection::open(url, std::chrono::seconds(60)).value();
        static_cast<void>(to->run(sql).value());
    }

private:
    static std::string bin(const std::string& program) {
        return std::string(DUNLIN_POSTGRES_BIN) + "/" + program;
    }
    [[nodiscard]] std::string data() const { return folder_.file("db"); }
    // It ends when the test does, in whatever way.
    static std::vector<std::string> as_server(const std::string& command) {
        const std::string who =
            ::geteuid() == 0 ? "--reuid=postgres --regid=postgres --clear-groups " : "";
        return {"/bin/sh", "-c", "exec setpriv " + who + "--pdeathsig KILL " + command + " 2>&1"};
    }

    temporary_folder folder_;
    std::unique_ptr<child_process> running_;
    int databases_ = 0;
};

/// One for all cases of a process.
[[nodiscard]] inline postgres_server& shared_postgres() {
    static postgres_server server;
    return server;
}

}  // namespace dunlin::tests
