// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/postgres_session.hpp"

#include "cluster/rendezvous.hpp"

#include <array>
#include <string>

namespace dunlin::runtime::store {
namespace {

// Once for a statement and not for each of its rows: it goes by way of a decimal number.
constexpr const char* now_ms = "(select (extract(epoch from clock_timestamp()) * 1000)::bigint)";

std::string update_sql() {
    return std::string(
               "update dunlin.state s set version = u.version, present = u.present, "
               "expires_ms = u.expires_ms, written_ms = ") +
           now_ms +
           ", writer_origin = u.origin, writer_id = u.id, value = u.value, recent = u.recent "
           "from unnest($1::int4[], $2::bytea[], $3::int8[], $4::int8[], $5::bool[], $6::int8[], "
           "$7::int8[], $8::int8[], $9::bytea[], $10::bytea[]) with ordinality "
           "as u(space, key, expected, version, present, expires_ms, origin, id, value, recent, n) "
           "where s.space = u.space and s.key = u.key and s.version = u.expected returning u.n";
}

std::string insert_sql() {
    return std::string(
               "insert into dunlin.state (space, key, version, present, expires_ms, "
               "written_ms, writer_origin, writer_id, value, recent) "
               "select space, key, version, present, expires_ms, ") +
           now_ms +
           ", origin, id, value, recent "
           "from unnest($1::int4[], $2::bytea[], $3::int8[], $4::bool[], $5::int8[], $6::int8[], "
           "$7::int8[], $8::bytea[], $9::bytea[]) with ordinality "
           "as u(space, key, version, present, expires_ms, origin, id, value, recent, n) order by "
           "n "
           "on conflict (space, key) do nothing returning space, key";
}

constexpr const char* read_sql =
    "select u.n, s.version, s.present, s.expires_ms, s.writer_origin, s.writer_id, s.value, "
    "s.recent "
    "from unnest($1::int4[], $2::bytea[]) with ordinality as u(space, key, n) "
    "join dunlin.state s on s.space = u.space and s.key = u.key";
// $3 is where the prefix begins and $4 where what begins with it ends; empty: it does not.
constexpr const char* list_sql =
    "select key, version, expires_ms, octet_length(value) from dunlin.state "
    "where space = $1::int4 and present and key > $2::bytea and key >= $3::bytea "
    "and (octet_length($4::bytea) = 0 or key < $4::bytea) order by key limit $5::int8";

// The cluster of databases has a number that is drawn when it is made, and is the same at its
// standbys; a database in it has one that is not used again.
constexpr const char* identity_sql =
    "select system_identifier || ' ' || (select oid from pg_database "
    "where datname = current_database()) from pg_control_system()";

}  // namespace

result<std::uint64_t> identity_of(postgres_connection& connection) {
    auto answer = connection.run(identity_sql);
    if (!answer) {
        if (connection.last_state() != "42501") return answer.error();
        return error{errc::unavailable,
                     connection.describe() + ": user " + connection.user() +
                         " may not ask which database this is; as a superuser, run: grant execute "
                         "on function pg_control_system() to \"" +
                         connection.user() + "\""};
    }
    if (PQntuples(answer->get()) != 1)
        return error{errc::unavailable, connection.describe() + ": it does not say which it is"};
    const auto hash = cluster::name_hash(column(*answer, 0, 0));
    return hash == 0 ? 1 : hash;
}

result<connection_ptr> open_session(const postgres_settings& settings, std::uint64_t identity,
                                    session_use use) {
    auto opened = postgres_connection::open(settings.url, settings.patience);
    if (!opened) return opened;
    const auto is = identity_of(**opened);
    if (!is) return is.error();
    if (*is != identity)
        return error{errc::unavailable,
                     (*opened)->describe() +
                         ": this is another database than when the node started; if that is "
                         "meant, start all nodes of the cluster again, otherwise have the URL "
                         "lead to the first one"};
    // No more than is needed: who waits for a server that has come back waits for these, too.
    using named = std::pair<const char*, std::string>;
    const auto statements =
        use == session_use::writing
            ? std::array{named{update_statement, update_sql()},
                         named{insert_statement, insert_sql()}}
            : std::array{named{read_statement, read_sql}, named{list_statement, list_sql}};
    if (use == session_use::sweeping) return opened;
    for (const auto& [name, sql] : statements)
        if (auto done = (*opened)->prepare(name, sql.c_str()); !done) return done.error();
    return opened;
}

// -- several of one use ---------------------------------------------------------------------------

session_pool::turn::turn(session_pool& of) : of_(of) {
    std::unique_lock lock(of_.mutex_);
    of_.room_.wait(lock, [this] { return of_.used_ < of_.sessions_max_; });
    ++of_.used_;
}

session_pool::turn::~turn() {
    const std::lock_guard lock(of_.mutex_);
    --of_.used_;
    of_.room_.notify_one();
}

// Those who come while the server is away are told what the last one has found, so that a node
// under load does not spend its time knocking.
result<connection_ptr> session_pool::connect() {
    using clock = std::chrono::steady_clock;
    {
        const std::lock_guard lock(mutex_);
        if (clock::now() < next_connect_) return away_;
    }
    auto made = open_session(settings_, identity_, use_);
    if (!made) {
        const std::lock_guard lock(mutex_);
        next_connect_ = clock::now() + reconnect_pause;
        away_ = made.error();
    }
    return made;
}

result<void> session_pool::fill() {
    for (auto left = sessions_max_; left != 0; --left) {
        auto made = connect();
        if (!made) return made.error();
        give_back(*std::move(made));
    }
    return {};
}

// In turn: one that nobody has used for hours may have been cut on its way without a word.
connection_ptr session_pool::take() {
    const std::lock_guard lock(mutex_);
    while (!idle_.empty()) {
        auto taken = std::move(idle_.front());
        idle_.pop_front();
        if (taken->usable()) return taken;
    }
    return nullptr;
}

void session_pool::give_back(connection_ptr one) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(one));
}

}  // namespace dunlin::runtime::store
