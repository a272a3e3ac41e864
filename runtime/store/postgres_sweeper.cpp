// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/postgres_sweeper.hpp"

#include "runtime/log.hpp"
#include "support/signal_mask.hpp"

#include <utility>

namespace dunlin::runtime::store {
namespace {

// Beside the one of postgres_schema.cpp: "dunlins" in ASCII.
constexpr const char* try_lock = "select pg_try_advisory_lock(28276614796766835)";

// By the server's clock, which is the same for all nodes. The rows are looked at once more when
// they are locked, as one may have been written since it was found; one that is locked by a writer
// is about to be another one, and is passed over.
std::string sweep_sql(const sweep_settings& settings, const sweep_place& from) {
    const auto ended_before = "(extract(epoch from clock_timestamp()) * 1000)::bigint - " +
                              std::to_string(settings.age.count());
    return "with looked as materialized (select space, key from dunlin.state where (space, key) > "
           "(" +
           from.space + ", '\\x" + from.key + "'::bytea) order by space, key limit " +
           std::to_string(settings.rows_max) + "), line as materialized (select " + ended_before +
           " as ms), ended as materialized (select s.space, s.key from dunlin.state s "
           "join looked using (space, key) "
           "where (not s.present and s.written_ms <= (select ms from line)) "
           "or (s.expires_ms <> 0 and s.expires_ms <= (select ms from line)) "
           "order by s.space, s.key for update of s skip locked), "
           "gone as (delete from dunlin.state s using ended "
           "where s.space = ended.space and s.key = ended.key returning 1) "
           "select (select count(*) from looked), (select count(*) from gone), space, "
           "encode(key, 'hex') from looked order by space desc, key desc limit 1";
}

}  // namespace

result<swept> sweep_some(postgres_connection& connection, const sweep_settings& settings,
                         sweep_place& at) {
    auto done = connection.run(sweep_sql(settings, at));
    if (!done) return done.error();
    if (PQntuples(done->get()) == 0) {
        at = {};
        return swept{};
    }
    at.space = column(*done, 0, 2);
    at.key = column(*done, 0, 3);
    return swept{std::stoull(std::string(column(*done, 0, 0))),
                 std::stoull(std::string(column(*done, 0, 1)))};
}

result<bool> take_sweep_lock(postgres_connection& connection) {
    auto taken = connection.run(try_lock);
    if (!taken) return taken.error();
    return PQntuples(taken->get()) == 1 && column(*taken, 0, 0) == "t";
}

postgres_sweeper::postgres_sweeper(const postgres_settings& settings, std::uint64_t identity)
    : settings_(settings),
      identity_(identity) {
    const support::signals_blocked no_signals;
    thread_ = std::thread([this] { run(); });
}

postgres_sweeper::~postgres_sweeper() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    end_.notify_all();
    thread_.join();
}

bool postgres_sweeper::pause(std::chrono::milliseconds length) {
    std::unique_lock lock(mutex_);
    return !end_.wait_for(lock, length, [this] { return ends_; });
}

// A round begins with a pause: nodes that are started again and again have other things to do.
void postgres_sweeper::run() {
    bool said = false;
    while (pause(settings_.sweep.round_pause)) {
        const auto done = round();
        if (done) {
            said = false;
            continue;
        }
        // A server that is away is the store's to say. Whatever else is wrong stays so.
        const bool first = !std::exchange(said, true);
        log().line(first ? event_log::level::warn : event_log::level::debug,
                   "what has ended is not dropped from the store; it is tried again",
                   {{"why", done.error().detail}});
    }
}

result<void> postgres_sweeper::round() {
    // For this round only, so that those who have no turn keep no connection.
    auto opened = open_session(settings_, identity_, session_use::sweeping);
    if (!opened) return opened.error();
    auto& connection = **opened;
    const auto mine = take_sweep_lock(connection);
    if (!mine) return mine.error();
    if (!*mine) return {};
    std::uint64_t dropped = 0;
    sweep_place at;
    do {
        const auto some = sweep_some(connection, settings_.sweep, at);
        if (!some) return some.error();
        dropped += some->dropped;
        if (some->looked_at < settings_.sweep.rows_max) {
            if (dropped != 0)
                log().debug("what has ended is dropped from the store", {{"values", dropped}});
            return {};
        }
    } while (pause(settings_.sweep.go_pause));
    return {};
}

}  // namespace dunlin::runtime::store
