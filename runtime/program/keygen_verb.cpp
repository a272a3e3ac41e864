// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/keygen_verb.hpp"

#include "runtime/program/exit_code.hpp"
#include "runtime/security/allow_list.hpp"
#include "security/key_file.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace dunlin::program {
namespace {

using runtime::role;

constexpr const char* description =
    "Makes a key pair, for the nodes of a cluster or for a client: the files NAME.key and "
    "NAME.pub.";

constexpr const char* footer = R"(Examples:
    dunlin keygen nodes --role node         # one for all nodes of a cluster
    dunlin keygen shop                      # one for each client
    dunlin keygen ann --role operator --dir ~/.config/dunlin

NAME.key holds the secret key and can be read by its owner alone; it stays where it is used.
NAME.pub holds the public key and may be seen by anyone. What a key may do is said in the nodes'
allow-list; --role only chooses what is printed to be put there. Files that exist are never
overwritten. More: docs/security.md.

Exit codes: 0 both files are written, 1 neither is, 2 usage.)";

struct keygen_arguments {
    std::string name;
    std::string folder;
    std::string as = "client";
    bool json = false;
};

struct made_files {
    std::string secret;
    std::string open;
};

std::string allow_entry(const security::key_pair& pair, const std::string& as) {
    return "[[allow]]\nname = \"" + pair.name + "\"\nkey = \"" + pair.public_key + "\"\nrole = \"" +
           as + "\"\n" +
           (as == to_string(role::client) ? "functions = [\"bench/echo\"]  # what it may call; "
                                            "\"text/*\" is all of a module\n"
                                          : "");
}

std::string what_next(const security::key_pair& pair, const made_files& files,
                      const std::string& as) {
    const auto made = "Made " + files.secret + " (secret: never send it, never commit it) and " +
                      files.open + ".\n";
    if (as == to_string(role::node))
        return made + "\nBring " + files.secret +
               " to every node of the cluster, and start each with\n\n" + "    dunlin node --key " +
               files.secret + " --allow allow.toml\n\n" +
               "where allow.toml names the clients. Give each client " + files.open +
               ", for its --node-key.\n";
    return made + "\nPut this into the allow-list of the nodes:\n\n" + allow_entry(pair, as) +
           "\nand use it, with the public key of the nodes:\n\n    dunlin functions --client-key " +
           files.secret + " --node-key nodes.pub\n";
}

int run(const keygen_arguments& given) {
    if (!security::is_key_name(given.name))
        throw usage_error("'" + given.name + "' is no name for a key: it has " +
                          std::string(security::key_name_rule));
    if (given.as != to_string(role::client) && given.as != to_string(role::operator_) &&
        given.as != to_string(role::node))
        throw usage_error("--role: '" + given.as + "' is not client, operator or node");
    const auto at = std::filesystem::path(given.folder) / given.name;
    const made_files files{at.string() + ".key", at.string() + ".pub"};
    const auto pair = security::make_key_pair(given.name);
    const auto written = pair ? security::write_key_files(*pair, files.secret, files.open)
                              : result<void>(pair.error());
    if (!written) {
        complain(to_string(written.error()));
        return exit_code::call_failed;
    }
    if (given.json) {
        const nlohmann::ordered_json about{{"name", pair->name},
                                           {"role", given.as},
                                           {"public_key", pair->public_key},
                                           {"secret_key_file", files.secret},
                                           {"public_key_file", files.open}};
        std::puts(about.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    } else {
        std::fputs(what_next(*pair, files, given.as).c_str(), stdout);
    }
    return exit_code::success;
}

}  // namespace

verb add_keygen(CLI::App& program) {
    auto* app = program.add_subcommand("keygen", description);
    app->footer(footer);
    auto given = std::make_shared<keygen_arguments>();
    app->add_option("NAME", given->name,
                    "What the key is called, and the files: NAME.key, NAME.pub.")
        ->required();
    app->add_option("--dir", given->folder, "Where the files go, instead of the current folder.")
        ->type_name("DIR");
    app->add_option("--role", given->as, "What its holder is to be; chooses what is printed.")
        ->type_name("client|operator|node")
        ->default_str(given->as);
    app->add_flag("--json", given->json, "Print one JSON object: names, paths, the public key.")
        ->group("Output");
    return {app, [given] { return run(*given); }};
}

}  // namespace dunlin::program
