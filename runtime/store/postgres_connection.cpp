// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/postgres_connection.hpp"

#include "runtime/text/store_url.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

namespace dunlin::runtime::store {
namespace {

// libpq's messages have several lines and end with one.
std::string one_line(const char* text) {
    std::string line(text == nullptr ? "" : text);
    while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    return line;
}

// Whether it can be read at all. libpq's message may quote the URL, and the password with it.
result<void> check_url(const std::string& url) {
    if (auto good = check_store_url(url); !good) return good;
    char* why = nullptr;
    PQconninfoOption* parts = PQconninfoParse(url.c_str(), &why);
    const bool good = parts != nullptr;
    PQconninfoFree(parts);
    PQfreemem(why);
    if (!good || url.empty())
        return {errc::invalid_argument,
                "the URL of the store cannot be read (it is not a URL, or has a parameter that "
                "libpq does not know); it has the form postgres://USER@HOST:PORT/DATABASE"};
    return {};
}

// What to do about it, as far as libpq's words tell; they are in English if nobody has set another
// language, and then the advice is missing.
std::string advice_on(std::string_view said) {
    const auto says = [&](std::string_view words) {
        return said.find(words) != std::string_view::npos;
    };
    if (says("database") && says("does not exist"))
        return "; make it (create database), or name one that is there";
    if (says("role") && says("does not exist"))
        return "; make it (create role), or name a user that is there";
    if (says("no pg_hba.conf entry"))
        return "; let this machine in with a line in the server's pg_hba.conf";
    if (says("too many clients") || says("remaining connection slots"))
        return "; raise the server's max_connections, of which each node takes up to six";
    if (says("starting up") || says("shutting down")) return "; try again when it is up";
    return "; see that a server runs there and can be reached from this machine";
}

error cannot_connect(PGconn* connection, const std::string& where) {
    std::string problem = where + ": ";
    const auto said = one_line(PQerrorMessage(connection));
    auto code = errc::unavailable;
    if (PQconnectionNeedsPassword(connection) != 0) {
        code = errc::invalid_argument;
        problem += "it wants a password for user " + std::string(PQuser(connection)) +
                   "; name it in the URL, in PGPASSWORD, or in a file that PGPASSFILE names";
    } else if (PQconnectionUsedPassword(connection) != 0 &&
               said.find("authentication failed") != std::string::npos) {
        code = errc::invalid_argument;
        problem += "it does not take the password of user " + std::string(PQuser(connection));
    } else {
        problem += "cannot connect: " + said + advice_on(said);
    }
    return {code, problem};
}

}  // namespace

// Versions are numbers such as 150003, for 15.3. Before 12 a generic plan cannot be asked for.
result<void> check_server_version(int version, const std::string& where) {
    constexpr int oldest = 120000;
    constexpr int major = 10000;
    if (version >= oldest) return {};
    return {errc::invalid_argument, where + ": it is PostgreSQL " +
                                        std::to_string(version / major) +
                                        ", which is too old; use version 12 or newer"};
}

result<std::unique_ptr<postgres_connection>> postgres_connection::open(
    const std::string& url, std::chrono::milliseconds patience) {
    if (auto good = check_url(url); !good) return good.error();
    const auto seconds = std::to_string(std::max<std::int64_t>(patience.count() / 1000, 2));
    const auto milliseconds = std::to_string(patience.count());
    // What the URL says comes later, and so counts.
    const std::array<const char*, 8> names = {
        "connect_timeout",  "tcp_user_timeout",          "keepalives_idle", "keepalives_interval",
        "keepalives_count", "fallback_application_name", "dbname",          nullptr};
    const std::array<const char*, 8> values = {
        seconds.c_str(), milliseconds.c_str(), "5", "1", "5", "dunlin", url.c_str(), nullptr};
    constexpr int expand_url = 1;
    std::unique_ptr<postgres_connection> opened(new postgres_connection(
        PQconnectdbParams(names.data(), values.data(), expand_url), patience));
    auto* connection = opened->connection_;
    if (connection == nullptr) return {errc::unavailable, "no memory for a connection"};
    if (PQstatus(connection) != CONNECTION_OK)
        return cannot_connect(connection, opened->describe());
    PQsetNoticeReceiver(connection, &postgres_connection::take_notice, opened.get());
    if (auto good = check_server_version(PQserverVersion(connection), opened->describe()); !good)
        return good.error();
    // What is acknowledged has to be on the server's disk, whatever the server does by default.
    // The keys of a batch are looked up one by one and in order, by the index: any other plan would
    // lock rows in an order of its own, and a plan that was made for tables that were empty stays.
    const auto limit = std::to_string(patience.count());
    auto set = opened->run(
        "select set_config('synchronous_commit', 'on', false) "
        "where current_setting('synchronous_commit') = 'off';"
        "set client_min_messages = error; set search_path = pg_catalog; set jit = off;"
        "set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off;"
        "set enable_bitmapscan = off; set plan_cache_mode = force_generic_plan;"
        "set lock_timeout = " +
        limit + "; set statement_timeout = " + limit +
        ";"
        "set default_transaction_isolation = 'read committed'");
    if (!set) return set.error();
    return opened;
}

postgres_connection::~postgres_connection() { PQfinish(connection_); }

std::string postgres_connection::describe() const {
    const char* host = PQhost(connection_);
    const char* database = PQdb(connection_);
    return "PostgreSQL at " + std::string(host == nullptr ? "" : host) + ":" +
           std::string(PQport(connection_)) + ", database " +
           std::string(database == nullptr ? "" : database);
}

bool postgres_connection::usable() noexcept {
    if (lost_ || PQstatus(connection_) != CONNECTION_OK) return false;
    // A server that was stopped has said goodbye; better heard before a batch than after it.
    for (pollfd socket{PQsocket(connection_), POLLIN, 0}; !lost_ && ::poll(&socket, 1, 0) > 0;) {
        if (PQconsumeInput(connection_) == 0) lost_ = true;
        PQfreemem(PQnotifies(connection_));  // reads what has come; nobody asked for any
    }
    return !lost_ && PQstatus(connection_) == CONNECTION_OK;
}

// Notices are for people at a terminal, but for the one that the connection ends.
void postgres_connection::take_notice(void* self, const PGresult* notice) {
    const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != nullptr && std::string_view(severity) == "FATAL")
        static_cast<postgres_connection*>(self)->lost_ = true;
}

// -- plain statements -----------------------------------------------------------------------------

result<postgres_result> postgres_connection::run(const std::string& sql) {
    last_state_.clear();
    postgres_result done(PQexec(connection_, sql.c_str()));
    const auto status = PQresultStatus(done.get());
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return done;
    if (PQstatus(connection_) != CONNECTION_OK) return lost(one_line(PQerrorMessage(connection_)));
    return explain(done.get());
}

result<void> postgres_connection::prepare(const char* name, const char* sql) {
    last_state_.clear();
    const postgres_result done(PQprepare(connection_, name, sql, 0, nullptr));
    if (PQresultStatus(done.get()) == PGRES_COMMAND_OK) return {};
    if (PQstatus(connection_) != CONNECTION_OK) return lost(one_line(PQerrorMessage(connection_)));
    return explain(done.get());
}

// -- the pipeline ---------------------------------------------------------------------------------

// What libpq has next; null: the end of one statement's results. Reads while it writes, as
// otherwise server and client could wait for each other with full buffers.
result<postgres_result> postgres_connection::next(clock::time_point deadline) {
    for (;;) {
        const int unsent = PQflush(connection_);
        if (unsent < 0) return lost(one_line(PQerrorMessage(connection_)));
        if (PQisBusy(connection_) == 0) return postgres_result(PQgetResult(connection_));
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
        if (left <= 0) return lost("it did not answer in time");
        pollfd socket{PQsocket(connection_), POLLIN, 0};
        if (unsent > 0) socket.events |= POLLOUT;
        if (::poll(&socket, 1, static_cast<int>(left)) < 0 && errno != EINTR)
            return lost("the wait for it failed");
        if ((socket.revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
            PQconsumeInput(connection_) == 0)
            return lost(one_line(PQerrorMessage(connection_)));
    }
}

result<std::vector<postgres_result>> postgres_connection::run(
    std::span<const postgres_statement> statements) {
    constexpr int binary = 1;
    last_state_.clear();
    if (lost_) return lost("it was lost before");
    if (PQsetnonblocking(connection_, 1) != 0 || PQenterPipelineMode(connection_) == 0)
        return lost(one_line(PQerrorMessage(connection_)));
    for (const auto& each : statements) {
        std::vector<const char*> values;
        std::vector<int> lengths;
        for (const auto& parameter : each.parameters) {
            values.push_back(parameter.data());
            lengths.push_back(static_cast<int>(parameter.size()));
        }
        const std::vector<int> formats(values.size(), binary);
        if (PQsendQueryPrepared(connection_, each.name, static_cast<int>(values.size()),
                                values.data(), lengths.data(), formats.data(), binary) == 0)
            return lost(one_line(PQerrorMessage(connection_)));
    }
    if (PQpipelineSync(connection_) == 0) return lost(one_line(PQerrorMessage(connection_)));

    const auto deadline = clock::now() + patience_;
    std::vector<postgres_result> results;
    std::optional<error> failed;
    for (;;) {
        auto got = next(deadline);
        if (!got) return got.error();
        if (!*got) {
            if (PQstatus(connection_) != CONNECTION_OK)
                return lost(one_line(PQerrorMessage(connection_)));
            continue;
        }
        switch (PQresultStatus(got->get())) {
            case PGRES_TUPLES_OK:
            case PGRES_COMMAND_OK: results.push_back(*std::move(got)); break;
            case PGRES_PIPELINE_ABORTED: break;  // by the one before it
            case PGRES_PIPELINE_SYNC:
                if (PQexitPipelineMode(connection_) == 0 || PQsetnonblocking(connection_, 0) != 0)
                    return lost(one_line(PQerrorMessage(connection_)));
                if (failed) return *failed;
                return results;
            default:
                if (PQstatus(connection_) != CONNECTION_OK)
                    return lost(one_line(PQerrorMessage(connection_)));
                if (!failed) failed = explain(got->get());
                break;
        }
    }
}

// -- errors ---------------------------------------------------------------------------------------

error postgres_connection::lost(std::string_view why) {
    lost_ = true;
    return {errc::unavailable, describe() + ": the connection is lost: " + std::string(why)};
}

error postgres_connection::changed_table(std::string_view what) const {
    return {errc::unavailable, describe() +
                                   ": somebody has changed its tables: " + std::string(what) +
                                   "; undo that, or restore the schema dunlin from a backup"};
}

error postgres_connection::explain(const PGresult* failed) {
    const char* state = PQresultErrorField(failed, PG_DIAG_SQLSTATE);
    const char* message = PQresultErrorField(failed, PG_DIAG_MESSAGE_PRIMARY);
    last_state_ = state == nullptr ? "" : state;
    const auto said = one_line(message == nullptr ? PQerrorMessage(connection_) : message);
    if (last_state_ == "42501")
        return {errc::unavailable,
                describe() + ": user " + user() + " may not do that (" + said +
                    "); as the owner of the database, run: grant create on database \"" +
                    database() + "\" to \"" + user() +
                    "\", or give the schema dunlin to that user"};
    if (last_state_ == "25006")
        return {errc::unavailable, describe() +
                                       ": it is a replica, which can be read only; name "
                                       "the server that it follows"};
    // Undefined tables, columns and functions; types and keys that do not fit what is asked.
    if (last_state_ == "42P01" || last_state_ == "42703" || last_state_ == "42804" ||
        last_state_ == "42P10" || last_state_ == "3F000" || last_state_ == "42883")
        return changed_table(said);
    if (last_state_ == "53100")
        return {errc::unavailable, describe() + ": no space is left on its disk (" + said + ")"};
    return {errc::unavailable, describe() + ": " + said + " (" + last_state_ + ")"};
}

}  // namespace dunlin::runtime::store
