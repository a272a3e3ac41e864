// SPDX-License-Identifier: Apache-2.0
//
// What `dunlin state` asks a node, and what that says: `dunlin/state` as values.
//
// A node that does not own a key says which one does, and that is asked then. The answers may come
// from another version; what is missing has its default. One thread.
#pragma once

#include "runtime/program/any_value.hpp"

#include <dunlin/client.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::program {

struct key_row {
    std::string key;
    std::uint64_t version = 0;
    std::int64_t expires_ms = 0;  // 0: never
    std::uint64_t value_bytes = 0;
};
struct state_value {
    bool present = false;
    bytes encoded;
    std::uint64_t version = 0;
    std::int64_t expires_ms = 0;
};

class state_questions {
public:
    /// Connects with one node and no other.
    using dialer = std::function<result<client>(std::vector<std::string> endpoints)>;

    state_questions(client& to, std::string space, dialer dial)
        : client_(to),
          space_(std::move(space)),
          dial_(std::move(dial)) {}

    /// Those after `after` that begin with `prefix`, at most a thousand.
    [[nodiscard]] result<std::vector<key_row>> list(std::string_view prefix, std::string_view after,
                                                    std::size_t count);
    [[nodiscard]] result<state_value> get(std::string_view key);
    /// ... all three give what was there before.
    [[nodiscard]] result<state_value> set(std::string_view key, bytes_view value,
                                          std::optional<std::chrono::milliseconds> ttl);
    [[nodiscard]] result<state_value> erase(std::string_view key);
    /// Without a time: never.
    [[nodiscard]] result<state_value> expire(std::string_view key,
                                             std::optional<std::chrono::milliseconds> ttl);

private:
    /// So often an answer may be that another node is to be asked.
    static constexpr int hops_max = 3;

    [[nodiscard]] result<nlohmann::json> ask(const nlohmann::json& question);

    client& client_;
    std::string space_;
    dialer dial_;
    std::map<std::string, client, std::less<>> others_;  // by name
};

}  // namespace dunlin::program
