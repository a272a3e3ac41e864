// SPDX-License-Identifier: Apache-2.0
//
// What arrives, and how it is handed over.
#include "client/checks.hpp"
#include "client/driver.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace dunlin::link {
namespace {

// Answers matched under one hold of the mutex.
constexpr std::size_t batch_max = 64;
}  // namespace

// -- frames ----------------------------------------------------------------------------------

void driver::handle(connection& from, const std::shared_ptr<received_frame>& frame) {
    wire::frame_reader reader(frame->view());
    leadership_.busy_poll().received(frame->view().size());
    bool more = frame->one_part();
    const char* problem = more ? nullptr : "a message of several parts";
    bool first = true;
    time_point at{};  // read once, where something needs it
    while (more) {
        bool farewell = false;
        {
            const lock held(mutex_);
            if (std::exchange(first, false)) {
                ++stats_.frames_received;
                book_.frame_begins();
                if (fleet_.many() || from.pulse.asked()) {
                    at = clock::now();
                    fleet_.heard(from, at);
                }
            }
            book_.recycle();
            while (more && !farewell && batch_.size() < batch_max) {
                const auto status = reader.next();
                if (status == wire::read_status::skipped) continue;
                if (status != wire::read_status::envelope) {
                    if (status == wire::read_status::malformed) problem = reader.problem();
                    more = false;
                    break;
                }
                switch (reader.kind()) {
                    case wire::kind::reply: {
                        call* to = book_.find(reader.reply().id, from);
                        if (to == nullptr) break;
                        if (fleet_.many()) attempts_.answered(*to, from, at);
                        if (to->cold == reader.reply().id) [[unlikely]]
                            note_cold_start(*to);
                        book_.settle(*to);
                        ++stats_.replies;
                        batch_.push_back({to, reader.reply().payload, 0, 0, false, false});
                        break;
                    }
                    case wire::kind::failure: take_failure(from, reader.failure(), at); break;
                    case wire::kind::goaway: farewell = true; break;
                    default: take_news(from, reader, at); break;
                }
            }
        }
        leadership_.busy_poll().handled(batch_.size());
        for (const auto& a : batch_) deliver(*a.to, to_result(a, frame));
        batch_.clear();
        if (farewell) {
            const lock held(mutex_);
            at = clock::now();
            fleet_.goaway(from, reader.goaway().code, reader.goaway().detail, at);
            attempts_.move_vacated(at);
        }
    }
    if (problem == nullptr) return;
    const lock held(mutex_);
    ++stats_.frames_malformed;
    from.give_up_reading(std::string("the node sent a malformed frame: ") + problem);
}

void driver::take_failure(connection& from, const wire::failure& failure, time_point at) {
    call* to = book_.find(failure.id, from);
    if (to == nullptr) return;
    const auto end = attempts_.failed(*to, from, failure, at);
    if (!end) return;
    book_.fail(*to);
    const auto code = failure.code == 0 ? std::int64_t{-1} : failure.code;
    batch_.push_back({to, as_bytes(failure.detail), code, end->retry_after_us, failure.did_not_run,
                      end->may_have_run});
}

void driver::note_cold_start(const call& paid) {
    ++stats_.cold_starts;
    if (paid.info != nullptr) paid.info->cold_start = true;
}

// What a node tells of itself and others. Kept out of `handle`, whose loop over replies the
// compiler would otherwise fill with it.
void driver::take_news(connection& from, const wire::frame_reader& reader, time_point& at) {
    switch (reader.kind()) {
        case wire::kind::load:
            if (fleet_.many()) fleet_.take_loads(from, reader.items(), at);
            break;
        case wire::kind::catalog:
            if (fleet_.take_catalog(from, reader.items())) attempts_.learn(from);
            break;
        case wire::kind::members:
            at = clock::now();
            fleet_.take_members(from, reader.items(), at);
            attempts_.move_vacated(at);
            break;
        // Kept with the attempt: of two that are under way another one may answer first.
        case wire::kind::cold:
            if (call* paid = book_.find(reader.id_or_token(), from); paid != nullptr)
                paid->cold = reader.id_or_token();
            break;
        case wire::kind::ping:
            append(from.out.open(), wire::pong{reader.id_or_token()});
            from.out.appended(book_.window());
            break;
        // With what the node serves, which follows, before anyone calls it.
        case wire::kind::welcome:
            at = clock::now();
            fleet_.welcome(from, reader.welcome(), at);
            attempts_.move_vacated(at);
            break;
        default: break;
    }
}

result<bytes> driver::to_result(const answer& a,
                                const std::shared_ptr<received_frame>& frame) const {
    if (a.code == 0) return bytes(frame, a.data);
    const auto retry_us = std::min<std::uint64_t>(
        a.retry_after_us, static_cast<std::uint64_t>(std::chrono::microseconds::max().count()));
    error why{errc_from_number(a.code), std::string(as_text(a.data)),
              std::chrono::microseconds(static_cast<std::int64_t>(retry_us)), a.did_not_run};
    return a.may_have_run ? after_attempts(std::move(why)) : std::move(why);
}

// -- handing over ----------------------------------------------------------------------------

// Frames that are full, from within a callback.
void driver::send_cut(connection& on) {
    lock held(mutex_);
    while (on.problem().empty() && on.out.take_cut(sending_)) {
        held.unlock();
        const bool sent = on.send(sending_);
        held.lock();
        if (!sent) return on.out.put_back(std::move(sending_));
        ++stats_.frames_sent;
        on.out.give_back(std::move(sending_));
    }
}

void driver::deliver(call& settled, result<bytes>&& with) noexcept {
    if (settled.sync != nullptr) {
        settled.sync->deliver(std::move(with));
    } else {
        settled.done(std::move(with));
        settled.done.reset();
    }
    book_.delivered(settled);
}

}  // namespace dunlin::link
