// SPDX-License-Identifier: Apache-2.0
//
// The usual stack for state under keys: a gRPC service whose handler asks Redis, and answers when
// Redis has answered. The server is gRPC's synchronous one, with a pool of connections that grows
// to as many as there are handlers at once; the client drives one completion queue from one thread.
#include "counter.grpc.pb.h"
#include "redis_connection.hpp"
#include "workload.hpp"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <mutex>
#include <utility>

namespace {

class connection_pool {
public:
    explicit connection_pool(std::uint16_t port) : port_(port) {}

    std::unique_ptr<redis_connection> take() {
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                auto taken = std::move(idle_.back());
                idle_.pop_back();
                return taken;
            }
        }
        auto made = std::make_unique<redis_connection>(port_);
        return made->connected() ? std::move(made) : nullptr;
    }
    void give_back(std::unique_ptr<redis_connection> used) {
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(used));
    }

private:
    const std::uint16_t port_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<redis_connection>> idle_;
};

class counter_service final : public bench::Counters::Service {
public:
    explicit counter_service(std::uint16_t redis_port) : redis_(redis_port) {}

    grpc::Status Add(grpc::ServerContext* /*context*/, const bench::Increment* request,
                     bench::Count* reply) override {
        auto connection = redis_.take();
        if (!connection) return {grpc::StatusCode::UNAVAILABLE, "no connection to Redis"};
        const auto value = connection->increment(request->key());
        if (!value) return {grpc::StatusCode::UNAVAILABLE, "Redis did not count"};
        redis_.give_back(std::move(connection));
        reply->set_value(*value);
        reply->set_body(request->body());
        return grpc::Status::OK;
    }

private:
    connection_pool redis_;
};

void serve(std::uint16_t port, std::uint16_t redis_port) {
    counter_service service(redis_port);
    int bound_port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(),
                             &bound_port);
    builder.RegisterService(&service);
    auto server = builder.BuildAndStart();
    if (!server || bound_port == 0) workload::give_up("cannot listen");
    workload::announce_port(static_cast<unsigned>(bound_port));
    server->Wait();
}

// What one call owns until its completion arrives; gRPC allows none of it to be used twice.
struct pending_call {
    grpc::ClientContext context;
    bench::Count reply;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<bench::Count>> reader;
};

class counter_client {
public:
    counter_client(const workload::options& chosen, std::size_t keys)
        : keys_(keys),
          loop_{chosen},
          stub_{bench::Counters::NewStub(grpc::CreateChannel(
              "127.0.0.1:" + std::to_string(chosen.port), grpc::InsecureChannelCredentials()))} {}

    void run() {
        auto send = [this](const std::string& payload) { start(payload); };
        start(loop_.probe());
        if (auto probe = next(); !probe->status.ok())
            workload::give_up("cannot count: " + probe->status.error_message());
        loop_.open(send);
        while (!loop_.finished()) {
            auto call = next();
            if (call->status.ok() && call->reply.value() != 0)
                loop_.on_reply(call->reply.body().data(), call->reply.body().size(), send);
            else
                loop_.on_error(send);
        }
        loop_.print("grpc+redis");
    }

private:
    void start(const std::string& payload) {
        request_.set_key("counter:" + std::to_string(started_++ % keys_));
        request_.set_body(payload);
        auto call = std::make_unique<pending_call>();
        call->reader = stub_->AsyncAdd(&call->context, request_, &completions_);
        auto* tag = call.release();  // the completion queue holds it until next() takes it back
        tag->reader->Finish(&tag->reply, &tag->status, tag);
    }

    std::unique_ptr<pending_call> next() {
        void* tag = nullptr;
        bool completed = false;
        if (!completions_.Next(&tag, &completed))
            workload::give_up("the completion queue ended early");
        return std::unique_ptr<pending_call>{static_cast<pending_call*>(tag)};
    }

    const std::size_t keys_;
    std::size_t started_ = 0;
    workload::closed_loop loop_;
    std::unique_ptr<bench::Counters::Stub> stub_;
    grpc::CompletionQueue completions_;
    bench::Increment request_;
};

/// Takes an option that other peers do not have out of the arguments. @returns 0 without it.
std::size_t take_option(std::vector<char*>& arguments, std::string_view name) {
    for (std::size_t i = 1; i + 1 < arguments.size(); ++i) {
        if (name != arguments[i]) continue;
        const auto value = workload::parse_number(name, arguments[i + 1]);
        const auto at = arguments.begin() + static_cast<std::ptrdiff_t>(i);
        arguments.erase(at, at + 2);
        return value;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<char*> arguments(argv, argv + argc);
    const auto redis_port = take_option(arguments, "--redis");
    const auto keys = take_option(arguments, "--keys");
    const auto chosen =
        workload::parse_options(static_cast<int>(arguments.size()), arguments.data());
    switch (chosen.as) {
        case workload::role::server:
            if (redis_port == 0) workload::give_up("a server needs the --redis port");
            serve(chosen.port, static_cast<std::uint16_t>(redis_port));
            break;
        case workload::role::client: counter_client{chosen, keys == 0 ? 64 : keys}.run(); break;
        case workload::role::version: std::printf("gRPC %s\n", grpc::Version().c_str()); break;
    }
}
