// SPDX-License-Identifier: Apache-2.0
#include "keyed_book.hpp"

#include "tests/history/history_lines.hpp"

namespace dunlin::chaos {

namespace {

std::string in_quotes(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

keyed_book::~keyed_book() {
    if (calls_ != nullptr) std::fclose(calls_);
}

void keyed_book::started() {
    const std::lock_guard lock(mutex_);
    ++started_;
}

void keyed_book::ended(const std::string& key, const history::operation& known, const error* why) {
    const std::string code(why == nullptr ? "ok" : to_string(why->code));
    auto line = calls_ == nullptr ? std::string() : history::line_of(key, known);
    if (!line.empty()) {
        line.pop_back();
        line += ",\"code\":\"" + code + "\"";
        if (why != nullptr) line += ",\"why\":" + in_quotes(to_string(*why));
        line += "}\n";
    }
    const std::lock_guard lock(mutex_);
    ++ended_;
    if (known.answered())
        ++ok_;
    else
        ++errors_[code];
    if (calls_ != nullptr) std::fwrite(line.data(), 1, line.size(), calls_);
    fewer_.notify_all();
}

bool keyed_book::wait_below(std::size_t in_flight, keyed_clock::time_point limit) {
    std::unique_lock lock(mutex_);
    return fewer_.wait_until(lock, limit, [&] { return started_ - ended_ < in_flight; });
}

std::uint64_t keyed_book::failures() const {
    const std::lock_guard lock(mutex_);
    return ended_ - ok_;
}

nlohmann::json keyed_book::progress() const {
    const std::lock_guard lock(mutex_);
    return {
        {"started", started_}, {"ok", ok_}, {"errors", errors_}, {"in_flight", started_ - ended_}};
}

}  // namespace dunlin::chaos
