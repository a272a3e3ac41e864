// SPDX-License-Identifier: Apache-2.0
#include "actors/decision_log.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace dunlin::actors {
namespace {

/// Records that are copied, or passed over, with the lock held once: some microseconds, which is
/// what who adds one may wait for who reads all.
constexpr std::uint64_t records_at_once = 64;

static_assert(sizeof(decision_record) * limits::decisions_kept < 800 * 1024);

bool is_plain(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

/// As a shell takes it for one word. Names of nodes may hold nearly anything.
std::string shell_word(std::string_view text) {
    if (std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
    std::string word = "'";
    for (const char c : text) {
        if (c == '\'')
            word += R"('\'')";
        else
            word += c;
    }
    return word + "'";
}

}  // namespace

std::string_view to_string(decision_kind kind) noexcept {
    switch (kind) {
        case decision_kind::start: return "start";
        case decision_kind::retire: return "retire";
        case decision_kind::widen: return "widen";
        case decision_kind::fold: return "fold";
        case decision_kind::refuse: return "refuse";
        case decision_kind::shed: return "shed";
        case decision_kind::set: return "set";
        case decision_kind::stop: return "stop";
        case decision_kind::resume: return "resume";
        case decision_kind::lose: return "lose";
        case decision_kind::regain: return "regain";
    }
    return "unknown";
}

decision_log::decision_log(std::string node, std::size_t capacity)
    : node_(std::move(node)),
      capacity_(std::max<std::size_t>(capacity, 1)) {
    // Reserved and not filled: memory that is never written takes none of the machine's.
    ring_.reserve(capacity_);
}

std::uint64_t decision_log::add(decision_series& series, std::int64_t now_ns,
                                const decision& what) noexcept {
    std::shared_ptr<const std::string> replaced;  // freed when the lock is gone
    const std::lock_guard lock(mutex_);
    const auto amount = std::abs(what.after - what.before);
    for (const auto number : series.recent_) {
        auto* record = find(number);
        if (record == nullptr || record->what.kind != what.kind || record->what.rule != what.rule ||
            now_ns - record->first_ns >= limits::decisions_folded_ns)
            continue;
        const auto before = record->what.before;
        record->what = what;
        record->what.before = before;
        record->last_ns = std::max(record->last_ns, now_ns);
        record->amount += amount;
        ++record->count;
        return number;
    }
    // Threads look at the clock before they come here; a reader who has read to some time may rely
    // on it that nothing earlier follows.
    last_ns_ = std::max(last_ns_, now_ns);
    const auto number = ++last_;
    if (ring_.size() < capacity_) ring_.emplace_back();
    auto& record = ring_[place_of(number)];
    replaced = std::exchange(record.function, series.function_);
    record.number = number;
    record.first_ns = last_ns_;
    record.last_ns = last_ns_;
    record.what = what;
    record.amount = amount;
    record.count = 1;
    series.recent_[series.oldest_] = number;
    series.oldest_ = static_cast<std::uint8_t>((series.oldest_ + 1) % series.recent_.size());
    return number;
}

decision_series& decision_log::series_of(std::string_view function) {
    const std::lock_guard lock(series_mutex_);
    const auto known = series_.find(function);
    if (known != series_.end()) return known->second;
    std::string name(function);
    return series_.try_emplace(name, name).first->second;
}

std::string decision_log::reference(std::string_view function, std::uint64_t number) const {
    return " (dunlin explain " + std::string(function) + " --record " + shell_word(node_) + "/" +
           std::to_string(number) + ")";
}

decision_log::page decision_log::newest(const question& asked) const {
    page found;
    found.records.reserve(std::min(asked.limit, capacity_));
    std::uint64_t at = 0;  // the next to be looked at, downwards
    bool more = true;
    bool first = true;
    while (more) {
        const std::lock_guard lock(mutex_);
        if (std::exchange(first, false)) at = last_;
        found.oldest = oldest();
        for (std::uint64_t looked = 0; looked < records_at_once && more; ++looked) {
            more = at >= found.oldest && at > 0 && found.records.size() < asked.limit;
            if (!more) break;
            const auto& record = ring_[place_of(at--)];
            if (record.first_ns > asked.until_ns) continue;
            found.read_to = std::max(found.read_to, record.number);
            if (asked.function.empty() || *record.function == asked.function)
                found.records.push_back(record);
        }
    }
    std::reverse(found.records.begin(), found.records.end());
    return found;
}

decision_log::page decision_log::after(std::uint64_t number, const question& asked) const {
    page found;
    found.read_to = number;
    found.records.reserve(std::min(asked.limit, capacity_));
    bool more = true;
    while (more) {
        const std::lock_guard lock(mutex_);
        found.oldest = oldest();
        // The numbers of a node that was replaced by this one, or of nobody: there is nothing yet.
        if (found.read_to > last_) found.read_to = last_;
        found.read_to = std::max(found.read_to, found.oldest - 1);
        for (std::uint64_t looked = 0; looked < records_at_once && more; ++looked) {
            more = found.read_to < last_ && found.records.size() < asked.limit;
            if (!more) break;
            const auto& record = ring_[place_of(found.read_to + 1)];
            more = record.first_ns <= asked.until_ns;
            if (!more) break;
            ++found.read_to;
            if (asked.function.empty() || *record.function == asked.function)
                found.records.push_back(record);
        }
    }
    return found;
}

}  // namespace dunlin::actors
