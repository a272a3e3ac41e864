// SPDX-License-Identifier: Apache-2.0
//
// A node's side of the C ABI that does nothing by itself.
//
// Tests run a module's functions on it and decide what happens next: operations wait in a list
// until the test completes them, in any order; time stands still until the test advances it. The
// host watches the border's rules while it is used (`violations`): one answer for each call, no
// completion twice, no use of a call that is gone. One thread, but for `end`; calls outlive the
// functions that run on them.
#pragma once

#include "tests/support/fake_states.hpp"
#include "wire/frame_buffer.hpp"

#include <dunlin/abi.h>
#include <dunlin/codec.hpp>
#include <dunlin/errc.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dunlin::testing {

class fake_host;

/// One invocation on the fake host, and what became of it.
class fake_call {
public:
    fake_call(fake_host& owner, bytes input) : host(&owner), payload(std::move(input)) {}

    fake_host* host;
    bytes payload;
    wire::frame_buffer output;
    std::string function = "test/function";
    std::string key;
    std::string trace;
    std::uint64_t invocation_id = 7;
    std::uint32_t attempt = 0;
    /// On the host's virtual clock; `nanoseconds::max()` for none.
    std::chrono::nanoseconds deadline = std::chrono::nanoseconds::max();
    bool stop = false;
    void (*on_stop)(void*) = nullptr;
    void* on_stop_user = nullptr;

    bool pending = false;   // run returned DUNLIN_PENDING
    bool answered = false;  // DUNLIN_DONE, or finished later
    bool failed = false;
    errc code = errc::unknown;
    std::string detail;
    std::size_t touches = 0;  // how often the function asked the host for anything
    fake_states::object* state = nullptr;
    std::optional<std::chrono::nanoseconds> expires;  // as the function said

    /// The reply as a T; the error of a call that failed.
    template <class T>
    [[nodiscard]] result<T> reply() const {
        if (failed) return error{code, detail};
        if (!answered) return error{errc::internal, "not answered yet"};
        return decode<T>(bytes(output.view()));
    }

private:
    friend class fake_host;
    bool writes_ = false;
    dunlin_call_info info_{};
};

/// Something a function waits for.
struct fake_operation {
    fake_call* call = nullptr;
    bool is_sleep = false;
    bool is_commit = false;
    std::string function;
    std::string space;  // of a value that is read
    std::string key;
    bytes payload;
    std::chrono::nanoseconds duration{0};  // of a sleep, an invocation's timeout, a read's bound
    std::chrono::nanoseconds due{0};       // of a sleep
    std::size_t ticket = 0;                // of what the module ends itself; 0: none
    dunlin_completion done = nullptr;
    void* user = nullptr;
};

class fake_host {
public:
    fake_host() {
        abi_.struct_size = sizeof abi_;
        abi_.abi_version = DUNLIN_ABI_VERSION;
        abi_.output = [](dunlin_call* c) -> dunlin_buffer* { return &used(c).output; };
        abi_.fail = [](dunlin_call* c, std::int32_t code, const char* detail, std::size_t size) {
            fake_call& call = used(c);
            call.failed = true;
            call.code = errc_from_number(code);
            call.detail.assign(detail, size);
        };
        abi_.finish = [](dunlin_call* c) {
            fake_call& call = used(c);
            if (!call.pending) call.host->violation("finish of a call that is not pending");
            if (call.on_stop != nullptr) call.host->violation("stop callback left behind");
            call.answered = true;
            call.host->end_turn(call);
        };
        abi_.info = &fake_host::info_of;
        abi_.remaining_ns = [](dunlin_call* c) {
            const fake_call& call = used(c);
            if (call.deadline == std::chrono::nanoseconds::max()) return call.deadline.count();
            return (call.deadline - call.host->now).count();
        };
        abi_.stop_requested = [](dunlin_call* c) { return used(c).stop ? 1 : 0; };
        abi_.set_stop_callback = [](dunlin_call* c, void (*on_stop)(void*), void* user) {
            fake_call& call = used(c);
            if (on_stop != nullptr && call.stop) return on_stop(user);
            call.on_stop = on_stop;
            call.on_stop_user = user;
        };
        abi_.invoke = &fake_host::start_invoke;
        abi_.sleep = [](dunlin_call* c, std::int64_t duration, dunlin_completion done, void* user) {
            fake_call& call = used(c);
            fake_operation op;
            op.call = &call;
            op.is_sleep = true;
            op.duration = std::chrono::nanoseconds(duration);
            op.due = call.host->now + op.duration;
            op.done = done;
            op.user = user;
            call.host->operations.push_back(std::move(op));
        };
        abi_.state = [](dunlin_call* c) -> void* {
            const fake_call& call = used(c);
            return call.state == nullptr ? nullptr : call.state->get();
        };
        abi_.commit = &fake_host::start_commit;
        abi_.expire_after = [](dunlin_call* c, std::int64_t duration) {
            used(c).expires = std::chrono::nanoseconds(duration);
        };
        abi_.read_state = &fake_host::start_read;
        abi_.begin = &fake_host::begin;
        abi_.end = &fake_host::end;
        abi_.log = [](dunlin_call* c, std::int32_t level, const char* text, std::size_t size) {
            static constexpr const char* levels[] = {"debug", "info", "warn", "error"};
            used(c).host->log.push_back(std::string(levels[level]) + ": " +
                                        std::string(text, size));
        };
    }
    fake_host(const fake_host&) = delete;
    fake_host& operator=(const fake_host&) = delete;

    [[nodiscard]] const dunlin_host* abi() const noexcept { return &abi_; }

    /// A call with `input` as its payload, to be adjusted and then `start`ed.
    template <class In>
    [[nodiscard]] fake_call& prepare(const In& input) {
        return prepare_raw(encode(input));
    }
    [[nodiscard]] fake_call& prepare_raw(bytes payload) {
        calls_.push_back(std::make_unique<fake_call>(*this, std::move(payload)));
        return *calls_.back();
    }
    fake_call& start(const dunlin_function& function, fake_call& call) {
        auto* handle = reinterpret_cast<dunlin_call*>(&call);
        const auto* data = reinterpret_cast<const std::uint8_t*>(call.payload.data());
        if (function.state != nullptr) call.state = &states.of(function, call.key);
        call.writes_ = function.state_access == DUNLIN_STATE_WRITE;
        const std::int32_t how =
            function.run(function.self, &abi_, handle, data, call.payload.size());
        if (how == DUNLIN_DONE) {
            if (call.on_stop != nullptr) violation("stop callback left behind");
            call.answered = true;
            end_turn(call);
        } else {
            call.pending = true;
        }
        return call;
    }
    template <class In>
    fake_call& run(const dunlin_function& function, const In& input) {
        return start(function, prepare(input));
    }

    /// Completes the operation at `index` with a payload.
    template <class Reply>
    void complete(std::size_t index, const Reply& reply) {
        const bytes payload = encode(reply);
        complete_raw(index, 0, as_text(payload));
    }
    void complete_error(std::size_t index, errc code, std::string_view detail) {
        complete_raw(index, static_cast<std::int32_t>(code), detail);
    }
    void complete_raw(std::size_t index, std::int32_t code, std::string_view data) {
        const fake_operation op = std::move(operations[index]);
        operations.erase(operations.begin() + static_cast<std::ptrdiff_t>(index));
        // Exactly as long as it has to live, so that a sanitizer sees who looks later.
        const std::vector<std::uint8_t> memory(data.begin(), data.end());
        if (op.is_commit && code == 0 && !op.call->state->keep())
            violation("a state cannot be copied");
        op.done(op.user, code, memory.data(), memory.size());
    }

    /// Completes what modules have ended themselves. @returns how many operations those were.
    std::size_t complete_ended() {
        std::vector<ended> ends;
        {
            const std::scoped_lock lock(ended_mutex_);
            ends.swap(ended_);
        }
        std::size_t completed = 0;
        for (const auto& each : ends) {
            for (std::size_t i = 0; i < operations.size(); ++i) {
                if (operations[i].ticket != each.ticket) continue;
                complete_raw(i, each.code, each.data);
                ++completed;
                break;
            }
        }
        return completed;
    }
    /// Tickets that no module has given back.
    [[nodiscard]] std::size_t tickets_open() const {
        const std::scoped_lock lock(ended_mutex_);
        return tickets_.size();
    }
    /// The next operations that modules end themselves may not begin.
    bool refuses_begin = false;
    /// What a node offers that is older than these.
    void forget_begin() { abi_.struct_size = offsetof(dunlin_host, begin); }
    void forget_state() { abi_.struct_size = offsetof(dunlin_host, state); }

    /// Moves the clock and completes the sleeps that become due, the earliest first.
    void advance(std::chrono::nanoseconds by) {
        const auto until = now + by;
        for (;;) {
            std::size_t next = operations.size();
            for (std::size_t i = 0; i < operations.size(); ++i) {
                const fake_operation& op = operations[i];
                if (!op.is_sleep || op.due > until) continue;
                if (next == operations.size() || op.due < operations[next].due) next = i;
            }
            if (next == operations.size()) break;
            now = operations[next].due;
            complete_raw(next, 0, {});
        }
        now = until;
    }

    /// What a node does when the caller has gone.
    void request_stop(fake_call& call) {
        call.stop = true;
        if (call.on_stop != nullptr) call.on_stop(call.on_stop_user);
    }

    fake_states states;
    std::vector<fake_operation> operations;
    std::vector<std::string> log;
    std::vector<std::string> violations;
    std::chrono::nanoseconds now{0};

private:
    static fake_call& used(dunlin_call* handle) {
        fake_call& call = *reinterpret_cast<fake_call*>(handle);
        ++call.touches;
        if (call.answered) call.host->violation("a call that is answered was used");
        return call;
    }
    static const dunlin_call_info* info_of(dunlin_call* handle) {
        fake_call& call = used(handle);
        const auto raw = [](const std::string& text) {
            return text.empty() ? nullptr : reinterpret_cast<const std::uint8_t*>(text.data());
        };
        dunlin_call_info& info = call.info_;
        info.struct_size = sizeof info;
        info.invocation_id = call.invocation_id;
        info.attempt = call.attempt;
        info.function = call.function.data();
        info.function_size = call.function.size();
        info.trace = raw(call.trace);
        info.trace_size = call.trace.size();
        info.key = raw(call.key);
        info.key_size = call.key.size();
        return &info;
    }
    static void start_invoke(dunlin_call* handle, const dunlin_request* request,
                             dunlin_completion done, void* user) {
        fake_call& call = used(handle);
        fake_operation op;
        op.call = &call;
        op.function.assign(request->function, request->function_size);
        if (request->key != nullptr) {
            op.key.assign(reinterpret_cast<const char*>(request->key), request->key_size);
        }
        op.payload = bytes(bytes_view(reinterpret_cast<const std::byte*>(request->payload),
                                      request->payload_size));
        op.duration = std::chrono::nanoseconds(request->timeout_ns);
        op.done = done;
        op.user = user;
        call.host->operations.push_back(std::move(op));
    }
    static void start_commit(dunlin_call* handle, dunlin_completion done, void* user) {
        fake_call& call = used(handle);
        if (call.state == nullptr || !call.writes_) call.host->violation("nothing to commit");
        fake_operation op;
        op.call = &call;
        op.is_commit = true;
        op.key = call.key;
        op.done = done;
        op.user = user;
        call.host->operations.push_back(std::move(op));
    }
    static void start_read(dunlin_call* handle, const dunlin_state_key* which,
                           dunlin_completion done, void* user) {
        fake_call& call = used(handle);
        fake_operation op;
        op.call = &call;
        op.space.assign(which->space, which->space_size);
        op.key.assign(reinterpret_cast<const char*>(which->key), which->key_size);
        op.duration = std::chrono::nanoseconds(which->max_age_ns);
        op.done = done;
        op.user = user;
        call.host->operations.push_back(std::move(op));
    }
    // What a call that failed has changed is as it was.
    void end_turn(const fake_call& call) {
        if (call.state == nullptr || !call.writes_) return;
        if (!(call.failed ? call.state->undo() : call.state->keep()))
            violation("a state cannot be copied");
    }
    // A ticket is a number: what is not given back, or twice, is seen.
    static dunlin_ticket* begin(dunlin_call* handle, dunlin_completion done, void* user) {
        fake_call& call = used(handle);
        fake_host& host = *call.host;
        fake_operation op;
        op.call = &call;
        op.done = done;
        op.user = user;
        dunlin_ticket* ticket = nullptr;
        if (!host.refuses_begin) {
            auto fresh = std::make_unique<fake_ticket>(fake_ticket{&host, ++host.tickets_made_});
            op.ticket = fresh->number;
            ticket = reinterpret_cast<dunlin_ticket*>(fresh.get());
            const std::scoped_lock lock(host.ended_mutex_);
            host.tickets_.push_back(std::move(fresh));
        }
        host.operations.push_back(std::move(op));
        return ticket;
    }
    static void end(dunlin_ticket* handle, std::int32_t code, const std::uint8_t* data,
                    std::size_t size) {
        auto* ticket = reinterpret_cast<fake_ticket*>(handle);
        fake_host& host = *ticket->host;
        const std::scoped_lock lock(host.ended_mutex_);
        host.ended_.push_back({ticket->number, code, std::string(data, data + size)});
        std::erase_if(host.tickets_, [ticket](const auto& kept) { return kept.get() == ticket; });
    }
    void violation(std::string what) { violations.push_back(std::move(what)); }

    struct fake_ticket {
        fake_host* host;
        std::size_t number;
    };
    struct ended {
        std::size_t ticket;
        std::int32_t code;
        std::string data;
    };

    dunlin_host abi_{};
    mutable std::mutex ended_mutex_;
    std::vector<std::unique_ptr<fake_ticket>> tickets_;
    std::vector<ended> ended_;
    std::size_t tickets_made_ = 0;
    std::deque<std::unique_ptr<fake_call>> calls_;
};

/// The function of a module's description with this name; null when there is none.
[[nodiscard]] inline const dunlin_function* find_function(const dunlin_module_info& module_info,
                                                          std::string_view name) {
    for (std::size_t i = 0; i < module_info.function_count; ++i) {
        if (module_info.functions[i].name == name) return &module_info.functions[i];
    }
    return nullptr;
}

}  // namespace dunlin::testing
