// SPDX-License-Identifier: Apache-2.0
#include "tests/support/actor_harness.hpp"

#include "actors/activation.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace dunlin::testing {

namespace {

std::string text_of(const std::uint8_t* data, std::size_t size) {
    return size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(data), size);
}

/// The payloads of a bundle.
class payload_memory final : public actors::frame_memory {
public:
    explicit payload_memory(std::vector<std::string> held) : payloads(std::move(held)) {}
    const std::vector<std::string> payloads;
};

struct waiting_completion {
    call_view::completion done;
    static void run(void* user, std::int32_t code, const std::uint8_t* data, std::size_t size) {
        const std::unique_ptr<waiting_completion> self(static_cast<waiting_completion*>(user));
        self->done(code, text_of(data, size));
    }
};

struct testing_config : caf::actor_system_config {
    testing_config() { set("scheduler.policy", caf::atom("testing")); }
};

}  // namespace

// -- recorders -------------------------------------------------------------------------------

void recorded_answers::answer_value(actors::answer_address to, actors::output_buffer& payload) {
    keep(to.slot, "ok: " + text_of(payload.data, payload.size), {});
}

void recorded_answers::answer_error(actors::answer_address to, error why) {
    auto text = std::string(to_string(why.code)) + ": " + why.detail;
    keep(to.slot, std::move(text), std::move(why));
}

void recorded_answers::keep(std::uint32_t ticket, std::string text, error why) {
    std::lock_guard lock(mutex_);
    auto& kept = records_[ticket];
    kept.texts.push_back(std::move(text));
    kept.last = std::move(why);
    arrived_.notify_all();
}

std::string recorded_answers::outcome(std::uint32_t ticket) const {
    std::lock_guard lock(mutex_);
    const auto found = records_.find(ticket);
    if (found == records_.end()) return "open";
    std::string all;
    for (const auto& each : found->second.texts) all += (all.empty() ? "" : " and ") + each;
    return all;
}

std::size_t recorded_answers::count(std::uint32_t ticket) const {
    std::lock_guard lock(mutex_);
    const auto found = records_.find(ticket);
    return found == records_.end() ? 0 : found->second.texts.size();
}

error recorded_answers::failure(std::uint32_t ticket) const {
    std::lock_guard lock(mutex_);
    const auto found = records_.find(ticket);
    const auto answers = found == records_.end() ? 0 : found->second.texts.size();
    if (answers != 1)
        throw std::logic_error("ticket " + std::to_string(ticket) + " has " +
                               std::to_string(answers) + " answers instead of one");
    return found->second.last;
}

void recorded_answers::wait_for(std::uint32_t ticket, std::string_view what) {
    std::unique_lock lock(mutex_);
    const bool answered = arrived_.wait_for(
        lock, std::chrono::seconds(20), [&] { return records_.find(ticket) != records_.end(); });
    if (!answered) throw std::runtime_error("waited in vain for " + std::string(what));
}

void recording_router::routed::reply(std::string_view payload) const {
    actors::output_buffer buffer;
    buffer.append(payload.data(), payload.size());
    call().origin->answer_value(call().address, buffer);
}

void recording_router::routed::fail(errc code, std::string detail) const {
    call().origin->answer_error(call().address, {code, std::move(detail)});
}

void recording_router::route(std::string_view function, actors::bundle_ptr single,
                             const actors::callers_turn& /*by*/) {
    recording_lane::touched("route");
    for (auto* pool : pools_) {
        if (pool->info().name != function) continue;
        pool->submit(std::move(single), [](actors::bundle& work, std::uint32_t from,
                                           const actors::admission_decision&) {
            for (std::uint32_t i = from; i < work.size(); ++i)
                work[i].origin->answer_error(work[i].address, {errc::overloaded, "queue full"});
        });
        return;
    }
    calls.push_back({std::string(function), std::move(single)});
}

void recording_router::send_on(actors::pool& of, actors::bundle_ptr work, std::uint32_t index) {
    of.answered(1);
    sent_on.emplace_back(as_text((*work)[index].payload));
}

std::shared_ptr<actors::operation_timer> manual_timers::arm(actors::activation_table& owner,
                                                            actors::answer_address operation,
                                                            std::int64_t deadline_ns,
                                                            std::int32_t code) {
    recording_lane::touched("arm");
    auto made = std::make_shared<timer>();
    made->owner = &owner;
    made->operation = operation;
    made->deadline_ns = deadline_ns;
    made->code = code;
    armed.push_back(made);
    return made;
}

void manual_timers::disarm(const std::shared_ptr<actors::operation_timer>& over) {
    recording_lane::touched("disarm");
    std::erase(armed, over);
}

void manual_timers::fire(std::int64_t now_ns) {
    const auto first_late = std::stable_partition(
        armed.begin(), armed.end(), [&](const auto& each) { return each->deadline_ns > now_ns; });
    std::vector<std::shared_ptr<actors::operation_timer>> due(first_late, armed.end());
    armed.erase(first_late, armed.end());
    std::stable_sort(due.begin(), due.end(), [](const auto& left, const auto& right) {
        return left->deadline_ns < right->deadline_ns;
    });
    for (const auto& each : due) each->owner->timer_fired(*each);
}

void recording_lane::exec_later(caf::resumable* job) {
    touched("exec_later");
    jobs.push_back(job);
}

void recording_lane::touched(std::string_view what) {
    auto* lane = static_cast<recording_lane*>(current());
    if (lane != nullptr && lane->inside)
        lane->violations.push_back(std::string(what) + " from inside user code");
}

// -- a function's view -----------------------------------------------------------------------

std::int32_t call_view::reply(std::string_view text) const {
    auto* output = host.output(call);
    if (output->capacity - output->size < text.size() &&
        output->grow(output, output->size + text.size()) != 0)
        return fail(errc::failed, "the reply does not fit");
    if (!text.empty()) std::memcpy(output->data + output->size, text.data(), text.size());
    output->size += text.size();
    return DUNLIN_DONE;
}

std::int32_t call_view::fail(errc code, std::string_view detail) const {
    host.fail(call, static_cast<std::int32_t>(code), detail.data(), detail.size());
    return DUNLIN_DONE;
}

void call_view::finish(std::string_view text) const {
    reply(text);
    host.finish(call);
}

void call_view::sleep(std::chrono::nanoseconds duration, completion done) const {
    auto waiting = std::make_unique<waiting_completion>(waiting_completion{std::move(done)});
    host.sleep(call, duration.count(), &waiting_completion::run, waiting.release());
}

void call_view::invoke(std::string_view function, std::string_view input, completion done,
                       std::chrono::nanoseconds timeout) const {
    auto waiting = std::make_unique<waiting_completion>(waiting_completion{std::move(done)});
    dunlin_request request{};
    request.struct_size = sizeof request;
    request.function = function.data();
    request.function_size = function.size();
    request.payload = reinterpret_cast<const std::uint8_t*>(input.data());
    request.payload_size = input.size();
    request.timeout_ns = timeout.count();
    host.invoke(call, &request, &waiting_completion::run, waiting.release());
}

dunlin_ticket* call_view::begin(completion done) const {
    auto waiting = std::make_unique<waiting_completion>(waiting_completion{std::move(done)});
    return host.begin(call, &waiting_completion::run, waiting.release());
}

// -- the harness -----------------------------------------------------------------------------

actor_harness::actor_harness()
    : config_(std::make_unique<testing_config>()),
      system_(std::make_unique<caf::actor_system>(*config_)),
      blocking_(std::make_unique<actors::blocking_threads>(*system_, actors::blocking_options{})) {}

actor_harness::~actor_harness() {
    for (auto& pool : pools_) pool->shut_down();
    run();
    blocking_.reset();  // once what runs on its threads has ended
    run();
    pools_.clear();
}

caf::scheduler::test_coordinator& actor_harness::scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

actors::function_info actor_harness::function(std::string name, test_function body,
                                              std::uint32_t flags) {
    actors::function_info info;
    info.name = std::move(name);
    info.flags = flags;
    info.self = &functions_.emplace_back(std::move(body));
    info.run = [](void* self, const dunlin_host* host, dunlin_call* call,
                  const std::uint8_t* payload, std::size_t size) -> std::int32_t {
        return (*static_cast<test_function*>(self))(
            {*host, call, {reinterpret_cast<const char*>(payload), size}});
    };
    return info;
}

actors::pool& actor_harness::make_pool(actors::function_info info, pool_settings settings) {
    return make_elastic_pool(std::move(info),
                             {.min = settings.activations, .max = settings.activations},
                             settings.queue_depth_max);
}

actors::pool& actor_harness::make_elastic_pool(actors::function_info info,
                                               const actors::scale_settings& scale,
                                               std::size_t queue_depth_max) {
    return *pools_.emplace_back(
        std::make_unique<actors::pool>(*system_, env(), std::move(info), scale, queue_depth_max));
}

actors::pool& actor_harness::make_waiting(std::string name, std::function<void(call_view)> body,
                                          pool_settings settings) {
    auto waits = [body = std::move(body)](call_view c) {
        body(c);
        return std::int32_t{DUNLIN_PENDING};
    };
    return make_pool(function(std::move(name), std::move(waits), DUNLIN_ASYNC), settings);
}

actors::bundle_ptr actor_harness::bundle_of(const std::vector<std::string>& payloads,
                                            std::uint32_t* first_ticket, std::int64_t deadline_ns) {
    auto* memory = new payload_memory(payloads);
    auto work = actors::bundle::create(static_cast<std::uint32_t>(payloads.size()), *memory);
    memory->release();
    if (first_ticket != nullptr) *first_ticket = tickets_;
    for (const auto& payload : memory->payloads) {
        auto& added = work->add();
        added.id = tickets_ + 1;
        added.payload = as_bytes(payload);
        added.deadline_ns = deadline_ns;
        added.origin = &answers;
        added.address = {tickets_++, 0};
    }
    return work;
}

std::uint32_t actor_harness::submit(actors::pool& pool, actors::bundle_ptr work) {
    return pool.submit(std::move(work), [&](actors::bundle& refused, std::uint32_t from,
                                            const actors::admission_decision&) {
        for (std::uint32_t i = from; i < refused.size(); ++i)
            answers.answer_error(refused[i].address,
                                 {errc::overloaded, "queue full", pool.retry_after()});
    });
}

void actor_harness::set_keys(actors::bundle& work, const std::vector<std::string>& keys) {
    for (std::uint32_t i = 0; i < work.size(); ++i) work[i].key = as_bytes(keys[i % keys.size()]);
}

std::uint32_t actor_harness::call(actors::pool& pool, std::string_view payload,
                                  std::int64_t deadline_ns) {
    std::uint32_t ticket = 0;
    last = bundle_of({std::string(payload)}, &ticket, deadline_ns);
    submit(pool, last);
    return ticket;
}

std::uint32_t actor_harness::call_and_run(actors::pool& pool, std::string_view payload,
                                          std::int64_t deadline_ns) {
    const auto ticket = call(pool, payload, deadline_ns);
    run();
    return ticket;
}

bool actor_harness::step() {
    if (auto* lane = static_cast<recording_lane*>(actors::run_unit::current());
        lane != nullptr && !lane->jobs.empty()) {
        auto* job = lane->jobs.front();
        lane->jobs.pop_front();
        if (job->resume(lane, 1) == caf::resumable::resume_later)
            lane->jobs.push_back(job);
        else
            caf::intrusive_ptr_release(job);
        return true;
    }
    return scheduler().try_run_once();
}

std::size_t actor_harness::run() {
    std::size_t messages = 0;
    while (step()) ++messages;
    return messages;
}

void actor_harness::advance(std::chrono::nanoseconds by) {
    time.advance(by);
    timers.fire(time.now_ns());
}

void actor_harness::pass(std::chrono::nanoseconds by) {
    advance(by);
    run();
}

}  // namespace dunlin::testing
