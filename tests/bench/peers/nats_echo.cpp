// SPDX-License-Identifier: Apache-2.0
//
// NATS request and reply through a nats-server that the caller has started: --port is the broker's
// port in both roles. The responder is one member of a queue group; the requester has one inbox for
// all its replies and takes them in a callback. A small window is sent at once, as its latency is
// what counts; a large one is left to the library's own buffering.
#include "workload.hpp"

#include <nats/nats.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

namespace {

constexpr const char* subject = "bench.echo";
constexpr std::size_t window_sent_at_once_max = 64;

void require(natsStatus status, const char* what) {
    if (status != NATS_OK) workload::give_up(std::string{what} + ": " + natsStatus_GetText(status));
}

natsConnection* connect(const workload::options& chosen) {
    natsOptions* settings = nullptr;
    auto url = "nats://127.0.0.1:" + std::to_string(chosen.port);
    require(natsOptions_Create(&settings), "options");
    require(natsOptions_SetURL(settings, url.c_str()), "url");
    require(natsOptions_SetSendAsap(settings, chosen.window <= window_sent_at_once_max),
            "send asap");
    natsConnection* connection = nullptr;
    require(natsConnection_Connect(&connection, settings), "connect");
    natsOptions_Destroy(settings);
    return connection;
}

void answer(natsConnection* connection, natsSubscription*, natsMsg* request, void*) {
    natsConnection_Publish(connection, natsMsg_GetReply(request), natsMsg_GetData(request),
                           natsMsg_GetDataLength(request));
    natsMsg_Destroy(request);
}

[[noreturn]] void serve(const workload::options& chosen) {
    auto* connection = connect(chosen);
    natsSubscription* subscription = nullptr;
    require(natsConnection_QueueSubscribe(&subscription, connection, subject, "echoes", answer,
                                          nullptr),
            "subscribe");
    // Once the flush is back the broker knows the subscription, and no request can miss it.
    require(natsConnection_Flush(connection), "flush");
    workload::announce_port(chosen.port);
    for (;;) ::pause();
}

// All sending happens on the library's delivery thread, in the callback: the probe's reply opens
// the window, later ones refill it. So the loop needs no lock; the main thread only waits.
class requester {
public:
    explicit requester(const workload::options& chosen)
        : loop_{chosen},
          connection_{connect(chosen)} {
        require(natsInbox_Create(&inbox_), "inbox");
    }

    void run() {
        natsSubscription* subscription = nullptr;
        require(natsConnection_Subscribe(&subscription, connection_, inbox_, deliver, this),
                "subscribe");
        publish(loop_.probe());
        std::unique_lock lock{mutex_};
        finished_changed_.wait(lock, [this] { return finished_; });
    }

private:
    static void deliver(natsConnection*, natsSubscription*, natsMsg* reply, void* self) {
        static_cast<requester*>(self)->on_message(reply);
        natsMsg_Destroy(reply);
    }

    void on_message(natsMsg* reply) {
        auto send = [this](const std::string& payload) { publish(payload); };
        if (!opened_) {
            opened_ = true;
            loop_.open(send);
            return;
        }
        loop_.on_reply(natsMsg_GetData(reply),
                       static_cast<std::size_t>(natsMsg_GetDataLength(reply)), send);
        if (loop_.finished()) finish();
    }

    void publish(const std::string& payload) {
        require(natsConnection_PublishRequest(connection_, subject, inbox_, payload.data(),
                                              static_cast<int>(payload.size())),
                "publish");
    }

    void finish() {
        loop_.print("nats");
        std::lock_guard lock{mutex_};
        finished_ = true;
        finished_changed_.notify_one();
    }

    workload::closed_loop loop_;
    natsConnection* connection_;
    natsInbox* inbox_ = nullptr;
    bool opened_ = false;
    std::mutex mutex_;
    std::condition_variable finished_changed_;
    bool finished_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    auto chosen = workload::parse_options(argc, argv);
    switch (chosen.as) {
        case workload::role::server:
            if (chosen.port == 0)
                workload::give_up("a server needs the --port of a running nats-server");
            serve(chosen);
        case workload::role::client:
            requester{chosen}.run();
            // The library's threads may still be inside a callback: leave without tearing them
            // down.
            std::_Exit(0);
        case workload::role::version: std::printf("cnats %s\n", nats_GetVersion()); break;
    }
}
