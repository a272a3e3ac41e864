// SPDX-License-Identifier: Apache-2.0
//
// One connection to PostgreSQL, and what its errors mean.
//
// Statements that belong together go to the server in one piece and come back in one, as one
// transaction; nothing waits longer than the connection's patience, after which it counts as lost.
// What a failure means to an operator is said here, in a sentence without the password.
// One owner, one thread.
#pragma once

#include <dunlin/result.hpp>

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::runtime::store {

struct postgres_result_deleter {
    void operator()(PGresult* of) const noexcept { PQclear(of); }
};
using postgres_result = std::unique_ptr<PGresult, postgres_result_deleter>;

/// The bytes of a column of a row.
[[nodiscard]] inline std::string_view column(const postgres_result& of, int row, int at) noexcept {
    return {PQgetvalue(of.get(), row, at),
            static_cast<std::size_t>(PQgetlength(of.get(), row, at))};
}

/// A prepared statement and its parameters, in binary form.
struct postgres_statement {
    const char* name;
    std::vector<std::string> parameters;
};

/// Refuses servers that are too old for what is asked of them; `where` begins the sentence.
[[nodiscard]] result<void> check_server_version(int version, const std::string& where);

class postgres_connection {
public:
    [[nodiscard]] static result<std::unique_ptr<postgres_connection>> open(
        const std::string& url, std::chrono::milliseconds patience);
    postgres_connection(const postgres_connection&) = delete;
    postgres_connection& operator=(const postgres_connection&) = delete;
    ~postgres_connection();

    /// Plain SQL without parameters, several statements if need be; results are text.
    [[nodiscard]] result<postgres_result> run(const std::string& sql);
    [[nodiscard]] result<void> prepare(const char* name, const char* sql);
    /// One transaction: all of them or none. The results in order, in binary form.
    [[nodiscard]] result<std::vector<postgres_result>> run(
        std::span<const postgres_statement> statements);

    /// Whether it can still be used, as far as one can know without asking the server.
    [[nodiscard]] bool usable() noexcept;
    /// The server's code for what failed last (SQLSTATE), "40P01"; empty when it was no server's.
    [[nodiscard]] const std::string& last_state() const noexcept { return last_state_; }
    /// "PostgreSQL at db.internal:5432, database shop"
    [[nodiscard]] std::string describe() const;
    [[nodiscard]] std::string user() const { return PQuser(connection_); }
    [[nodiscard]] std::string database() const { return PQdb(connection_); }

    /// What the server says of a table that is not as it was made.
    [[nodiscard]] error changed_table(std::string_view what) const;

private:
    using clock = std::chrono::steady_clock;

    postgres_connection(PGconn* connection, std::chrono::milliseconds patience) noexcept
        : connection_(connection),
          patience_(patience) {}

    static void take_notice(void* self, const PGresult* notice);
    [[nodiscard]] error explain(const PGresult* failed);
    [[nodiscard]] error lost(std::string_view why);
    [[nodiscard]] result<postgres_result> next(clock::time_point deadline);

    PGconn* const connection_;
    const std::chrono::milliseconds patience_;
    bool lost_ = false;
    std::string last_state_;
};

}  // namespace dunlin::runtime::store
