// SPDX-License-Identifier: Apache-2.0
#include "actors/owner_keeper.hpp"

#include "actors/state/owner_plan.hpp"
#include "support/signal_mask.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace dunlin::actors {

namespace {

/// Between looks, while nodes do not agree, and between looks for what is being given up. Calls
/// wait meanwhile, and most changes take some milliseconds: each pause is twice the one before.
constexpr std::int64_t soon_min_ns = 1'000'000;
constexpr std::int64_t soon_max_ns = 10'000'000;
/// After the store has failed.
constexpr std::int64_t retry_ns = 30'000'000;
/// Rows of one list.
constexpr std::size_t rows_max = 1000;

/// Sixteen digits, so that rows sort by node.
std::string row_name(std::uint64_t node) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string name(16, '0');
    for (auto at = name.rbegin(); at != name.rend(); ++at, node >>= 4) *at = digits[node & 15];
    return name;
}

std::uint64_t number_in(std::string_view text) {
    std::uint64_t number = 0;
    static_cast<void>(std::from_chars(text.data(), text.data() + text.size(), number, 16));
    return number;
}

}  // namespace

owner_keeper::owner_keeper(state_store& store, std::shared_ptr<node_lease> lease,
                           std::vector<key_handover> spaces, std::shared_ptr<key_offers> offers,
                           mover move, offerer offer, options how)
    : store_(store),
      shared_(std::move(lease)),
      spaces_(std::move(spaces)),
      offers_(std::move(offers)),
      move_(std::move(move)),
      offer_(std::move(offer)),
      options_(how),
      name_(row_name(how.node)),
      lease_(how.node) {
    shared_->on_wait([this] {
        const std::lock_guard lock(mutex_);
        waits_ = true;
        woken_.notify_one();
    });
}

owner_keeper::~owner_keeper() { end(); }

void owner_keeper::start() {
    const support::signals_blocked no_signals;
    thread_ = std::thread([this] { run(); });
}

void owner_keeper::seen(std::shared_ptr<const owner_view> view) {
    const std::lock_guard lock(mutex_);
    newest_ = std::move(view);
    news_ = true;
    woken_.notify_one();
}

bool owner_keeper::has_offered() {
    const std::lock_guard lock(mutex_);
    return newest_ == nullptr || offered_view_ == newest_->number;
}

void owner_keeper::end() {
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(ends_, true)) return;
    }
    woken_.notify_one();
    if (thread_.joinable()) thread_.join();
    // A row that stays, because the store does not answer, is one of a node that has ended, for
    // which the others wait out the lease.
    const std::lock_guard lock(step_);
    if (row_version_ != 0) static_cast<void>(write_row(false));
}

bool owner_keeper::renew() {
    const std::lock_guard lock(step_);
    static_cast<void>(step(true));
    return !failing_;
}

void owner_keeper::run() {
    for (;;) {
        std::int64_t due_ns = 0;
        {
            const std::lock_guard lock(step_);
            due_ns = step(false);
        }
        std::unique_lock lock(mutex_);
        const auto left_ns = due_ns - shared_->now_ns();
        // Who waits may have to for a while: that alone is looked at now and then.
        const auto first_ns = std::min(left_ns, soon_max_ns);
        woken_.wait_for(lock, std::chrono::nanoseconds(first_ns),
                        [this] { return news_ || ends_; });
        woken_.wait_for(lock, std::chrono::nanoseconds(left_ns - first_ns),
                        [this] { return news_ || waits_ || ends_; });
        if (ends_) return;
        news_ = waits_ = false;
    }
}

std::int64_t owner_keeper::step(bool at_once) {
    std::shared_ptr<const owner_view> newest;
    {
        const std::lock_guard lock(mutex_);
        newest = newest_;
    }
    const auto now_ns = shared_->now_ns();
    if (newest == nullptr) return now_ns + retry_ns;
    if (next_ == nullptr || next_->number != newest->number) go_to(newest, now_ns);
    if (announced_ != next_ && given_up(now_ns)) announce();
    if (at_once || now_ns >= renew_ns_) {
        failing_ = announced_ != nullptr && !write_row(true);
        renew_ns_ = now_ns + (failing_ ? retry_ns : owner_lease::renew_every_ns);
    }
    // Behind the announcement, for which the new owners wait.
    if (announced_ == next_) offer_left();
    look();
    if (shared_->take_waits()) sweep();
    const bool unsettled = announced_ != next_ || lease_.now() != owner_lease::phase::agreed;
    if (failing_) return shared_->now_ns() + retry_ns;
    if (!unsettled) return renew_ns_;
    return shared_->now_ns() + std::exchange(soon_ns_, std::min(2 * soon_ns_, soon_max_ns));
}

void owner_keeper::go_to(const std::shared_ptr<const owner_view>& next, std::int64_t now_ns) {
    next_ = next;
    soon_ns_ = soon_min_ns;
    give_up_by_ns_ = now_ns + owner_lease::lease_ns;
    if (announced_ != nullptr && announced_->number == next->number) announced_ = next;
    publish();
    sweep();
}

bool owner_keeper::given_up(std::int64_t now_ns) {
    std::size_t busy = 0;
    for (const auto& each : spaces_) busy += each.busy_leaving();
    if (busy == 0) return true;
    if (now_ns < give_up_by_ns_) return false;
    for (const auto& each : spaces_) each.give_up_leaving();
    return true;
}

void owner_keeper::announce() {
    lease_.announces(next_->number);
    announced_ = next_;
    soon_ns_ = soon_min_ns;
    for (auto& [space, mine] : kept_.mine) {
        const auto now = next_->mine.find(space);
        if (now == next_->mine.end())
            mine.reset();
        else
            mine &= now->second;
    }
    publish();
    sweep();
    renew_ns_ = 0;
}

// -- rows ------------------------------------------------------------------------------------

result<void> owner_keeper::write_row(bool present) {
    if (!row_known_) {
        state_read own[] = {{options_.rows, as_bytes(name_), {}}};
        if (auto read = store_.read(own); !read) return read;
        row_version_ = own[0].found.version;
        row_known_ = true;
    }
    constexpr std::int64_t us_per_ms = 1000;
    const auto view = row_name(announced_ == nullptr ? 0 : announced_->number);
    state_write row;
    row.space = options_.rows;
    row.key = as_bytes(name_);
    row.expected = row_version_;
    row.version = row_version_ == 0 ? static_cast<std::uint64_t>(options_.now_ms() * us_per_ms)
                                    : row_version_ + 1;
    row.present = present;
    if (present) row.value = as_bytes(view);
    const auto sent_ns = shared_->now_ns();
    if (auto written = store_.write({&row, 1}); !written) {
        row_known_ = false;
        return written;
    }
    if (row.outcome != write_outcome::written) {
        row_known_ = false;
        return error{errc::conflict, "the node's row has been changed by another node"};
    }
    row_version_ = row.version;
    if (present) lease_.announced(announced_->number, sent_ns, shared_->now_ns());
    return {};
}

result<std::vector<state_read>> owner_keeper::read_rows(std::vector<std::string>& names) {
    for (std::string after;;) {
        auto listed = store_.list(options_.rows, {}, after, rows_max);
        if (!listed) return std::move(listed.error());
        for (auto& each : *listed) names.push_back(std::move(each.key));
        if (listed->size() < rows_max) break;
        after = names.back();
    }
    std::vector<state_read> wanted;
    wanted.reserve(names.size());
    for (const auto& each : names) wanted.push_back({options_.rows, as_bytes(each), {}});
    if (auto read = store_.read(wanted); !read) return std::move(read.error());
    return wanted;
}

void owner_keeper::look() {
    const auto asked_ns = shared_->now_ns();
    std::vector<std::string> names;
    auto read = read_rows(names);
    const auto got_ns = shared_->now_ns();
    if (!read) {
        failing_ = true;
        return;
    }
    std::vector<owner_lease::row> rows;
    std::vector<state_write> abandoned;
    for (std::size_t i = 0; i < read->size(); ++i) {
        const auto& found = (*read)[i].found;
        if (!found.present) continue;
        const auto node = number_in(names[i]);
        rows.push_back({node, number_in(as_text(found.value)), found.version});
        if (!lease_.abandoned(node, got_ns)) continue;
        state_write away;
        away.space = options_.rows;
        away.key = (*read)[i].key;
        away.expected = found.version;
        away.version = found.version + 1;
        away.present = false;
        abandoned.push_back(away);
    }
    const auto before = lease_.now();
    const auto before_view = lease_.agreed_view();
    lease_.saw(rows, asked_ns, got_ns);
    const bool agreed = lease_.now() == owner_lease::phase::agreed;
    if (agreed) kept_ = *announced_;
    // The rights last: they count as long as the lease does.
    shared_->set(std::max(lease_.epoch(), 1U), lease_.alone_until_ns(), lease_.rival_until_ns());
    if (lease_.now() != before || (agreed && lease_.agreed_view() != before_view)) {
        publish();
        sweep();
    }
    if (!abandoned.empty()) take_away(abandoned);
}

// One that is not dead after all makes its row anew, and begins as one that is new.
void owner_keeper::take_away(const std::vector<state_write>& abandoned) {
    auto batch = abandoned;
    if (!store_.write(batch)) failing_ = true;
}

// -- rights ----------------------------------------------------------------------------------

void owner_keeper::publish() {
    shared_->decides();
    for (const auto& each : spaces_) {
        const auto& name = each.space().how().name;
        auto& rights = each.space().sharing()->rights();
        for (std::uint32_t at = 0; at < cluster::partition_count; ++at) {
            const partition_views mine{
                kept_.owns(name, at),
                announced_ != nullptr && announced_->owns(name, at),
                next_ != nullptr && next_->owns(name, at),
            };
            rights.set(at, right_of(lease_.now(), announced_ == next_, mine));
        }
    }
}

void owner_keeper::sweep() {
    for (std::size_t i = 0; i < spaces_.size(); ++i)
        for (auto& each : spaces_[i].rights_changed(offer_ ? &left_ : nullptr, i))
            move_(std::move(each));
    offers_->rights_changed();
}

void owner_keeper::offer_left() {
    auto left = left_.take();
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (left[i].empty()) continue;
        const auto& space = spaces_[i];
        space.note_offered(offer_(space.space().how().name, std::move(left[i])));
    }
    const std::lock_guard lock(mutex_);
    offered_view_ = next_->number;
}

}  // namespace dunlin::actors
