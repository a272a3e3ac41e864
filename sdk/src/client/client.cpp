// SPDX-License-Identifier: Apache-2.0
#include "client/checks.hpp"
#include "client/driver.hpp"
#include "security/client_keys.hpp"
#include "support/block_cache.hpp"
#include "wire/envelope.hpp"

#include <dunlin/client.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>

namespace dunlin {
namespace {

// With copies it stays below the attempts that a call's id has room for.
constexpr std::uint32_t retries_most = 8;

result<void> check(const client_options& options) {
    if (options.endpoints.empty()) {
        return {errc::invalid_argument,
                "no endpoint to connect to; name at least one, as in tcp://127.0.0.1:7440"};
    }
    for (const auto& endpoint : options.endpoints) {
        if (auto checked = link::check_endpoint(endpoint); !checked) return checked;
    }
    if (options.name.size() > wire::name_bytes_max) {
        return {errc::invalid_argument, "client_options::name has " +
                                            std::to_string(options.name.size()) +
                                            " bytes, the most is 255"};
    }
    if (options.cluster.size() > wire::name_bytes_max) {
        return {errc::invalid_argument, "client_options::cluster has " +
                                            std::to_string(options.cluster.size()) +
                                            " bytes, the most is 255"};
    }
    if (options.nodes_max == 0) {
        return {errc::invalid_argument, "client_options::nodes_max must be at least 1"};
    }
    if (options.retries_max > retries_most) {
        return {errc::invalid_argument, "client_options::retries_max must be at most 8"};
    }
    if (options.silence_max.count() < 0 || options.silence_max > std::chrono::hours(1)) {
        return {errc::invalid_argument,
                "client_options::silence_max must be from 0, for never, to an hour"};
    }
    if (options.timeout.count() <= 0) {
        return {errc::invalid_argument, "client_options::timeout must be positive"};
    }
    if (options.in_flight_max == 0) {
        return {errc::invalid_argument, "client_options::in_flight_max must be at least 1"};
    }
    return {};
}

/// A token that stops when one of two does.
class either_stop {
public:
    either_stop(const std::stop_token& one, const std::stop_token& other)
        : at_one_(one, pass_on{both_}),
          at_other_(other, pass_on{both_}) {}
    [[nodiscard]] std::stop_token token() const noexcept { return both_.get_token(); }

private:
    struct pass_on {
        std::stop_source to;
        void operator()() { to.request_stop(); }
    };
    std::stop_source both_;
    std::stop_callback<pass_on> at_one_;
    std::stop_callback<pass_on> at_other_;
};

/// No more time than the function has that waits for it; all of that if nothing else is said.
void limit_time(call_options& options, std::chrono::nanoseconds left) {
    using std::chrono::microseconds;
    if (left == std::chrono::nanoseconds::max()) return;
    const auto most = std::max(microseconds(1), std::chrono::ceil<microseconds>(left));
    if (options.timeout.count() == 0 || options.timeout > most) options.timeout = most;
}

}  // namespace

struct client::impl {
    impl(client_options options, std::shared_ptr<const security::client_keys> keys)
        : engine(std::move(options), std::move(keys)) {
        engine.start();
    }
    link::driver engine;
};

client::client(std::unique_ptr<impl> state) noexcept : impl_(std::move(state)) {}
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

result<client> client::connect(client_options options) {
    if (auto checked = check(options); !checked) return std::move(checked.error());
    auto keys = security::read_client_keys(options.key_file, options.node_key_file);
    if (!keys) return std::move(keys.error());
    if (options.keep_heap) support::keep_heap_between_frames();
    std::unique_ptr<impl> state;
    try {
        state = std::make_unique<impl>(std::move(options), std::move(*keys));
    } catch (const std::system_error& e) {  // no thread, no descriptor
        return error{errc::unavailable,
                     std::string("this machine has nothing left for a client: ") + e.what()};
    }
    if (auto connected = state->engine.wait_connected(); !connected) {
        return std::move(connected.error());
    }
    return client(std::move(state));
}

result<bytes> client::call_and_wait(std::string_view function, encoder encode, const void* in,
                                    const call_options& options) {
    return impl_->engine.call_and_wait({function, encode, in, options});
}

call_ticket client::call(std::string_view function, encoder encode, const void* in,
                         const call_options& options, detail::callback done) {
    return impl_->engine.call_async({function, encode, in, options}, std::move(done));
}

void client::call_inside(impl& engine, const context& inside, const detail::held_call& held,
                         const completion<bytes>& done) {
    auto options = held.options();
    detail::callback answer = [done](result<bytes>&& reply) { done(std::move(reply)); };
    limit_time(options, inside.remaining());
    if (options.trace.empty()) options.trace = inside.trace();
    if (options.stop.stop_possible()) {
        auto either = std::make_shared<either_stop>(options.stop, done.stop_token());
        options.stop = either->token();
        // Gone before the answer is: to take its watch back it may have to wait for a stop that is
        // under way, which must not be with the driver's mutex held.
        answer = [either = std::move(either), done](result<bytes>&& reply) mutable {
            either.reset();
            done(std::move(reply));
        };
    } else {
        options.stop = done.stop_token();
    }
    static constexpr encoder as_it_is = [](dunlin_buffer& to, const void* value) {
        encode(to, raw{static_cast<const bytes*>(value)->view()});
    };
    engine.engine.call_async({held.function(), as_it_is, &held.payload(), options},
                             std::move(answer));
}

void client::cancel(call_ticket ticket) { impl_->engine.cancel(ticket); }
client_stats client::stats() const { return impl_->engine.stats(); }
std::string client::node() const { return impl_->engine.node(); }

}  // namespace dunlin
