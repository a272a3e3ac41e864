// SPDX-License-Identifier: Apache-2.0
//
// Whom a node lets in, and what each may do there: the file that `--allow` names.
//
//     [[allow]]
//     name = "shop"
//     key = "<public key>"                     # or key_file = "shop.pub", beside the list
//     role = "client"                          # or "operator", or "node"
//     functions = ["text/*", "!text/secret"]   # of a client: the last that matches decides
//
//     [[quota]]                                # how much of it: see quota_entry.hpp
//     name = "shop"
//     concurrency = 100
//
// A list that is only nearly right lets nobody in by accident: an unknown name, a key twice, a
// pattern that is none, a quota for nobody are errors which name the file and the line. A client
// may call what its patterns allow. "*" and the like do not reach the node's own functions,
// dunlin/*: of those a client may call only the ones that only read, each when a pattern that
// begins with "dunlin/" says so, and dunlin/functions unless one says otherwise. Operators and
// nodes may call everything.
//
// A value: read anew and replaced as a whole, never changed; only what each key has used of its
// quota goes on from list to list. Any thread.
#pragma once

#include "runtime/security/function_pattern.hpp"
#include "runtime/security/quota.hpp"
#include "security/key_file.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dunlin::runtime {

enum class role : std::uint8_t {
    client,     // calls what its patterns allow
    operator_,  // calls everything, dunlin/drain and dunlin/scale too
    node,       // is a member of the cluster: everything that peers do
};

/// "client", "operator", "node".
[[nodiscard]] std::string_view to_string(role which) noexcept;

/// What the holder of one key may do.
struct grant {
    std::string name;
    role as = role::client;
    std::vector<function_pattern> functions;  // of a client, in their order
    quota limits;
    std::shared_ptr<quota_use> use;  // null: its quota limits nothing

    /// @param function a full name as a peer has sent it; any bytes
    [[nodiscard]] bool may_call(std::string_view function) const noexcept;
};

class allow_list {
public:
    /// How the public key in a file is read.
    using key_reader = std::function<result<security::key_pair>(const std::string& path)>;

    /// Reads the list from text; `path` appears in errors, and `key_file` counts from its folder.
    /// Errors: `invalid_argument`.
    [[nodiscard]] static result<allow_list> parse(std::string_view text, const std::string& path,
                                                  const key_reader& read_key);
    /// With keys from files as `security::read_public_key` reads them.
    [[nodiscard]] static result<allow_list> parse(std::string_view text, const std::string& path);
    /// The same from a file. Errors: `invalid_argument`.
    [[nodiscard]] static result<allow_list> read(const std::string& path);

    /// What the holder of a key may do; null: it is not in the list. Valid while the list is.
    [[nodiscard]] const grant* find(std::string_view public_key) const;
    [[nodiscard]] std::size_t size() const noexcept { return grants_.size(); }
    /// The public keys of all who have a role, sorted.
    [[nodiscard]] std::vector<std::string> keys_of(role which) const;
    /// Keys that had a quota in the list before have used what they have used. Before anybody else
    /// sees this list.
    void go_on_from(const allow_list& before);

private:
    std::unordered_map<std::string, grant> grants_;  // by public key
};

}  // namespace dunlin::runtime
