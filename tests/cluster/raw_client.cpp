// SPDX-License-Identifier: Apache-2.0
#include "tests/cluster/raw_client.hpp"

#include "tests/cluster/node_harness.hpp"

#include <chrono>

namespace dunlin::testing {

namespace {

constexpr auto give_up_after = std::chrono::seconds(30);

}  // namespace

raw_client::raw_client(const std::string& endpoint, greeting how, int receive_buffer) {
    socket_.set(zmq::sockopt::rcvhwm, receive_buffer);
    connect(endpoint, how);
}

raw_client::raw_client(const std::string& endpoint, const security::client_keys& keys, greeting how,
                       std::string_view routing_id) {
    security::connect_with_curve(socket_, keys);
    if (!routing_id.empty()) socket_.set(zmq::sockopt::routing_id, routing_id);
    connect(endpoint, how);
}

void raw_client::connect(const std::string& endpoint, greeting how) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::reconnect_ivl, -1);  // as WIRE.md has it: a lost connection is lost
    if (endpoint.find('[') != std::string::npos) socket_.set(zmq::sockopt::ipv6, true);
    socket_.connect(endpoint);
    if (how == greeting::none) return;
    wants_cluster_ = how == greeting::cluster;
    send(wire::hello{.features = wants_cluster_ ? wire::features::cluster : 0, .name = "test"});
    wait_until([&] { return !welcomes.empty(); }, "the welcome");
}

void raw_client::send_bytes(std::string_view frame, zmq::send_flags flags) {
    REQUIRE(socket_.send(zmq::buffer(frame), flags));
}

wire::invoke raw_client::make_encoded(std::string_view function, bytes_view payload,
                                      std::uint64_t remaining_us) {
    wire::invoke call;
    call.id = ++ids_;
    call.function = function;
    call.remaining_us = remaining_us;
    call.flags = flags_;
    call.payload = payload;
    return call;
}

const answered& raw_client::wait(std::uint64_t id, std::string_view what) {
    wait_until([&] { return !is_open(id); }, "the answer of " + std::string(what));
    return answers[id].front();
}

void raw_client::wait_until(const std::function<bool()>& arrived, std::string_view what) {
    const auto end = std::chrono::steady_clock::now() + give_up_after;
    while (!arrived()) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0 || !read(left)) FAIL("waited in vain for " << what);
    }
}

void raw_client::barrier() {
    send(wire::ping{++pings_});
    wait_until([&] { return pongs == pings_; }, "a pong");
}

bool raw_client::read(std::chrono::milliseconds timeout) {
    zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
    if (zmq::poll(&item, 1, timeout) == 0) return false;
    zmq::message_t frame;
    REQUIRE(socket_.recv(frame));
    REQUIRE_FALSE(frame.more());
    wire::frame_reader reader({static_cast<const std::byte*>(frame.data()), frame.size()});
    bool load = false;
    bool reply = false;
    for (auto status = reader.next(); status != wire::read_status::end; status = reader.next()) {
        INFO(reader.problem());
        REQUIRE(status == wire::read_status::envelope);
        load = load || reader.kind() == wire::kind::load;
        reply = reply || reader.kind() == wire::kind::reply;
        keep(reader);
    }
    if (load && reply) ++frames_with_load;
    return true;
}

void raw_client::keep(const wire::frame_reader& reader) {
    switch (reader.kind()) {
        case wire::kind::welcome: {
            const auto& from = reader.welcome();
            welcomed kept{std::string(from.node), from.payload_bytes_max, from.in_flight_max, {}};
            for (std::size_t i = 0; i < from.endpoint_count; ++i)
                kept.endpoints.emplace_back(from.endpoints[i]);
            welcomes.push_back(std::move(kept));
            break;
        }
        case wire::kind::reply: {
            answered kept;
            kept.ok = true;
            kept.payload = bytes(reader.reply().payload);
            answers[reader.reply().id].push_back(std::move(kept));
            break;
        }
        case wire::kind::cold: cold_starts.push_back(reader.id_or_token()); break;
        case wire::kind::failure: {
            const auto& from = reader.failure();
            answered kept;
            kept.code = errc_from_number(from.code);
            kept.detail = from.detail;
            kept.retry_after_us = from.retry_after_us;
            kept.did_not_run = from.did_not_run;
            kept.whole_node = from.whole_node;
            (from.id == 0 ? about_connection : answers[from.id]).push_back(std::move(kept));
            break;
        }
        case wire::kind::goaway: {
            answered kept;
            kept.code = errc_from_number(reader.goaway().code);
            kept.detail = reader.goaway().detail;
            goaways.push_back(std::move(kept));
            break;
        }
        case wire::kind::ping: send(wire::pong{reader.id_or_token()}); break;
        case wire::kind::pong: pongs = reader.id_or_token(); break;
        default:
            if (wants_cluster_) return keep_of_cluster(reader);
            FAIL("a node does not send envelopes of kind " << static_cast<int>(reader.kind()));
    }
}

void raw_client::keep_of_cluster(const wire::frame_reader& reader) {
    auto items = reader.items();
    if (reader.kind() == wire::kind::load) {
        for (wire::load_item each; take(items, each);) loads.push_back(each);
    } else if (reader.kind() == wire::kind::catalog) {
        if (items.part.first == 0) catalog_places.clear();
        for (wire::catalog_item each; take(items, each);) {
            catalog[std::string(each.name)] = each.module_version;
            catalog_places.emplace_back(each.name);
        }
    } else {
        REQUIRE(reader.kind() == wire::kind::members);
    }
}

nlohmann::json raw_client::ask(std::string_view system_function) {
    const auto& answer = call(system_function, nullptr);
    REQUIRE(answer.text() == "ok");
    const auto view = answer.payload.view();
    return nlohmann::json::from_msgpack(
        std::string_view(reinterpret_cast<const char*>(view.data()), view.size()));
}

nlohmann::json raw_client::stats() { return ask("dunlin/stats"); }

nlohmann::json raw_client::function(std::string_view name) {
    for (auto& each : ask("dunlin/functions"))
        if (each.at("name") == name) return each;
    FAIL("the node lists no function " << name);
    return {};
}

void raw_client::wait_for_members(const std::map<std::string, std::string>& states) {
    nlohmann::json nodes;
    ask_until(
        [&] {
            std::map<std::string, std::string> seen;
            nodes = ask("dunlin/nodes");
            for (const auto& each : nodes) seen[each.at("name")] = each.at("state");
            return seen == states;
        },
        "members; the last were ", nodes);
}

void raw_client::wait_for_stat(const std::string& figure, std::uint64_t least) {
    wait_for_stat(figure, [least](std::uint64_t value) { return value >= least; });
}

void raw_client::wait_for_stat(const std::string& figure,
                               const std::function<bool(std::uint64_t)>& reached) {
    std::uint64_t value = 0;
    ask_until(
        [&] {
            value = stats().at(figure);
            return reached(value);
        },
        figure, "; the last value was ", value);
}

void raw_client::await_event(const std::string& name, int count) {
    INFO("waited for the event " << name);
    REQUIRE(call("faults/wait_for", awaited{name, count}).value<bool>());
}

void raw_client::wait_until_idle(const std::string& function_name) {
    ask_until(
        [&] {
            const auto status = function(function_name);
            return status.at("busy") == 0 && status.at("queue_depth") == 0;
        },
        function_name, " to be idle");
}

}  // namespace dunlin::testing
