// SPDX-License-Identifier: Apache-2.0
#include "actors/call.hpp"

#include "actors/activation.hpp"
#include "actors/answer_port.hpp"
#include "actors/hot_state.hpp"
#include "actors/limits.hpp"
#include "actors/memory_meter.hpp"
#include "actors/outside_ticket.hpp"
#include "actors/pool.hpp"
#include "actors/request_trace.hpp"
#include "actors/run_unit.hpp"
#include "actors/turn_list.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

namespace {

using dunlin::actors::answer_address;

/// Buffers up to this size are kept for the next invocation.
constexpr std::size_t output_bytes_kept = 8192;

}  // namespace

void dunlin_call::begin(dunlin::actors::activation& by, const dunlin::actors::function_info& what,
                        const dunlin::actors::environment& in, dunlin::actors::invocation& which) {
    owner = &by;
    function = &what;
    env = &in;
    invocation = &which;
    output.set_size_max(in.payload_bytes_max);
    output.size = 0;
    failed = false;
    finished = false;
    has_stop_callback = false;
    turns = nullptr;
    state = nullptr;
    expiry_said = false;
    info.struct_size = 0;  // filled in when the module asks
}

void dunlin_call::answer() {
    if (has_stop_callback) {
        // Waits for the callback if it runs just now: as long as the author's code takes.
        dunlin::actors::user_code_scope in_user_code(owner->home(), invocation->deadline_ns);
        invocation->stop.set_callback(nullptr, nullptr);
    }
    for (std::uint32_t slot = 0; operations_open() != 0; ++slot)
        if (operations[slot].done != nullptr)
            close_operation(slot, static_cast<std::int32_t>(dunlin::errc::cancelled));
    if (!failed && output.size > output.size_max()) {
        failed = true;
        failure = {dunlin::errc::failed, "the reply exceeds the limit of " +
                                             std::to_string(output.size_max()) + " bytes"};
    }
    if (turns != nullptr) turns->close(*this);
    if (turns != nullptr && turns->holds_replies()) {
        auto& held = turns->done().replies;
        if (failed)
            held.add(*invocation->origin, invocation->address, std::move(failure));
        else
            held.add(*invocation->origin, invocation->address, output.view());
        failure = {};
    } else if (failed) {
        invocation->origin->answer_error(invocation->address, std::move(failure));
        failure = {};
    } else {
        invocation->origin->answer_value(invocation->address, output);
    }
    output.reset(output_bytes_kept);
}

answer_address dunlin_call::open_operation(dunlin_completion done, void* user) {
    if (operations_free.empty()) {
        operations_free.push_back(static_cast<std::uint32_t>(operations.size()));
        operations.emplace_back();
    }
    const auto slot = operations_free.back();
    operations_free.pop_back();
    auto& opened = operations[slot];
    opened.done = done;
    opened.user = user;
    opened.generation = owner->next_generation();
    return {owner->slot(), opened.generation, slot};
}

void dunlin_call::close_operation(std::uint32_t slot, std::int32_t code) {
    auto& closed = operations[slot];
    closed.done = nullptr;
    operations_free.push_back(slot);
    if (auto timer = std::exchange(closed.timer, nullptr)) env->timers.disarm(timer);
    if (auto nested = std::exchange(closed.nested, {}); nested && code != 0)
        dunlin::actors::activation::stop(nested, 0, dunlin::actors::stop_reason_for(code));
}

bool dunlin_call::complete(answer_address which, std::int32_t code, const std::uint8_t* data,
                           std::size_t size) {
    if (which.part >= operations.size()) return false;
    const auto& open = operations[which.part];
    if (open.done == nullptr || open.generation != which.generation) return false;
    const auto done = open.done;
    void* user = open.user;
    close_operation(which.part, code);
    // Only this is user code: a lane may be taken over in it, and what is above touches the lane.
    dunlin::actors::user_code_scope in_user_code(owner->home(), invocation->deadline_ns);
    done(user, code, data, size);
    return true;
}

void dunlin_call::stop_operations() {
    const auto reason = invocation->stop.reason();
    const auto text = dunlin::actors::stop_detail(reason);
    const auto* data = reinterpret_cast<const std::uint8_t*>(text.data());
    // By index and generation: completions may open new operations, which end by themselves.
    const auto newest = owner->newest_generation();
    const auto is_new = [newest](std::uint32_t generation) {
        return static_cast<std::int32_t>(generation - newest) > 0;
    };
    for (std::uint32_t slot = 0; slot < operations.size() && !finished; ++slot)
        if (operations[slot].done != nullptr && !is_new(operations[slot].generation))
            complete({owner->slot(), operations[slot].generation, slot},
                     static_cast<std::int32_t>(reason), data, text.size());
}

namespace dunlin::actors {

std::string_view stop_detail(errc reason) noexcept {
    switch (reason) {
        case errc::deadline_exceeded: return "the call's deadline has passed";
        case errc::cancelled: return "the caller withdrew the call";
        default: return "the node stops";
    }
}

namespace {

dunlin_buffer* host_output(dunlin_call* call) { return &call->output; }

void host_fail(dunlin_call* call, std::int32_t code, const char* detail, std::size_t size) {
    // An author's error reaches the caller as `failed`, whatever number it carried; only a
    // payload that did not decode is the caller's fault.
    call->failed = true;
    call->failure.code =
        errc_from_number(code) == errc::invalid_argument ? errc::invalid_argument : errc::failed;
    call->failure.detail.assign(detail == nullptr ? "" : detail, detail == nullptr ? 0 : size);
}

void host_finish(dunlin_call* call) { call->finished = true; }

const dunlin_call_info* host_info(dunlin_call* call) {
    auto& info = call->info;
    if (info.struct_size == 0) {
        const auto& invocation = *call->invocation;
        const auto& name = call->function->name;
        info = {};
        info.struct_size = sizeof info;
        info.invocation_id = invocation.id;
        info.attempt = invocation.attempt;
        info.function = name.data();
        info.function_size = name.size();
        if (!invocation.trace.empty()) {
            info.trace = reinterpret_cast<const std::uint8_t*>(invocation.trace.data());
            info.trace_size = invocation.trace.size();
        }
        if (!invocation.key.empty()) {
            info.key = reinterpret_cast<const std::uint8_t*>(invocation.key.data());
            info.key_size = invocation.key.size();
        }
    }
    return &info;
}

std::int64_t host_remaining_ns(dunlin_call* call) {
    const auto deadline_ns = call->invocation->deadline_ns;
    return deadline_ns == no_deadline ? no_deadline : deadline_ns - call->env->time.now_ns();
}

int host_stop_requested(dunlin_call* call) { return call->invocation->stop.requested() ? 1 : 0; }

void host_set_stop_callback(dunlin_call* call, void (*on_stop)(void*), void* user) {
    call->has_stop_callback = on_stop != nullptr;
    call->invocation->stop.set_callback(on_stop, user);
}

/// An operation that cannot start ends like any other: later, through a message.
void end_later(dunlin_call* call, answer_address operation, errc code, std::string detail) {
    call->owner->end_operation(operation, error{code, std::move(detail)});
}

/// Ends an operation that may not start. After a stop it ends with its reason, but not at once: a
/// function that ignores the reason and tries again must not hold its thread.
bool refuse(dunlin_call* call, answer_address operation) {
    if (call->operations_open() > limits::operations_max) {
        end_later(call, operation, errc::overloaded,
                  "one invocation may have " + std::to_string(limits::operations_max) +
                      " operations under way; await some before starting more");
        return true;
    }
    if (!call->invocation->stop.requested()) return false;
    constexpr std::int64_t pause_ns = 1'000'000;
    call->operations[operation.part].timer =
        call->env->timers.arm(call->owner->table(), operation, call->env->time.now_ns() + pause_ns,
                              static_cast<std::int32_t>(call->invocation->stop.reason()));
    return true;
}

/// `duration_ns` from now: at once for what is negative, never for what has no end.
std::int64_t after(std::int64_t now_ns, std::int64_t duration_ns) noexcept {
    if (duration_ns > no_deadline - now_ns) return no_deadline;
    return now_ns + std::max<std::int64_t>(duration_ns, 0);
}

void host_sleep(dunlin_call* call, std::int64_t duration_ns, dunlin_completion done, void* user) {
    host_code_scope in_host_code(call->owner->home());
    const auto operation = call->open_operation(done, user);
    if (refuse(call, operation)) return;
    call->operations[operation.part].timer = call->env->timers.arm(
        call->owner->table(), operation, after(call->env->time.now_ns(), duration_ns), 0);
}

/// What a call between functions points into, copied once: it may outlive the call that made it.
class nested_memory final : public frame_memory {
public:
    nested_memory(const dunlin_request& request, std::string_view callers_trace,
                  memory_meter* counted_by)
        : memory_(new std::byte[request.payload_size + request.key_size + callers_trace.size()]),
          meter_(counted_by),
          counted_(sizeof(nested_memory) + sizeof(bundle) + sizeof(invocation) +
                   request.payload_size + request.key_size + callers_trace.size()) {
        if (meter_ != nullptr) meter_->add(counted_);
        auto* end = memory_.get();
        payload = copy(end, request.payload, request.payload_size);
        key = copy(end, request.key, request.key_size);
        trace = as_text(copy(end, callers_trace.data(), callers_trace.size()));
    }

    ~nested_memory() override {
        if (meter_ != nullptr) meter_->give_back(counted_);
    }

    bytes_view payload;
    bytes_view key;
    std::string_view trace;

private:
    static bytes_view copy(std::byte*& end, const void* from, std::size_t size) noexcept {
        if (size != 0) std::memcpy(end, from, size);
        return {std::exchange(end, end + size), size};
    }

    std::unique_ptr<std::byte[]> memory_;
    memory_meter* meter_;
    const std::size_t counted_;
};

void host_invoke(dunlin_call* call, const dunlin_request* request, dunlin_completion done,
                 void* user) {
    host_code_scope in_host_code(call->owner->home());
    const auto operation = call->open_operation(done, user);
    if (refuse(call, operation)) return;
    const auto& env = *call->env;
    call->invocation->reached_out = true;
    if (request->payload_size > env.payload_bytes_max)
        return end_later(call, operation, errc::invalid_argument,
                         "payload of " + std::to_string(request->payload_size) +
                             " bytes exceeds the limit of " +
                             std::to_string(env.payload_bytes_max));

    const auto& parent = *call->invocation;
    const request_trace trace(parent, env.instance);
    auto* memory = new nested_memory(*request, trace.text(), env.memory);
    auto single = bundle::create(1, *memory);
    memory->release();
    single->set_caller(reinterpret_cast<std::uintptr_t>(&call->owner->home()));
    auto& nested = single->add();
    nested.id = inner_number(parent, env.instance, operation);
    nested.source = env.instance;
    nested.payload = memory->payload;
    nested.key = memory->key;
    nested.trace = memory->trace;
    nested.deadline_ns = parent.deadline_ns;
    nested.retries_left = parent.retries_left;
    nested.origin = &call->owner->table();
    nested.address = operation;
    if (request->timeout_ns != 0) {
        const auto own_ns = after(env.time.now_ns(), request->timeout_ns);
        if (own_ns < nested.deadline_ns) {
            nested.deadline_ns = own_ns;
            call->operations[operation.part].timer =
                env.timers.arm(call->owner->table(), operation, own_ns,
                               static_cast<std::int32_t>(errc::deadline_exceeded));
        }
    }
    call->operations[operation.part].nested = single;
    env.router.route({request->function, request->function_size}, std::move(single),
                     {call->function->space, parent.key});
}

void host_log(dunlin_call* call, std::int32_t level, const char* text, std::size_t size) {
    const request_trace request(*call->invocation, call->env->instance);
    call->env->log.write(level, call->function->name, request.id(), {text, size});
}

dunlin_ticket* host_begin(dunlin_call* call, dunlin_completion done, void* user) {
    auto& home = call->owner->home();
    host_code_scope in_host_code(home);
    call->invocation->reached_out = true;
    auto ticket =
        std::make_unique<dunlin_ticket>(dunlin_ticket{home.way_in(), &call->owner->table(), {}});
    ticket->operation = call->open_operation(done, user);
    return refuse(call, ticket->operation) ? nullptr : ticket.release();
}

void host_end(dunlin_ticket* ticket, std::int32_t code, const std::uint8_t* data,
              std::size_t size) {
    const std::unique_ptr<dunlin_ticket> used(ticket);
    const elsewhere_scope elsewhere;
    used->way->pass([&] {
        if (code != 0) {
            std::string detail(size == 0 ? "" : reinterpret_cast<const char*>(data), size);
            return used->owner->answer_error(used->operation,
                                             error{errc_from_number(code), std::move(detail)});
        }
        output_buffer payload;
        if (!payload.try_append(data, size))
            return used->owner->answer_error(used->operation, error{errc::internal, {}});
        used->owner->answer_value(used->operation, payload);
    });
}

void* host_state(dunlin_call* call) { return call->state; }

void host_commit(dunlin_call* call, dunlin_completion done, void* user) {
    host_code_scope in_host_code(call->owner->home());
    const auto operation = call->open_operation(done, user);
    if (refuse(call, operation)) return;
    if (call->turns == nullptr || call->state == nullptr || !call->function->writes_state)
        return end_later(call, operation, errc::invalid_argument,
                         call->function->name + " has no state that it may change");
    if (host_remaining_ns(call) <= 0)
        return end_later(call, operation, errc::deadline_exceeded,
                         "the call's deadline has passed; nothing was committed");
    call->invocation->reached_out = true;
    call->turns->commit(*call, call->owner->table(), operation);
}

void host_expire_after(dunlin_call* call, std::int64_t duration_ns) {
    if (call->turns == nullptr) return;
    constexpr std::int64_t ns_per_ms = 1'000'000;
    call->expiry_said = true;
    call->expires_ms = duration_ns <= 0 ? 0
                                        : call->env->wall_ms() +
                                              std::max<std::int64_t>(duration_ns / ns_per_ms, 1);
}

void host_read_state(dunlin_call* call, const dunlin_state_key* which, dunlin_completion done,
                     void* user) {
    host_code_scope in_host_code(call->owner->home());
    const auto operation = call->open_operation(done, user);
    if (refuse(call, operation)) return;
    const std::string_view name(which->space, which->space_size);
    const std::string_view key(reinterpret_cast<const char*>(which->key), which->key_size);
    auto* space = call->env->state == nullptr ? nullptr : call->env->state->space(name);
    if (space == nullptr || space->how().type == nullptr)
        return end_later(call, operation, errc::not_found,
                         "no function of this node keeps state in space " + std::string(name));
    const bool own = call->function->space == name && as_text(call->invocation->key) == key;
    if (own && call->state != nullptr)
        return end_later(call, operation, errc::invalid_argument,
                         "the call has its own key's turn, and would wait for itself: its state is "
                         "the function's parameter");
    space->read(key, which->max_age_ns > 0, call->owner->table(), operation);
}

constexpr dunlin_host table{
    sizeof(dunlin_host),
    DUNLIN_ABI_VERSION,
    &host_output,
    &host_fail,
    &host_finish,
    &host_info,
    &host_remaining_ns,
    &host_stop_requested,
    &host_set_stop_callback,
    &host_invoke,
    &host_sleep,
    &host_log,
    &host_begin,
    &host_end,
    &host_state,
    &host_commit,
    &host_expire_after,
    &host_read_state,
};

}  // namespace

const dunlin_host& host_table() noexcept { return table; }

}  // namespace dunlin::actors
