// SPDX-License-Identifier: Apache-2.0
//
// What is PostgreSQL's own: who may use it, whose it is, tables that are not as they were made,
// several nodes at once, and a server that goes away.
#include "runtime/store/postgres_store.hpp"

#include "tests/store/postgres_server.hpp"
#include "tests/store/store_steps.hpp"
#include "tests/support/catch.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace dunlin;
using namespace dunlin::tests;
using actors::state_store;
using actors::state_write;
using actors::write_outcome;
using runtime::store::postgres_settings;

namespace {

postgres_settings settings_of(const std::string& url, const std::string& cluster = "shop") {
    postgres_settings settings;
    settings.url = url;
    settings.cluster = cluster;
    return settings;
}

std::unique_ptr<state_store> open(const std::string& url) {
    return runtime::store::open_postgres_store(settings_of(url)).value();
}

std::string new_url(postgres_server& server) { return server.url(server.make_database()); }

// Takes connections, as the system does for it, and never says a word.
class silent_listener {
public:
    silent_listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        auto* any = reinterpret_cast<sockaddr*>(&at);
        if (::bind(socket_, any, size) != 0 || ::listen(socket_, 8) != 0 ||
            ::getsockname(socket_, any, &size) != 0)
            throw std::runtime_error("no socket to listen on");
        port_ = std::to_string(ntohs(at.sin_port));
    }
    silent_listener(const silent_listener&) = delete;
    silent_listener& operator=(const silent_listener&) = delete;
    ~silent_listener() { ::close(socket_); }
    [[nodiscard]] const std::string& port() const noexcept { return port_; }

private:
    int socket_;
    std::string port_;
};

error refusal(const std::string& url, const std::string& cluster = "shop") {
    const auto opened = runtime::store::open_postgres_store(settings_of(url, cluster));
    return opened ? error{errc::unknown, "it was opened"} : opened.error();
}

}  // namespace

TEST_CASE("a URL that is none is said to be one, without its password", "[store]") {
    for (const auto* url :
         {"", "postgres", "redis://host/1", "postgres://u:secret@host/d?colour=red",
          "postgres://u:secret@[::1/d", "host=localhost password=secret"}) {
        const auto why = refusal(url);
        CHECK(why.code == errc::invalid_argument);
        CHECK_THAT(why.detail, Catch::Contains("the URL of the store"));
        CHECK_THAT(why.detail, !Catch::Contains("secret"));
    }
    const auto nobody = refusal("postgres://u:secret@/d?host=/nowhere");
    CHECK(nobody.code == errc::unavailable);
    CHECK_THAT(nobody.detail, Catch::Contains("cannot connect") && !Catch::Contains("secret"));
}

TEST_CASE("passwords and rights that are lacking are named", "[store]") {
    auto& server = shared_postgres();
    const auto database = server.make_database();
    server.run(database, "create role guarded login password 'right'; create role guest login");
    CHECK_THAT(refusal(server.url(database, "guarded")).detail,
               Catch::Contains("wants a password for user guarded"));
    const auto wrong = refusal(server.url(database, "guarded:wrong"));
    CHECK(wrong.code == errc::invalid_argument);
    CHECK_THAT(wrong.detail, Catch::Contains("does not take the password of user guarded"));
    CHECK_THAT(refusal(server.url("nowhere")).detail, Catch::Contains("nowhere"));

    CHECK_THAT(refusal(server.url(database, "guest")).detail,
               Catch::Contains("user guest may not do that") &&
                   Catch::Contains("grant create on database \"" + database + "\" to \"guest\""));
    server.run(database, "create schema dunlin authorization guest");
    CHECK_NOTHROW(open(server.url(database, "guest")));
    CHECK_THAT(refusal(server.url(database, "guarded:right")).detail,
               Catch::Contains("may not do that"));
}

TEST_CASE("a server that is too old is named with its version", "[store]") {
    using runtime::store::check_server_version;
    CHECK(check_server_version(120000, "db").has_value());
    CHECK(check_server_version(150003, "db").has_value());
    const auto old = check_server_version(110022, "PostgreSQL at db:5432");
    REQUIRE_FALSE(old.has_value());
    CHECK(old.error().code == errc::invalid_argument);
    CHECK(old.error().detail ==
          "PostgreSQL at db:5432: it is PostgreSQL 11, which is too old; use version 12 or newer");
}

TEST_CASE("a host that takes connections and says nothing is given up in time", "[store]") {
    const silent_listener nobody;
    auto settings = settings_of("postgres://u:secret@127.0.0.1:" + nobody.port() + "/d");
    settings.patience = std::chrono::milliseconds(100);
    const auto began = std::chrono::steady_clock::now();
    const auto opened = runtime::store::open_postgres_store(settings);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == errc::unavailable);
    CHECK_THAT(opened.error().detail, Catch::Contains("cannot connect") &&
                                          Catch::Contains("127.0.0.1:" + nobody.port()) &&
                                          !Catch::Contains("secret"));
    // libpq waits for two seconds at least.
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));
}

TEST_CASE("nodes that use one database have the same store, and no others have", "[store]") {
    auto& server = shared_postgres();
    const auto name = server.make_database();
    const auto one = open(server.url(name));
    server.run(name,
               "create role passer login; grant usage on schema dunlin to passer;"
               "grant all on all tables in schema dunlin to passer;"
               "grant all on all sequences in schema dunlin to passer");
    CHECK(one->identity() != 0);
    CHECK(open(server.url(name))->identity() == one->identity());
    // Who may not do more than any user of the database sees the same.
    CHECK(open(server.url(name, "passer"))->identity() == one->identity());
    CHECK(open(new_url(server))->identity() != one->identity());
}

TEST_CASE("a node does not go on with another database than the one it began with", "[store]") {
    auto& server = shared_postgres();
    const auto name = server.make_database();
    const auto store = open(server.url(name));
    const auto space = store->open_space("s").value();
    REQUIRE(write_one(*store, put(space, "k", 0, 1, "one")) == write_outcome::written);
    // Somebody has put a copy in its place.
    server.run("postgres", "drop database " + name + " with (force)");
    server.run("postgres", "create database " + name);
    open(server.url(name));
    auto one = put(space, "k", 1, 2, "two");
    const auto failed = store->write({&one, 1});
    REQUIRE_FALSE(failed.has_value());
    CHECK_THAT(failed.error().detail,
               Catch::Contains("this is another database than when the node started"));
}

TEST_CASE("a database belongs to one cluster, and to versions that know its format", "[store]") {
    auto& server = shared_postgres();
    const auto url = new_url(server);
    CHECK_NOTHROW(open(url));
    const auto other = refusal(url, "it's other");
    CHECK(other.code == errc::invalid_argument);
    CHECK_THAT(other.detail, Catch::Contains("state of cluster shop, and this node is of cluster"));
    server.run_at(url, "update dunlin.format set format = 99");
    CHECK_THAT(refusal(url).detail, Catch::Contains("newer version of Dunlin"));

    const auto foreign = new_url(server);
    server.run_at(foreign, "create schema dunlin; create table dunlin.birds (name text)");
    CHECK_THAT(refusal(foreign).detail, Catch::Contains("tables that Dunlin did not make"));
    const auto quoted = new_url(server);
    CHECK(runtime::store::open_postgres_store(settings_of(quoted, "it's")).has_value());
    CHECK(runtime::store::open_postgres_store(settings_of(quoted, "it's")).has_value());
}

TEST_CASE("tables of the format before get what is new, and keep what they have", "[store]") {
    auto& server = shared_postgres();
    const auto url = new_url(server);
    {
        const auto store = open(url);
        const auto space = store->open_space("s").value();
        REQUIRE(write_one(*store, put(space, "k", 0, 1, "old")) == write_outcome::written);
        REQUIRE(write_one(*store, put(space, "gone", 0, 1, "v")) == write_outcome::written);
        REQUIRE(write_one(*store, erase(space, "gone", 1, 2)) == write_outcome::written);
    }
    server.run_at(url, "alter table dunlin.state drop column recent");
    server.run_at(url, "update dunlin.format set format = 1");
    for (int opened = 0; opened < 2; ++opened) {
        const auto store = open(url);
        const auto space = store->open_space("s").value();
        const auto found = read_one(*store, space, "k");
        CHECK(text_of(found) == "old");
        CHECK(found.version == 1);
        CHECK(found.recent.empty());
        CHECK(read_one(*store, space, "gone").version == 2);
    }
    const auto store = open(url);
    const auto space = store->open_space("s").value();
    auto one = put(space, "k", 1, 2, "new");
    one.recent = as_bytes("calls");
    REQUIRE(write_one(*store, one) == write_outcome::written);
    CHECK(as_text(read_one(*store, space, "k").recent) == "calls");
}

TEST_CASE("tables that somebody has changed are refused, also while they are used", "[store]") {
    auto& server = shared_postgres();
    const auto change = [&](const char* sql, const char* expected) {
        const auto url = new_url(server);
        open(url);
        server.run_at(url, sql);
        CHECK_THAT(refusal(url).detail,
                   Catch::Contains("somebody has changed its tables") && Catch::Contains(expected));
    };
    change("alter table dunlin.state drop column writer_id", "state.writer_id");
    change("alter table dunlin.state alter column value type text using ''", "state.value text");
    change("alter table dunlin.state add column note text", "state.note text");
    change("alter table dunlin.state drop constraint state_pkey", "none");
    change("drop table dunlin.state", "spaces.number");
    change("delete from dunlin.format", "has not one row");
    change(
        "create function public.f() returns trigger language plpgsql as 'begin return null; end';"
        "create trigger t before update on dunlin.spaces execute function public.f()",
        "triggers: t");

    const auto url = new_url(server);
    const auto store = open(url);
    const auto space = store->open_space("s").value();
    server.run_at(url, "alter table dunlin.state rename column version to v");
    auto one = put(space, "k", 0, 1, "v");
    const auto failed = store->write({&one, 1});
    REQUIRE_FALSE(failed.has_value());
    CHECK_THAT(failed.error().detail, Catch::Contains("somebody has changed its tables"));
}

TEST_CASE("nodes that start together make the tables once, and write each value once", "[store]") {
    constexpr std::size_t nodes = 4;
    constexpr std::uint64_t turns = 60;
    const auto url = new_url(shared_postgres());
    std::atomic<int> failures{0};
    std::atomic<std::uint64_t> added{0};
    std::vector<std::thread> threads;
    for (std::size_t node = 0; node < nodes; ++node)
        threads.emplace_back([&, node] {
            auto opened = runtime::store::open_postgres_store(settings_of(url));
            if (!opened) {
                ++failures;
                return;
            }
            auto& store = **opened;
            const auto space = store.open_space("counters").value();
            const std::array<std::string, 3> keys = {"a", "b", "c"};
            for (std::uint64_t turn = 0; turn < turns; ++turn) {
                // In an order of each node's own: the store sorts them.
                std::vector<std::string> values(keys.size());
                std::vector<state_write> batch;
                for (std::size_t i = 0; i < keys.size(); ++i) {
                    const auto& key = keys[(i + node) % keys.size()];
                    const auto now = read_one(store, space, key);
                    const auto count = now.present ? std::stoull(text_of(now)) : 0;
                    values[i] = std::to_string(count + 1);
                    batch.push_back(put(space, key, now.version, now.version + 1, values[i]));
                }
                if (!store.write(batch)) ++failures;
                for (const auto& each : batch) added += each.outcome == write_outcome::written;
            }
        });
    for (auto& each : threads) each.join();
    CHECK(failures == 0);
    const auto store = open(url);
    const auto space = store->open_space("counters").value();
    std::uint64_t sum = 0;
    for (const auto* key : {"a", "b", "c"})
        sum += std::stoull(text_of(read_one(*store, space, key)));
    CHECK(sum == added);
    CHECK(store->shared());
}

TEST_CASE("a connection that was cut is made again, and a server that went away is found",
          "[store]") {
    postgres_server server;
    const auto url = new_url(server);
    const auto store = open(url);
    const auto space = store->open_space("s").value();
    REQUIRE(write_one(*store, put(space, "k", 0, 1, "one")) == write_outcome::written);
    // Idle connections that were cut are noticed before anything is sent.
    server.cut_connections("test_1");
    CHECK(text_of(read_one(*store, space, "k")) == "one");
    CHECK(write_one(*store, put(space, "k", 1, 2, "two")) == write_outcome::written);

    server.stop();
    auto one = put(space, "k", 2, 3, "three");
    const auto away = store->write({&one, 1});
    REQUIRE_FALSE(away.has_value());
    CHECK(away.error().code == errc::unavailable);
    CHECK(one.outcome == write_outcome::unknown);
    actors::state_read wanted;
    wanted.space = space;
    wanted.key = one.key;
    CHECK_FALSE(store->read({&wanted, 1}).has_value());
    CHECK(wanted.found.version == 0);

    server.start();
    // It is looked for again after a pause.
    while (!store->read({&wanted, 1})) std::this_thread::yield();
    CHECK(text_of(wanted.found) == "two");
    while (!store->write({&one, 1})) std::this_thread::yield();
    CHECK(one.outcome == write_outcome::written);
    CHECK(text_of(read_one(*store, space, "k")) == "three");
}

TEST_CASE("an answer that is lost leaves the outcome unknown, and the value tells", "[store]") {
    const auto url = new_url(shared_postgres());
    auto settings = settings_of(url);
    settings.patience = std::chrono::seconds(3);
    const auto store = runtime::store::open_postgres_store(settings).value();
    const auto space = store->open_space("s").value();
    REQUIRE(write_one(*store, put(space, "k", 0, 1, "one")) == write_outcome::written);

    // Another one has the row, for longer than the store has patience.
    const auto other =
        runtime::store::postgres_connection::open(url, std::chrono::seconds(10)).value();
    static_cast<void>(other->run("begin; update dunlin.state set value = value").value());
    auto one = put(space, "k", 1, 2, "two");
    REQUIRE_FALSE(store->write({&one, 1}).has_value());
    CHECK(one.outcome == write_outcome::unknown);
    static_cast<void>(other->run("rollback").value());

    // Reading tells which it was, and from there it goes on.
    const auto found = read_one(*store, space, "k");
    auto next = put(space, "k", found.version, 3, "three");
    while (!store->write({&next, 1})) std::this_thread::yield();
    if (next.outcome == write_outcome::conflict)  // the one before came through after all
        CHECK(read_one(*store, space, "k").version == 2);
    else
        CHECK(read_one(*store, space, "k").version == 3);
}
