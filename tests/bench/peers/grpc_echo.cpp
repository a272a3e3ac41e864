// SPDX-License-Identifier: Apache-2.0
//
// gRPC unary calls over one channel: a callback server, and a client that drives one completion
// queue from one thread.
#include "echo.grpc.pb.h"
#include "workload.hpp"

#include <grpcpp/grpcpp.h>

#include <memory>

namespace {

class echo_service final : public bench::Echo::CallbackService {
    grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context,
                                   const bench::Payload* request, bench::Payload* reply) override {
        reply->set_body(request->body());
        auto* reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

void serve(std::uint16_t port) {
    echo_service service;
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
    bench::Payload reply;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<bench::Payload>> reader;
};

class echo_client {
public:
    explicit echo_client(const workload::options& chosen)
        : loop_{chosen},
          stub_{bench::Echo::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(chosen.port),
                                                         grpc::InsecureChannelCredentials()))} {}

    void run() {
        auto send = [this](const std::string& payload) { start(payload); };
        start(loop_.probe());
        if (auto probe = next(); !probe->status.ok())
            workload::give_up("cannot connect: " + probe->status.error_message());
        loop_.open(send);
        while (!loop_.finished()) {
            auto call = next();
            if (call->status.ok())
                loop_.on_reply(call->reply.body().data(), call->reply.body().size(), send);
            else
                loop_.on_error(send);
        }
        loop_.print("grpc");
    }

private:
    void start(const std::string& payload) {
        request_.set_body(payload);
        auto call = std::make_unique<pending_call>();
        call->reader = stub_->AsyncEcho(&call->context, request_, &completions_);
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

    workload::closed_loop loop_;
    std::unique_ptr<bench::Echo::Stub> stub_;
    grpc::CompletionQueue completions_;
    bench::Payload request_;
};

}  // namespace

int main(int argc, char** argv) {
    auto chosen = workload::parse_options(argc, argv);
    switch (chosen.as) {
        case workload::role::server: serve(chosen.port); break;
        case workload::role::client: echo_client{chosen}.run(); break;
        case workload::role::version: std::printf("gRPC %s\n", grpc::Version().c_str()); break;
    }
}
