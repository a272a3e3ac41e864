// SPDX-License-Identifier: Apache-2.0
//
// Everything a module can do to its node across the C border, in any order.
//
// module_fuzz looks at the border from the node's side and plays the node; this one plays the
// module, against the real pools and activations in virtual time. The input is a script for both
// sides. Outside, each step starts a call, handles one message or all, moves the clock, stops a
// call, or answers what functions have called elsewhere. The payload of a call is in turn the
// script of its function: it writes and fails, starts timers and calls (of itself, too) and what a
// module ends itself, leaves them open, asks for what it may ask for, suspends, and finishes early
// or late. What modules end is ended by other functions, by the outside, or after everything.
//
// At the end everything is stopped and answered from outside, as a node does. Then each call must
// have exactly one answer, each completion have come at most once and none after its call had
// ended, and nothing of a lane been touched from inside user code; a sanitizer watches the memory.
#include "actors/activation.hpp"
#include "tests/support/actor_harness.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace dunlin;
using namespace std::chrono_literals;

constexpr std::size_t payload_bytes_max = 512;
constexpr std::size_t calls_max = 48;
// A function may call itself; without a limit a short script could do so for ever.
constexpr std::size_t functions_started_max = 512;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "host_fuzz: %s\n", what);
    std::abort();
}

/// Touches every byte, so that a sanitizer sees memory that is not there.
void read_all(std::string_view memory) {
    std::size_t zeros = 0;
    for (const char each : memory) zeros += each == 0 ? 1 : 0;
    require(zeros <= memory.size(), "more zeros than bytes");
}

/// Takes the script apart; after its end everything is zero.
class script {
public:
    explicit script(std::string_view text) : left_(text) {}
    [[nodiscard]] bool ended() const { return left_.empty(); }
    std::uint8_t number() {
        if (left_.empty()) return 0;
        const auto value = static_cast<std::uint8_t>(left_.front());
        left_.remove_prefix(1);
        return value;
    }
    std::string_view text() {
        const std::size_t wanted = number();
        const std::size_t size = std::min(wanted, left_.size());
        const auto out = left_.substr(0, size);
        left_.remove_prefix(size);
        return out;
    }
    /// From past to for ever.
    std::int64_t duration_ns() {
        const std::int64_t value = number();
        switch (number() % 5) {
            case 0: return value * 1'000;
            case 1: return value * 1'000'000;
            case 2: return -value;
            case 3: return std::numeric_limits<std::int64_t>::max() - value;
            default: return value;
        }
    }

private:
    std::string_view left_;
};

/// What modules have begun and may end, at any time and from anywhere, but once.
class open_tickets {
public:
    void add(dunlin_ticket* begun) { tickets_.push_back(begun); }
    [[nodiscard]] bool empty() const { return tickets_.empty(); }
    void end(std::size_t which, std::int32_t code, std::string_view data) {
        which %= tickets_.size();
        auto* ticket = tickets_[which];
        tickets_.erase(tickets_.begin() + static_cast<std::ptrdiff_t>(which));
        // Exactly as long as it has to live, so that a sanitizer sees who looks later.
        const std::vector<std::uint8_t> memory(data.begin(), data.end());
        actors::host_table().end(ticket, code, memory.data(), memory.size());
    }
    ~open_tickets() {
        while (!tickets_.empty()) end(0, 0, "after the node");
    }

private:
    std::vector<dunlin_ticket*> tickets_;
};

class running_function;

/// One timer or call; it must outlive its function, which may leave it open.
struct operation {
    running_function* by;
    bool completed = false;
};

/// What a call's function does: its payload, read as a script.
class running_function {
public:
    running_function(testing::call_view view, open_tickets& tickets)
        : view_(view),
          tickets_(tickets),
          payload_(view.payload),
          script_(payload_) {}

    std::int32_t run() {
        play();
        if (finished_) return DUNLIN_PENDING;  // it finished before it had suspended
        if (open_ != 0 && suspends_) return DUNLIN_PENDING;
        finished_ = true;
        return DUNLIN_DONE;
    }

private:
    static void complete(void* user, std::int32_t /*code*/, const std::uint8_t* data,
                         std::size_t size) {
        auto& ended = *static_cast<operation*>(user);
        require(!std::exchange(ended.completed, true), "a completion came twice");
        require(!ended.by->finished_, "a completion came after its call had ended");
        read_all({reinterpret_cast<const char*>(data), size});
        --ended.by->open_;
        ended.by->play();
        if (!ended.by->finished_ && ended.by->open_ == 0) ended.by->finish();
    }

    void finish() {
        finished_ = true;
        view_.host.finish(view_.call);
    }

    void play() {
        for (int steps = 0; steps < 32 && !script_.ended() && !finished_; ++steps) {
            switch (script_.number() % 14) {
                case 0: view_.reply(script_.text()); break;
                case 1: grow(); break;
                case 2: view_.fail(static_cast<errc>(script_.number()), script_.text()); break;
                case 3:
                case 4:
                    view_.host.sleep(view_.call, script_.duration_ns(), &complete, &opened());
                    break;
                case 5:
                case 6: invoke(); break;
                case 7: ask(); break;
                case 8:
                    // From a lane the callback would go to a thread, and no run would be like
                    // another any more.
                    if (actors::run_unit::current() != nullptr) break;
                    view_.host.set_stop_callback(view_.call, &on_stop, &stops_);
                    break;
                case 9: view_.host.set_stop_callback(view_.call, nullptr, nullptr); break;
                case 10:
                    if (auto* ticket = view_.host.begin(view_.call, &complete, &opened()))
                        tickets_.add(ticket);
                    break;
                case 11: end_something(); break;
                case 12: suspends_ = !suspends_; return;
                default: finish(); break;
            }
        }
    }

    void end_something() {
        const std::size_t which = script_.number();
        const std::int32_t code = script_.number() % 16;
        if (!tickets_.empty()) tickets_.end(which, code, script_.text());
    }

    void grow() {
        auto* output = view_.host.output(view_.call);
        const std::size_t wanted = output->size + std::size_t{script_.number()} * 4;
        const auto size = output->size;
        const bool grown = output->grow(output, wanted) == 0;
        require(output->size == size, "growing changed what was written");
        require(!grown || output->capacity >= wanted, "a buffer grew too little");
        require(grown || wanted > payload_bytes_max, "a buffer did not grow within its limit");
        while (output->size < std::min(wanted, output->capacity)) output->data[output->size++] = 7;
    }

    void invoke() {
        constexpr std::string_view names[] = {"fuzz/plain", "fuzz/waits", "other/elsewhere", ""};
        const auto name = names[script_.number() % 4];
        const auto input = script_.text();
        const auto key = script_.text();
        dunlin_request request{};
        request.struct_size = sizeof request;
        request.function = name.data();
        request.function_size = name.size();
        request.payload = reinterpret_cast<const std::uint8_t*>(input.data());
        request.payload_size = input.size();
        request.timeout_ns = script_.duration_ns();
        request.key = reinterpret_cast<const std::uint8_t*>(key.data());
        request.key_size = key.size();
        view_.host.invoke(view_.call, &request, &complete, &opened());
    }

    void ask() {
        const auto* info = view_.host.info(view_.call);
        require(info->struct_size == sizeof *info, "an info of another size");
        const std::string_view name(info->function, info->function_size);
        require(name == "fuzz/plain" || name == "fuzz/waits", "an info names another function");
        const auto* trace = reinterpret_cast<const char*>(info->trace);
        const std::string read(trace == nullptr ? "" : trace, info->trace_size);
        require(read.empty() || read == "trace", "a trace that nobody gave");
        view_.host.log(view_.call, DUNLIN_LOG_INFO, read.data(), read.size());
        static_cast<void>(view_.host.remaining_ns(view_.call));
        static_cast<void>(view_.host.stop_requested(view_.call));
    }

    static void on_stop(void* user) { ++*static_cast<int*>(user); }

    operation& opened() {
        ++open_;
        return *operations_.emplace_back(std::make_unique<operation>(operation{this}));
    }

    testing::call_view view_;
    open_tickets& tickets_;
    const std::string payload_;
    script script_;
    std::vector<std::unique_ptr<operation>> operations_;
    std::size_t open_ = 0;
    bool suspends_ = true;
    bool finished_ = false;
    int stops_ = 0;
};

/// A node's actors, and all that was asked of them.
class world {
public:
    explicit world(script from) : script_(from) {
        harness_.payload_bytes_max = payload_bytes_max;
        const auto body = [this](testing::call_view view) -> std::int32_t {
            if (functions_.size() == functions_started_max) return view.reply("enough");
            return functions_.emplace_back(std::make_unique<running_function>(view, tickets_open_))
                ->run();
        };
        if (script_.number() % 2 == 0) lane_.emplace(harness_.system());
        const testing::pool_settings two{.activations = 2, .queue_depth_max = 6};
        plain_ = &harness_.make_pool(harness_.function("fuzz/plain", body), two);
        waits_ = &harness_.make_pool(harness_.function("fuzz/waits", body, DUNLIN_ASYNC), two);
        harness_.router.connect(*plain_);
        harness_.router.connect(*waits_);
    }

    void play() {
        while (!script_.ended() && calls_.size() < calls_max) {
            switch (script_.number() % 9) {
                case 0:
                case 1:
                case 2: start(); break;
                case 3: harness_.step(); break;
                case 4: harness_.run(); break;
                case 5: pass_time(); break;
                case 6: stop(errc::cancelled); break;
                case 7: end_something(); break;
                default: answer_elsewhere(); break;
            }
        }
    }

    /// As a node's end: what waits is stopped, what was asked elsewhere is refused.
    void end() {
        harness_.run();
        for (const auto& work : calls_)
            for (std::uint32_t i = 0; i < work->size(); ++i)
                actors::activation::stop(work, i, errc::unavailable);
        for (int rounds = 0; rounds < 10'000 && !all_answered(); ++rounds) {
            harness_.run();
            refuse_elsewhere();
            harness_.advance(1h);
        }
        // What functions left open elsewhere, until nothing waits on the lane any more.
        do refuse_elsewhere();
        while (harness_.run() != 0);
        for (std::uint32_t ticket = 0; ticket < tickets_; ++ticket)
            require(harness_.answers.count(ticket) == 1,
                    ("instead of one answer a call has: " + harness_.outcome(ticket)).c_str());
        require(!lane_ || lane_->violations.empty(), "the lane was touched from inside user code");
    }

private:
    void start() {
        std::vector<std::string> payloads;
        for (int count = 1 + script_.number() % 3; count > 0; --count)
            payloads.emplace_back(script_.text());
        const auto deadline_ns =
            script_.number() % 3 == 0
                ? actors::no_deadline
                : harness_.time.now_ns() + positive();  // at most half of all time
        auto work = harness_.bundle_of(payloads, nullptr, deadline_ns);
        tickets_ += static_cast<std::uint32_t>(payloads.size());
        for (std::uint32_t i = 0; i < work->size(); ++i) (*work)[i].trace = trace_;
        calls_.push_back(work);
        harness_.submit(script_.number() % 2 == 0 ? *plain_ : *waits_, work);
    }

    void stop(errc reason) {
        if (calls_.empty()) return;
        const auto& work = calls_[script_.number() % calls_.size()];
        actors::activation::stop(work, script_.number() % 4, reason);
    }

    void end_something() {
        const std::size_t which = script_.number();
        const std::int32_t code = script_.number() % 16;
        if (!tickets_open_.empty()) tickets_open_.end(which, code, script_.text());
    }

    void answer_elsewhere() {
        auto& waiting = harness_.router.calls;
        if (waiting.empty()) return;
        const auto index = static_cast<std::ptrdiff_t>(script_.number() % waiting.size());
        const auto one = std::move(waiting[static_cast<std::size_t>(index)]);
        waiting.erase(waiting.begin() + index);
        if (script_.number() % 2 == 0) return one.reply(script_.text());
        one.fail(static_cast<errc>(script_.number()), std::string(script_.text()));
    }

    void refuse_elsewhere() {
        for (const auto& one : std::exchange(harness_.router.calls, {}))
            one.fail(errc::unavailable, "the node stops");
    }

    /// Not so far that the clock itself would end.
    void pass_time() {
        harness_.advance(
            std::min(std::chrono::nanoseconds(positive()), std::chrono::nanoseconds(1h)));
    }

    [[nodiscard]] bool all_answered() const {
        for (std::uint32_t ticket = 0; ticket < tickets_; ++ticket)
            if (harness_.answers.count(ticket) == 0) return false;
        return true;
    }

    std::int64_t positive() { return std::max<std::int64_t>(script_.duration_ns(), 0) / 2; }

    script script_;
    open_tickets tickets_open_;  // some outlive the node
    // What functions hold lives longer than the actors that run them.
    std::vector<std::unique_ptr<running_function>> functions_;
    const std::string trace_ = "trace";
    std::vector<actors::bundle_ptr> calls_;
    std::uint32_t tickets_ = 0;
    testing::actor_harness harness_;
    std::optional<testing::recording_lane> lane_;
    actors::pool* plain_ = nullptr;
    actors::pool* waits_ = nullptr;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    world tried(script(std::string_view(reinterpret_cast<const char*>(data), size)));
    tried.play();
    tried.end();
    return 0;
}
