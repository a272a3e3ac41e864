// SPDX-License-Identifier: Apache-2.0
//
// The policy that nodes run, `actors::elastic_policy`, and a fixed number, for a pool in virtual
// time. See scaler.hpp.
#pragma once

#include "actors/elastic_policy.hpp"
#include "runtime/rehearsal/arrivals.hpp"
#include "runtime/rehearsal/scaler.hpp"

namespace dunlin::runtime::rehearsal {

class dunlin_scaler final : public scaler {
public:
    explicit dunlin_scaler(const actors::elastic_bounds& bounds) noexcept : policy_(bounds) {}

    [[nodiscard]] std::size_t initial() const noexcept override { return policy_.missing(0); }
    void arrived(std::int64_t now_ns) noexcept override { policy_.arrived(now_ns); }
    [[nodiscard]] std::size_t starts_for_call(std::int64_t /*now_ns*/,
                                              const actors::elastic_view& view) override {
        return policy_.on_call(view).start ? 1 : 0;
    }
    void started(std::int64_t cost_ns) noexcept override { policy_.started(cost_ns); }
    void ended(std::int64_t /*now_ns*/, std::int64_t service_ns) noexcept override {
        policy_.ended(service_ns);
    }
    void became_idle(std::int64_t now_ns) noexcept override { policy_.became_idle(now_ns); }
    [[nodiscard]] std::int64_t look_at_ns() const noexcept override { return policy_.look_at_ns(); }
    [[nodiscard]] change look(std::int64_t now_ns, const actors::elastic_view& view) override {
        return {0, policy_.look(now_ns, view).retire};
    }

private:
    actors::elastic_policy policy_;
};
static_assert(actors::elastic_policy::never == never);

class fixed_scaler final : public scaler {
public:
    explicit fixed_scaler(std::size_t number) noexcept : number_(number) {}

    [[nodiscard]] std::size_t initial() const noexcept override { return number_; }
    [[nodiscard]] std::size_t starts_for_call(std::int64_t /*now_ns*/,
                                              const actors::elastic_view& /*view*/) override {
        return 0;
    }
    [[nodiscard]] std::int64_t look_at_ns() const noexcept override { return never; }
    [[nodiscard]] change look(std::int64_t /*now_ns*/,
                              const actors::elastic_view& /*view*/) override {
        return {};
    }

private:
    std::size_t number_;
};

}  // namespace dunlin::runtime::rehearsal
