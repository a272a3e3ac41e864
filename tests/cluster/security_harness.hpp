// SPDX-License-Identifier: Apache-2.0
//
// Nodes with keys inside the test, and those who come to them with the right keys, others or none.
//
// A folder holds the files; it is gone at the end. What a node logs meanwhile is kept, so that a
// test can look for what must be there once, and for what must never be there.
#pragma once

#include "client/connection.hpp"
#include "tests/cluster/cluster_harness.hpp"
#include "tests/support/temporary_folder.hpp"

#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

namespace dunlin::testing {

struct key_folder : tests::temporary_folder {
    /// Makes NAME.key and NAME.pub.
    security::key_pair make(const std::string& name) const {
        auto pair = security::make_key_pair(name);
        REQUIRE(pair);
        REQUIRE(security::write_key_files(*pair, file(name + ".key"), file(name + ".pub")));
        return std::move(*pair);
    }
    /// Puts the file there at once, as an editor does.
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(file(name) + ".new", std::ios::binary) << text;
        std::filesystem::rename(file(name) + ".new", file(name));
    }
};

/// An entry of an allow-list; `more` are further lines.
[[nodiscard]] inline std::string allowed(const security::key_pair& who, const std::string& as,
                                         const std::string& more = {}) {
    return "[[allow]]\nname = \"" + who.name + "\"\nkey = \"" + who.public_key + "\"\nrole = \"" +
           as + "\"\n" + more + "\n";
}

/// The keys of a cluster, and of some who call.
struct keyed_cluster {
    key_folder files;
    security::key_pair own = files.make("nodes");
    security::key_pair shop = files.make("shop");
    security::key_pair ops = files.make("ops");
    security::key_pair stranger = files.make("stranger");

    keyed_cluster() { allow(allowed(shop, "client")); }

    /// Operators are always in it.
    void allow(const std::string& entries) const {
        files.write("allow.toml", allowed(ops, "operator") + entries);
    }
    [[nodiscard]] runtime::node_config secure(runtime::node_config config) const {
        config.key = files.file("nodes.key");
        config.allow = files.file("allow.toml");
        return config;
    }
    [[nodiscard]] security::client_keys as(const security::key_pair& who) const {
        return {who, own.public_key};
    }
    /// Waits until the node has read the list anew so many times.
    void wait_for_list(const runtime::node& node, std::uint64_t reloads) const {
        raw_client(at(node), as(ops)).wait_for_stat("allow_list_reloads", reloads);
    }
};

/// What becomes of somebody who connects as our own client does: "welcome", the detail of a goaway,
/// or why there was no connection.
[[nodiscard]] inline std::string fate(const std::string& endpoint,
                                      std::optional<security::client_keys> keys,
                                      wire::peer_role role = wire::peer_role::client) {
    zmq::context_t context{1};
    link::connection::settings how;
    how.client_name = "test";
    how.role = role;
    how.instance = role == wire::peer_role::node ? 77 : 0;
    if (keys) how.keys = std::make_shared<const security::client_keys>(std::move(*keys));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    link::connection tried(context, 0, endpoint, how, std::chrono::steady_clock::now());
    for (;;) {
        while (const auto frame = tried.receive()) {
            wire::frame_reader reader(frame->view());
            while (reader.next() == wire::read_status::envelope) {
                if (reader.kind() == wire::kind::welcome) return "welcome";
                if (reader.kind() == wire::kind::goaway) return std::string(reader.goaway().detail);
            }
        }
        tried.read_events();
        if (!tried.problem().empty()) return tried.problem();
        if (std::chrono::steady_clock::now() > end) return "nothing happened";
        pollfd items[] = {{tried.socket_fd(), POLLIN, 0}, {tried.monitor_fd(), POLLIN, 0}};
        ::poll(items, 2, 10);
    }
}

/// What is logged while this lives, at every level.
class captured_log {
public:
    captured_log() : before_(spdlog::default_logger()), sink_(std::make_shared<sink>()) {
        auto logger = std::make_shared<spdlog::logger>("captured", sink_);
        logger->set_level(spdlog::level::trace);
        spdlog::set_default_logger(std::move(logger));
    }
    captured_log(const captured_log&) = delete;
    captured_log& operator=(const captured_log&) = delete;
    ~captured_log() { spdlog::set_default_logger(before_); }

    [[nodiscard]] std::string text() const { return sink_->text(); }
    void wait_for(std::string_view part) const {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (lines_with(part) == 0) {
            if (std::chrono::steady_clock::now() > end) FAIL("nobody has logged: " << part);
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }
    /// How many lines hold both.
    [[nodiscard]] int lines_with(std::string_view one, std::string_view other = {}) const {
        std::istringstream all(text());
        int count = 0;
        for (std::string line; std::getline(all, line);)
            count += line.find(one) != std::string::npos && line.find(other) != std::string::npos;
        return count;
    }

private:
    class sink final : public spdlog::sinks::base_sink<std::mutex> {
    public:
        std::string text() {
            const std::lock_guard lock(mutex_);
            return text_;
        }

    private:
        void sink_it_(const spdlog::details::log_msg& line) override {
            text_.append(line.payload.data(), line.payload.size());
            text_ += '\n';
        }
        void flush_() override {}
        std::string text_;
    };
    std::shared_ptr<spdlog::logger> before_;
    std::shared_ptr<sink> sink_;
};

}  // namespace dunlin::testing
