// SPDX-License-Identifier: Apache-2.0
//
// CAF's own distribution: an actor published through the I/O middleman, called over BASP with
// request/then by an event-based actor in the other process. All settings are CAF's defaults.
#include "workload.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>

namespace {

struct middleman_config : caf::actor_system_config {
    middleman_config() { load<caf::io::middleman>(); }
};

caf::behavior echo() {
    return {[](std::string& body) { return std::move(body); }};
}

class echo_client : public caf::event_based_actor {
public:
    echo_client(caf::actor_config& config, caf::actor server, const workload::options& chosen)
        : caf::event_based_actor{config},
          server_{std::move(server)},
          loop_{chosen} {}

    // The awaited probe is this actor's first behaviour: BASP sets up its proxies on the way.
    caf::behavior make_behavior() override {
        request(server_, caf::infinite, loop_.probe()).await([this](const std::string&) {
            loop_.open([this](const std::string& payload) { send(payload); });
        });
        return {[](caf::unit_t) {}};
    }

private:
    void send(const std::string& payload) {
        request(server_, caf::infinite, payload)
            .then([this](const std::string& reply) { on_reply(reply); },
                  [this](const caf::error&) { on_error(); });
    }

    void on_reply(const std::string& reply) {
        loop_.on_reply(reply.data(), reply.size(), [this](const std::string& next) { send(next); });
        quit_when_finished();
    }

    void on_error() {
        loop_.on_error([this](const std::string& next) { send(next); });
        quit_when_finished();
    }

    void quit_when_finished() {
        if (!loop_.finished()) return;
        loop_.print("caf");
        quit();
    }

    caf::actor server_;
    workload::closed_loop loop_;
};

void serve(caf::actor_system& system, std::uint16_t port) {
    auto published = system.middleman().publish(system.spawn(echo), port, "127.0.0.1");
    if (!published) workload::give_up("cannot publish: " + system.render(published.error()));
    workload::announce_port(*published);
    system.await_all_actors_done();
}

void run_client(caf::actor_system& system, const workload::options& chosen) {
    auto server = system.middleman().remote_actor("127.0.0.1", chosen.port);
    if (!server) workload::give_up("cannot connect: " + system.render(server.error()));
    system.spawn<echo_client>(*server, chosen);
    system.await_all_actors_done();
}

void print_version() {
    std::printf("CAF %d.%d.%d\n", CAF_MAJOR_VERSION, CAF_MINOR_VERSION, CAF_PATCH_VERSION);
}

}  // namespace

int main(int argc, char** argv) {
    auto chosen = workload::parse_options(argc, argv);
    if (chosen.as == workload::role::version) {
        print_version();
        return 0;
    }
    middleman_config config;
    caf::actor_system system{config};
    if (chosen.as == workload::role::server)
        serve(system, chosen.port);
    else
        run_client(system, chosen);
}
