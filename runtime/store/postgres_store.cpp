// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/postgres_store.hpp"

#include "actors/state/space_rule.hpp"
#include "runtime/log.hpp"
#include "runtime/store/postgres_schema.hpp"
#include "runtime/store/postgres_session.hpp"
#include "runtime/store/postgres_sweeper.hpp"
#include "runtime/store/postgres_values.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::runtime::store {
namespace {

using actors::listed_state;
using actors::state_read;
using actors::state_write;
using actors::write_outcome;

// A transaction has at most so many values, and so many bytes of them if it has more than one: the
// server and libpq hold all of it in memory.
constexpr std::size_t transaction_values_max = 2048;
constexpr std::size_t transaction_bytes_max = 16u << 20;
constexpr std::size_t read_keys_max = 256;
// Two nodes' batches can still meet in a circle through somebody else's locks; then one of them is
// rolled back, and tries again.
constexpr int tries_max = 3;

// What comes after everything that begins with it; empty: nothing does.
std::string end_of_prefix(std::string_view prefix) {
    std::string end(prefix);
    while (!end.empty() && end.back() == '\xff') end.pop_back();
    if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
    return end;
}

class postgres_store final : public actors::state_store {
public:
    explicit postgres_store(postgres_settings settings)
        : settings_(std::move(settings)),
          readers_(settings_, identity_, session_use::reading, settings_.connections_max),
          // One for the row that says what the node owns, which others wait for.
          writers_(settings_, identity_, session_use::writing, settings_.writes_at_once + 1) {}

    [[nodiscard]] result<void> open();

    [[nodiscard]] result<std::uint32_t> open_space(std::string_view name) override;
    [[nodiscard]] result<void> write(std::span<state_write> batch) override;
    [[nodiscard]] result<void> read(std::span<state_read> wanted) override;
    [[nodiscard]] result<std::vector<listed_state>> list(std::uint32_t space,
                                                         std::string_view prefix,
                                                         std::string_view after,
                                                         std::size_t count_max) override;
    [[nodiscard]] std::size_t writes_at_once() const noexcept override {
        return settings_.writes_at_once;
    }
    [[nodiscard]] bool shared() const noexcept override { return true; }
    [[nodiscard]] std::uint64_t identity() const noexcept override { return identity_; }
    [[nodiscard]] std::string describe() const override { return description_; }

private:
    struct named_space {
        std::string name;
        std::uint64_t number;  // in the table
    };

    template <class Item>
    [[nodiscard]] result<void> check_spaces(std::span<Item> items) const;
    [[nodiscard]] result<void> write_some(std::span<state_write* const> some);
    [[nodiscard]] result<void> read_some(postgres_connection& from, std::span<state_read> wanted);

    const postgres_settings settings_;
    std::uint64_t identity_ = 0;  // the same from `open` on
    session_pool readers_;
    session_pool writers_;
    std::string description_;

    mutable std::shared_mutex spaces_mutex_;
    std::vector<named_space> spaces_;

    std::unique_ptr<postgres_sweeper> sweeper_;  // ends first: it has a thread
};

result<void> postgres_store::open() {
    auto opened = postgres_connection::open(settings_.url, settings_.patience);
    if (!opened) return opened.error();
    auto& connection = **opened;
    description_ = connection.describe();
    if (auto done = prepare_schema(connection, settings_.cluster); !done) return done;
    if (auto synced = connection.run("show fsync");
        synced && PQntuples(synced->get()) == 1 && column(*synced, 0, 0) == "off")
        log().warn("the store does not sync, so a crash of its machine loses what was acknowledged",
                   {{"store", description_}});
    auto is = identity_of(connection);
    if (!is) return is.error();
    identity_ = *is;
    if (auto connected = writers_.fill(); !connected) return connected;
    sweeper_ = std::make_unique<postgres_sweeper>(settings_, identity_);
    return {};
}

result<std::uint32_t> postgres_store::open_space(std::string_view name) {
    if (auto good = actors::check_space_name(name); !good) return good.error();
    const std::unique_lock alone(spaces_mutex_);
    const auto at = std::ranges::find(spaces_, name, &named_space::name);
    const auto index = static_cast<std::uint32_t>(at - spaces_.begin());
    if (at != spaces_.end()) return index;
    // A name has nothing in it that would have to be escaped.
    const auto quoted = "'" + std::string(name) + "'";
    auto made = readers_.with([&](postgres_connection& to) {
        auto done = to.run("insert into dunlin.spaces (name) select " + quoted +
                           " where not exists (select from dunlin.spaces where name = " + quoted +
                           ") on conflict do nothing");
        if (!done) return done;
        return to.run("select number from dunlin.spaces where name = " + quoted);
    });
    if (!made) return made.error();
    if (PQntuples(made->get()) != 1) return {errc::unavailable, "no number for a space"};
    spaces_.push_back({std::string(name), std::stoull(std::string(column(*made, 0, 0)))});
    return index;
}

// -- writing --------------------------------------------------------------------------------------

template <class Item>
result<void> postgres_store::check_spaces(std::span<Item> items) const {
    for (const auto& each : items)
        if (each.space >= spaces_.size()) return actors::no_such_space(each.space);
    return {};
}

result<void> postgres_store::write(std::span<state_write> batch) {
    for (auto& each : batch) each.outcome = write_outcome::unknown;
    const std::shared_lock held(spaces_mutex_);
    if (auto good = check_spaces(batch); !good) return good;
    std::vector<state_write*> sorted;
    for (auto& each : batch) sorted.push_back(&each);
    std::sort(sorted.begin(), sorted.end(), [this](const auto* a, const auto* b) {
        const auto of_a = spaces_[a->space].number;
        const auto of_b = spaces_[b->space].number;
        if (of_a != of_b) return of_a < of_b;
        return as_text(a->key) < as_text(b->key);
    });
    for (std::span<state_write* const> rest(sorted); !rest.empty();) {
        std::size_t count = 0;
        std::size_t bytes = 0;
        while (count < rest.size() && count < transaction_values_max) {
            bytes += rest[count]->value.size() + rest[count]->recent.size();
            if (count != 0 && bytes > transaction_bytes_max) break;
            ++count;
        }
        if (auto done = write_some(rest.first(count)); !done) return done;
        rest = rest.subspan(count);
    }
    return {};
}

// The parameters of one of the two statements, column by column.
class write_columns {
public:
    enum class kind : std::uint8_t { update, insert };

    explicit write_columns(kind of) : kind_(of) {}

    void add(const state_write& one, std::uint64_t space) {
        spaces_.add(space, 4);
        keys_.add(one.key);
        if (kind_ == kind::update) expected_.add(one.expected, 8);
        versions_.add(one.version, 8);
        present_.add(one.present ? 1 : 0, 1);
        expires_.add(static_cast<std::uint64_t>(one.expires_ms), 8);
        origins_.add(one.writer.origin, 8);
        ids_.add(one.writer.id, 8);
        values_.add(one.present ? one.value : bytes_view());
        recent_.add(one.recent);
    }
    [[nodiscard]] postgres_statement finish() && {
        postgres_statement made{kind_ == kind::update ? update_statement : insert_statement, {}};
        auto& to = made.parameters;
        to.push_back(std::move(spaces_).finish());
        to.push_back(std::move(keys_).finish());
        if (kind_ == kind::update) to.push_back(std::move(expected_).finish());
        for (auto* each : {&versions_, &present_, &expires_, &origins_, &ids_, &values_, &recent_})
            to.push_back(std::move(*each).finish());
        return made;
    }

private:
    kind kind_;
    pg::array spaces_{pg::type::int4};
    pg::array keys_{pg::type::bytea};
    pg::array expected_{pg::type::int8};
    pg::array versions_{pg::type::int8};
    pg::array present_{pg::type::boolean};
    pg::array expires_{pg::type::int8};
    pg::array origins_{pg::type::int8};
    pg::array ids_{pg::type::int8};
    pg::array values_{pg::type::bytea};
    pg::array recent_{pg::type::bytea};
};

// Sorted, in one transaction.
result<void> postgres_store::write_some(std::span<state_write* const> some) {
    std::vector<state_write*> known;
    std::vector<state_write*> fresh;
    write_columns updates(write_columns::kind::update);
    write_columns inserts(write_columns::kind::insert);
    for (auto* each : some) {
        (each->expected == 0 ? fresh : known).push_back(each);
        (each->expected == 0 ? inserts : updates).add(*each, spaces_[each->space].number);
    }
    std::vector<postgres_statement> statements;
    if (!known.empty()) statements.push_back(std::move(updates).finish());
    if (!fresh.empty()) statements.push_back(std::move(inserts).finish());

    auto done = writers_.once([&](postgres_connection& to) {
        auto tried = to.run(statements);
        // Deadlock, or a conflict of transactions: this one was rolled back, and did nothing.
        for (int again = 1; again < tries_max && !tried && to.usable() &&
                            (to.last_state() == "40P01" || to.last_state() == "40001");
             ++again)
            tried = to.run(statements);
        return tried;
    });
    if (!done) return done.error();
    if (done->size() != statements.size())
        return {errc::unavailable, description_ + ": an answer is missing"};

    // Committed: what is missing from an answer was a conflict.
    for (auto* each : some) each->outcome = write_outcome::conflict;
    if (!known.empty()) {
        const auto& rows = done->front();
        for (int row = 0; row < PQntuples(rows.get()); ++row) {
            const auto n = pg::read_number(column(rows, row, 0));
            if (n >= 1 && n <= known.size()) known[n - 1]->outcome = write_outcome::written;
        }
    }
    if (!fresh.empty()) {
        const auto& rows = done->back();
        for (int row = 0; row < PQntuples(rows.get()); ++row) {
            const auto number = pg::read_number(column(rows, row, 0));
            const auto key = column(rows, row, 1);
            const auto at = std::ranges::lower_bound(
                fresh, std::pair(number, key), {}, [this](const state_write* each) {
                    return std::pair(spaces_[each->space].number, as_text(each->key));
                });
            if (at != fresh.end() && as_text((*at)->key) == key)
                (*at)->outcome = write_outcome::written;
        }
    }
    return {};
}

// -- reading --------------------------------------------------------------------------------------

result<void> postgres_store::read_some(postgres_connection& from, std::span<state_read> wanted) {
    pg::array spaces(pg::type::int4);
    pg::array keys(pg::type::bytea);
    for (const auto& each : wanted) {
        spaces.add(spaces_[each.space].number, 4);
        keys.add(each.key);
    }
    const postgres_statement one{read_statement,
                                 {std::move(spaces).finish(), std::move(keys).finish()}};
    auto done = from.run({&one, 1});
    if (!done) return done.error();
    if (done->size() != 1) return {errc::unavailable, description_ + ": an answer is missing"};
    const auto& rows = done->front();
    for (int row = 0; row < PQntuples(rows.get()); ++row) {
        const auto n = pg::read_number(column(rows, row, 0));
        if (n < 1 || n > wanted.size()) continue;
        auto& found = wanted[n - 1].found;
        found.version = pg::read_number(column(rows, row, 1));
        found.present = pg::read_number(column(rows, row, 2)) != 0;
        found.expires_ms = static_cast<std::int64_t>(pg::read_number(column(rows, row, 3)));
        found.writer = {pg::read_number(column(rows, row, 4)),
                        pg::read_number(column(rows, row, 5))};
        const auto value = as_bytes(column(rows, row, 6));
        found.value.assign(value.begin(), value.end());
        const auto recent = as_bytes(column(rows, row, 7));
        found.recent.assign(recent.begin(), recent.end());
    }
    return {};
}

result<void> postgres_store::read(std::span<state_read> wanted) {
    const std::shared_lock held(spaces_mutex_);
    if (auto good = check_spaces(wanted); !good) return good;
    for (auto& each : wanted) each.found = {};
    if (wanted.empty()) return {};
    auto done = readers_.with([&](postgres_connection& from) -> result<void> {
        for (auto rest = wanted; !rest.empty();) {
            const auto count = std::min(rest.size(), read_keys_max);
            if (auto some = read_some(from, rest.first(count)); !some) return some;
            rest = rest.subspan(count);
        }
        return {};
    });
    if (!done)
        for (auto& each : wanted) each.found = {};
    return done;
}

result<std::vector<listed_state>> postgres_store::list(std::uint32_t space, std::string_view prefix,
                                                       std::string_view after,
                                                       std::size_t count_max) {
    const std::shared_lock held(spaces_mutex_);
    if (space >= spaces_.size()) return actors::no_such_space(space);
    const auto most = std::min<std::uint64_t>(count_max, INT64_MAX);
    const postgres_statement one{list_statement,
                                 {pg::number(spaces_[space].number, 4), std::string(after),
                                  std::string(prefix), end_of_prefix(prefix), pg::number(most, 8)}};
    auto done = readers_.with([&](postgres_connection& from) { return from.run({&one, 1}); });
    if (!done) return done.error();
    if (done->size() != 1) return error{errc::unavailable, description_ + ": an answer is missing"};
    const auto& rows = done->front();
    std::vector<listed_state> found;
    for (int row = 0; row < PQntuples(rows.get()); ++row)
        found.push_back({std::string(column(rows, row, 0)), pg::read_number(column(rows, row, 1)),
                         static_cast<std::int64_t>(pg::read_number(column(rows, row, 2))),
                         static_cast<std::size_t>(pg::read_number(column(rows, row, 3)))});
    return found;
}

}  // namespace

result<std::unique_ptr<actors::state_store>> open_postgres_store(postgres_settings settings) {
    auto store = std::make_unique<postgres_store>(std::move(settings));
    if (auto opened = store->open(); !opened) return opened.error();
    return std::unique_ptr<actors::state_store>(std::move(store));
}

}  // namespace dunlin::runtime::store
