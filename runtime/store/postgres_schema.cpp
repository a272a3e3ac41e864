// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/postgres_schema.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace dunlin::runtime::store {
namespace {

// What makes format N+1 of format N, in their order; the first makes all of it. A step that has
// been released never changes.
//
// state: a page keeps room for the next version of its rows (fillfactor), and nothing but the key
// is indexed, so that an update touches one page and no index. Values are not compressed: that
// would cost more than the disk; nor are the calls that are kept beside them.
constexpr std::array<std::string_view, 2> steps = {R"(
create table dunlin.format (format int not null, cluster text not null);
create table dunlin.spaces (
    number int generated always as identity primary key,
    name text not null unique);
create table dunlin.state (
    space int not null, key bytea not null, version bigint not null, present boolean not null,
    expires_ms bigint not null, written_ms bigint not null,
    writer_origin bigint not null, writer_id bigint not null, value bytea not null,
    primary key (space, key)) partition by hash (space, key);
do $$ begin
    for part in 0..7 loop
        execute format('create table dunlin.state_%s partition of dunlin.state '
            'for values with (modulus 8, remainder %s) with (fillfactor = 70)', part, part);
        execute format('alter table dunlin.state_%s alter column value set storage external', part);
    end loop;
end $$;
)",
                                                   R"(
alter table dunlin.state add column recent bytea not null default '';
do $$ begin
    for part in 0..7 loop
        execute format('alter table dunlin.state_%s alter column recent set storage external', part);
    end loop;
end $$;
)"};
constexpr int format_now = steps.size();

// The number is "dunlin" in ASCII.
constexpr const char* take_lock = "select pg_advisory_xact_lock(110455526549870)";

// What is there, in one text; what it has to be follows.
constexpr const char* columns_query = R"(
select string_agg(relname || '.' || attname || ' ' || format_type(atttypid, atttypmod) ||
                  case when attnotnull then '' else ' null' end, ', ' order by relname, attnum)
from pg_attribute join pg_class on pg_class.oid = attrelid
where relnamespace = 'dunlin'::regnamespace and relname in ('spaces', 'state')
      and attnum > 0 and not attisdropped)";
constexpr std::string_view columns =
    "spaces.number integer, spaces.name text, state.space integer, state.key bytea, "
    "state.version bigint, state.present boolean, state.expires_ms bigint, "
    "state.written_ms bigint, state.writer_origin bigint, state.writer_id bigint, "
    "state.value bytea, state.recent bytea";
constexpr const char* key_query = R"(
select coalesce(string_agg(pg_get_constraintdef(oid), ', '), 'none') from pg_constraint
where conrelid = 'dunlin.state'::regclass and contype = 'p')";
constexpr std::string_view key = "PRIMARY KEY (space, key)";
constexpr const char* triggers_query = R"(
select coalesce(string_agg(tgname, ', '), '') from pg_trigger join pg_class on pg_class.oid = tgrelid
where relnamespace = 'dunlin'::regnamespace and not tgisinternal)";

std::string quoted(std::string_view text) {
    std::string made = "'";
    for (const char c : text) made += c == '\'' ? std::string("''") : std::string(1, c);
    return made + "'";
}

// The first column of the first row, as text; empty where there is none.
result<std::string> ask(postgres_connection& connection, const std::string& sql) {
    auto answer = connection.run(sql);
    if (!answer) return answer.error();
    if (PQntuples(answer->get()) == 0) return std::string();
    return std::string(column(*answer, 0, 0));
}

struct schema_state {
    int format = 0;
    std::string cluster;
};

// Format 0: there is nothing yet. Under the lock, as one of two nodes makes it.
result<schema_state> look(postgres_connection& connection) {
    auto schema = ask(connection, "select 1 from pg_namespace where nspname = 'dunlin'");
    if (!schema) return schema.error();
    if (schema->empty()) {
        auto made = connection.run("create schema dunlin");
        if (!made) return made.error();
        return schema_state{};
    }
    auto tables =
        ask(connection,
            "select count(*) || case when bool_or(relname = 'format') then ' f' else '' end "
            "from pg_class where relnamespace = 'dunlin'::regnamespace");
    if (!tables) return tables.error();
    if (*tables == "0") return schema_state{};  // somebody made the schema for us, with its rights
    if (!tables->ends_with(" f"))
        return error{errc::invalid_argument,
                     connection.describe() +
                         ": its schema dunlin has tables that Dunlin did not make; name another "
                         "database"};
    auto row = connection.run("select format, cluster from dunlin.format");
    if (!row) return row.error();
    if (PQntuples(row->get()) != 1)
        return connection.changed_table("dunlin.format has not one row");
    schema_state found;
    const auto number = column(*row, 0, 0);
    std::from_chars(number.data(), number.data() + number.size(), found.format);
    found.cluster = column(*row, 0, 1);
    if (found.format < 1) return connection.changed_table("dunlin.format has no format");
    return found;
}

result<void> bring_up(postgres_connection& connection, std::string_view cluster) {
    if (auto locked = connection.run(take_lock); !locked) return locked.error();
    const auto found = look(connection);
    if (!found) return found.error();
    if (found->format > format_now)
        return {errc::invalid_argument,
                connection.describe() +
                    ": its tables were made by a newer version of Dunlin: they "
                    "are of format " +
                    std::to_string(found->format) + ", and this version knows up to " +
                    std::to_string(format_now) + "; use that version again, or a newer one"};
    if (found->format != 0 && found->cluster != cluster)
        return {errc::invalid_argument, connection.describe() + ": it has the state of cluster " +
                                            found->cluster + ", and this node is of cluster " +
                                            std::string(cluster) +
                                            "; name the database of this cluster, or a new one"};
    for (int format = found->format; format < format_now; ++format) {
        const auto number = std::to_string(format + 1);
        auto made = connection.run(
            std::string(steps[static_cast<std::size_t>(format)]) +
            (format == 0 ? "insert into dunlin.format values (1, " + quoted(cluster) + ")"
                         : "update dunlin.format set format = " + number));
        if (!made) return made.error();
    }
    return {};
}

result<void> check_tables(postgres_connection& connection) {
    auto is = ask(connection, columns_query);
    if (!is) return is.error();
    if (*is != columns)
        return connection.changed_table("their columns are " + *is + ", and were " +
                                        std::string(columns));
    is = ask(connection, key_query);
    if (!is) return is.error();
    if (*is != key)
        return connection.changed_table("the key of dunlin.state is " + *is + ", and was " +
                                        std::string(key));
    is = ask(connection, triggers_query);
    if (!is) return is.error();
    if (!is->empty()) return connection.changed_table("they have triggers: " + *is);
    return {};
}

}  // namespace

result<void> prepare_schema(postgres_connection& connection, std::string_view cluster) {
    if (auto begun = connection.run("begin"); !begun) return begun.error();
    if (auto done = bring_up(connection, cluster); !done) {
        static_cast<void>(connection.run("rollback"));
        return done;
    }
    if (auto kept = connection.run("commit"); !kept) return kept.error();
    return check_tables(connection);
}

}  // namespace dunlin::runtime::store
