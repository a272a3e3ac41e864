// SPDX-License-Identifier: Apache-2.0
//
// Work for threads that run what an execution unit is given, and waiting for what they do.
//
// A job has one turn, or, when its body returns true, another one after it. Its body runs on the
// thread under test; `held_job` keeps that thread until it is let go, as a function does that never
// returns.
#pragma once

#include "tests/support/catch.hpp"

#include <caf/ref_counted.hpp>
#include <caf/resumable.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <thread>
#include <type_traits>
#include <utility>

namespace dunlin::testing {

class job final : public caf::resumable, public caf::ref_counted {
public:
    template <class Body>
    explicit job(Body body) {
        if constexpr (std::is_same_v<std::invoke_result_t<Body&>, bool>)
            body_ = std::move(body);
        else
            body_ = [body = std::move(body)]() mutable {
                body();
                return false;
            };
    }
    subtype_t subtype() const override { return unspecified; }
    resume_result resume(caf::execution_unit* /*unit*/, std::size_t messages) override {
        if (messages != 1) more_than_one_message = true;
        return body_() ? resume_later : done;
    }
    void intrusive_ptr_add_ref_impl() override { ref(); }
    void intrusive_ptr_release_impl() override { deref(); }

    /// Whether a turn ever got more; looked at where Catch may be used, which is the test's thread.
    inline static std::atomic<bool> more_than_one_message{false};

private:
    std::function<bool()> body_;
};

struct held_job {
    std::promise<std::thread::id> began;
    std::promise<void> go_on;
    job* make() {
        return new job([this] {
            began.set_value(std::this_thread::get_id());
            go_on.get_future().wait();
        });
    }
};

inline void wait_until(const std::function<bool()>& reached) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!reached()) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        std::this_thread::yield();
    }
}

}  // namespace dunlin::testing
