// SPDX-License-Identifier: Apache-2.0
//
// Calls functions by name, from any program and any number of threads.
//
// A client keeps connections to the lanes of the nodes of a cluster, or of one node, and many
// calls in flight on them. Every call ends exactly once: with the function's result, or with an
// error at the latest at its deadline, whatever becomes of nodes and network. Calls that are
// started together share frames by themselves. Each call goes to a node that serves its function
// and would start it soonest, and a call with a key to the key's owner. When a node leaves or
// dies, calls that cannot have run, and those of idempotent functions, go to another one. A thread
// that waits in `invoke` drives the socket itself when no other thread does, so nothing is handed
// between threads on the way; asynchronous calls are driven by one background thread, which sleeps
// while there is nothing to do.
//
// Owner: the program. All members are safe from any thread; destroying the client answers what
// is still in flight with `errc::cancelled` first. It must not be destroyed by one of its own
// callbacks: that ends the program.
#pragma once

#include <dunlin/bytes.hpp>
#include <dunlin/call_options.hpp>
#include <dunlin/codec.hpp>
#include <dunlin/context.hpp>
#include <dunlin/detail/awaited_input.hpp>
#include <dunlin/detail/callback.hpp>
#include <dunlin/detail/held_call.hpp>
#include <dunlin/result.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace dunlin {

struct client_options {
    /// Where nodes listen. The first that answers tells of the other members of its cluster, which
    /// are used as well; the next is tried when all are gone. Of nodes that form no cluster the
    /// first that answers is used alone.
    std::vector<std::string> endpoints = {"tcp://127.0.0.1:7440"};
    /// Shown in the node's logs. Empty: "client-" and the process id.
    std::string name = {};
    /// The only cluster to talk to, at most 255 bytes; nodes of others refuse. Empty: any.
    std::string cluster = {};
    /// Files of `dunlin keygen`, which `connect` reads once: this client's own secret key, and the
    /// public key that the nodes share. With them every connection is encrypted, each side proves
    /// its key to the other, and nodes without keys are not used. Either both or none.
    std::string key_file = {};
    std::string node_key_file = {};
    /// Time a call has when its own options name none.
    std::chrono::microseconds timeout = std::chrono::seconds(10);
    /// How long `connect` waits for the first handshake.
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
    /// Calls unanswered at once, over all threads; one more is answered `overloaded` at once.
    /// A node may announce a smaller number for each connection.
    std::size_t in_flight_max = 65536;
    /// Whether to learn the other members of a cluster. If not, only the endpoints above are used:
    /// one at a time, each call goes to that node, and the node decides where it runs.
    bool learn_members = true;
    /// Nodes to be connected to at once. Of a larger cluster each client uses a part of its own.
    std::size_t nodes_max = 16;
    /// How often one call may be sent again, to another node, after the first failed it: because
    /// it refused it, or left or died. Functions that are not declared idempotent are sent again
    /// only when it is known that they did not run. At most 8; zero: never. All retries of a client
    /// share a budget of about a sixth of its calls, so that a cluster that fails sees no storm.
    std::uint32_t retries_max = 2;
    /// A node that has calls, does not answer, and is silent for as long, is taken for lost if
    /// there are others: it hangs, or the network does. Calls avoid it much earlier. At most an
    /// hour; zero: never, and the connection's own heartbeat finds it out after some 8 s.
    std::chrono::milliseconds silence_max{1000};
    /// Every call is hedged; see `call_options::hedge`.
    bool hedge = false;
    /// Pause before connecting again: doubles from the first to the second, with jitter.
    std::chrono::milliseconds reconnect_after_min{20};
    std::chrono::milliseconds reconnect_after_max{2000};
    /// How long a thread that waits for answers looks for them before it sleeps. Meanwhile it
    /// yields its core to other threads, and it stops trying while that finds nothing. Zero:
    /// it always sleeps at once, which saves processor time and makes quick calls slower. At most
    /// 10 ms.
    std::chrono::microseconds busy_poll{300};
    /// Whether the C library is to keep up to 8 MiB of freed heap instead of giving it back to the
    /// system at once. That makes replies of 16 KiB and more quicker, as they need not fault their
    /// memory in again, and it holds for the whole program from then on, whatever clients it has
    /// (glibc's dynamic threshold, mallopt(3)). So it is for the program to choose.
    bool keep_heap = false;
};

/// Names one asynchronous call, for `client::cancel`.
struct call_ticket {
    std::uint64_t id = 0;
};

struct client_stats {
    std::uint64_t calls = 0;      // started
    std::uint64_t replies = 0;    // answered by a function
    std::uint64_t failures = 0;   // answered with an error, wherever it arose
    std::uint64_t in_flight = 0;  // now
    std::uint64_t frames_sent = 0;
    std::uint64_t frames_received = 0;
    std::uint64_t frames_malformed = 0;
    std::uint64_t reconnects = 0;   // connections made in place of lost ones
    std::uint64_t retries = 0;      // calls sent again after a node failed them
    std::uint64_t hedges = 0;       // calls of which a copy was sent to another node
    std::uint64_t cold_starts = 0;  // of the replies: see `call_info::cold_start`
    std::uint64_t nodes = 0;        // connected to now
};

class client {
public:
    /// Connects and waits for the node's handshake. Errors: `unavailable` when no endpoint
    /// answered in time, `invalid_argument` for an endpoint that is not one or a key file that
    /// cannot be used, `unauthenticated` when the node refused this client or its key, has keys
    /// where this client has none or none where it has, or belongs to another cluster. A machine
    /// that has a thread for the client but none for ZeroMQ itself is not caught here: ZeroMQ may
    /// end the program.
    [[nodiscard]] static result<client> connect(client_options options = {});
    /// To one endpoint, with defaults for the rest. A template, as braces could mean either.
    template <std::convertible_to<std::string> Endpoint>
    [[nodiscard]] static result<client> connect(const Endpoint& endpoint) {
        client_options options;
        options.endpoints = {std::string(endpoint)};
        return connect(std::move(options));
    }

    client(client&&) noexcept;
    client& operator=(client&&) noexcept;
    ~client();

    /// Calls a function and waits for its result, at most until the call's deadline. While no
    /// node can be reached the call waits too, and ends with `unavailable` at its deadline.
    template <class Out, class In>
    requires(!std::is_same_v<In, call_options>)
        [[nodiscard]] result<Out> invoke(std::string_view function, const In& in,
                                         const call_options& options = {}) {
        static_assert(std::is_void_v<Out> || !borrows_v<Out>,
                      "Out must own what it holds: a view would outlive the reply it points into");
        return reply_as<Out>(call_and_wait(function, &encode_hook<In>, &in, options));
    }

    /// Calls a function that takes no input.
    template <class Out>
    [[nodiscard]] result<Out> invoke(std::string_view function, const call_options& options = {}) {
        return invoke<Out>(function, nullptr, options);
    }

    /// Calls a function; `done(result<Out>)` runs exactly once, on the thread that drives the
    /// sockets then: the client's own, or one that waits in `invoke`. It should be short, for all
    /// other answers wait for it; it may start and cancel calls, but `invoke` inside it is
    /// refused. An exception from it ends the program.
    ///
    /// A call that cannot even be started (`overloaded`, a bad name, an input that cannot be
    /// encoded) is answered before this returns, on the calling thread: do not hold a lock that
    /// `done` takes, and do not start the call again right inside it.
    template <class Out, class In, class F>
    requires std::is_invocable_v<F&, result<Out>> call_ticket
    async_invoke(std::string_view function, const In& in, const call_options& options, F&& done) {
        return call(function, &encode_hook<In>, &in, options,
                    [done = std::forward<F>(done)](result<bytes>&& reply) mutable {
                        done(reply_as<Out>(std::move(reply)));
                    });
    }

    /// Calls a function; the future becomes ready with its result. Do not wait for it inside a
    /// callback of this client.
    template <class Out, class In>
    requires(!std::is_same_v<In, call_options>)
        [[nodiscard]] std::future<result<Out>> async_invoke(std::string_view function, const In& in,
                                                            const call_options& options = {}) {
        static_assert(std::is_void_v<Out> || !borrows_v<Out>,
                      "Out must own what it holds: a view would outlive the reply it points into");
        std::promise<result<Out>> promise;
        auto future = promise.get_future();
        async_invoke<Out>(function, in, options,
                          [promise = std::move(promise)](result<Out> reply) mutable {
                              promise.set_value(std::move(reply));
                          });
        return future;
    }

    template <class Out>
    [[nodiscard]] std::future<result<Out>> async_invoke(std::string_view function,
                                                        const call_options& options = {}) {
        return async_invoke<Out>(function, nullptr, options);
    }

    /// Calls a function from inside of a function, which holds no thread while it waits: to be
    /// awaited once, in a coroutine of the call that `inside` is the context of; `co_await` gives
    /// `result<Out>`. The input is encoded here and now, the call starts when it is awaited. It
    /// has the time left to the call that it is made for, or less if told so (where that has no
    /// end, the client's default), carries its trace unless given one, and is withdrawn when it is
    /// stopped. The client may be moved meanwhile, but not destroyed.
    ///
    /// For functions of another node, or of one that only this client knows: those of the node
    /// itself are called by `context::invoke`, which needs no socket.
    template <class Out, class In>
    requires(!std::is_same_v<In, call_options>)
        [[nodiscard]] auto async_invoke(context& inside, std::string_view function, const In& in,
                                        const call_options& options = {}) {
        static_assert(std::is_void_v<Out> || !borrows_v<Out>,
                      "Out must own what it holds: a view would outlive the reply it points into");
        // The reply is decoded where the function runs: what that throws is the function's.
        return detail::then(
            inside.await_callback<bytes>(
                [engine = impl_.get(), &inside,
                 held = detail::held_call(function, encode(in), options)](
                    const completion<bytes>& done) { call_inside(*engine, inside, held, done); }),
            &client::reply_as<Out>);
    }

    /// No temporary aggregates with GCC before 13; see detail/awaited_input.hpp.
    template <class Out, class In>
    requires detail::torn_by_co_await<In>
    [[nodiscard]] auto async_invoke(context& inside, std::string_view function, In&& in,
                                    const call_options& options = {}) {
        detail::refuse_torn_input<In>();
        return async_invoke<Out>(inside, function, std::as_const(in), options);
    }

    template <class Out>
    [[nodiscard]] auto async_invoke(context& inside, std::string_view function,
                                    const call_options& options = {}) {
        return async_invoke<Out>(inside, function, nullptr, options);
    }

    /// Withdraws a call: its callback gets `cancelled` unless its result is already here. The
    /// node stops the function at its next look at the stop token. Without effect on calls that
    /// have ended, and on tickets of calls that did not start.
    void cancel(call_ticket ticket);

    [[nodiscard]] client_stats stats() const;
    /// The name of a node that it is connected to, of several the first; the last one while none
    /// is.
    [[nodiscard]] std::string node() const;

private:
    struct impl;
    using encoder = void (*)(dunlin_buffer& to, const void* value);

    explicit client(std::unique_ptr<impl> state) noexcept;

    template <class In>
    static void encode_hook(dunlin_buffer& to, const void* value) {
        encode(to, *static_cast<const In*>(value));
    }
    template <class Out>
    static result<Out> reply_as(result<bytes>&& reply) {
        if (!reply) return std::move(reply.error());
        if constexpr (std::is_void_v<Out>)
            return {};
        else
            return decode_reply<Out>(*reply);
    }
    result<bytes> call_and_wait(std::string_view function, encoder encode, const void* in,
                                const call_options& options);
    call_ticket call(std::string_view function, encoder encode, const void* in,
                     const call_options& options, detail::callback done);
    static void call_inside(impl& engine, const context& inside, const detail::held_call& held,
                            const completion<bytes>& done);

    std::unique_ptr<impl> impl_;
};

}  // namespace dunlin
