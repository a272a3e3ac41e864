// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/allow_list.hpp"

#include "runtime/security/list_error.hpp"
#include "runtime/security/quota_entry.hpp"
#include "runtime/text/suggest.hpp"
#include "security/key_file.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <utility>

namespace dunlin::runtime {
namespace {

constexpr std::size_t patterns_max = 256;
constexpr std::size_t file_bytes_max = std::size_t{4} << 20;

constexpr std::string_view own_module = "dunlin/";
// Of the node's own functions those that change nothing.
constexpr std::array<std::string_view, 5> own_reading = {
    "dunlin/explain", "dunlin/functions", "dunlin/nodes", "dunlin/record", "dunlin/stats"};
// What a client needs to see what there is.
constexpr std::string_view own_open = "dunlin/functions";

const std::array<std::string, 5> keys_of_entry = {"name", "key", "key_file", "role", "functions"};
constexpr std::array all_roles = {role::client, role::operator_, role::node};

// One [[allow]], and what is wrong with it.
class entry_reader {
public:
    entry_reader(const std::string& path, const toml::table& from,
                 const allow_list::key_reader& read_key)
        : path_(path),
          from_(from),
          read_key_(read_key) {}

    [[nodiscard]] result<std::pair<std::string, grant>> read() const {
        for (const auto& [key, value] : from_)
            if (std::find(keys_of_entry.begin(), keys_of_entry.end(), key.str()) ==
                keys_of_entry.end())
                return refused(key.source(),
                               "unknown key '" + std::string(key.str()) + "'" +
                                   did_you_mean(key.str(), keys_of_entry) +
                                   "; an entry has name, key or key_file, role and functions");
        grant to;
        auto name = text_of("name");
        if (!name) return std::move(name.error());
        if (!security::is_key_name(*name))
            return refused(source_of("name"),
                           "an entry has a name: " + std::string(security::key_name_rule));
        to.name = std::move(*name);
        auto key = read_key();
        if (!key) return std::move(key.error());
        if (auto read = read_role(to); !read) return std::move(read.error());
        if (auto read = read_functions(to); !read) return std::move(read.error());
        return std::pair(std::move(*key), std::move(to));
    }

    [[nodiscard]] error refused(const toml::source_region& at, const std::string& why) const {
        return list_error(path_, at, why);
    }

private:
    [[nodiscard]] toml::source_region source_of(const char* key) const {
        const auto* node = from_.get(key);
        return node == nullptr ? from_.source() : node->source();
    }

    // Empty when it is not there.
    [[nodiscard]] result<std::string> text_of(const char* key) const {
        const auto* node = from_.get(key);
        if (node == nullptr) return std::string();
        const auto* text = node->as_string();
        if (text == nullptr)
            return refused(node->source(), std::string(key) + " is not a text in quotes");
        return text->get();
    }

    [[nodiscard]] result<std::string> read_key() const {
        auto key = text_of("key");
        if (!key) return key;
        auto file = text_of("key_file");
        if (!file) return file;
        if (from_.contains("key") == from_.contains("key_file"))
            return refused(from_.source(), "an entry has either key or key_file");
        if (from_.contains("key")) {
            // What stands there is not repeated: it may be the secret one, or a part of it.
            if (!security::is_public_key(*key))
                return refused(source_of("key"),
                               "key is not a public key: 40 characters of Z85, as the file that "
                               "ends in .pub has them");
            return key;
        }
        const auto beside = std::filesystem::path(path_).parent_path() / *file;
        auto pair = read_key_(beside.lexically_normal().string());
        if (!pair) return refused(source_of("key_file"), pair.error().detail);
        return std::move(pair->public_key);
    }

    [[nodiscard]] result<void> read_role(grant& to) const {
        auto text = text_of("role");
        if (!text) return std::move(text.error());
        if (!from_.contains("role")) return {};
        const auto known = std::find_if(all_roles.begin(), all_roles.end(),
                                        [&](role r) { return *text == to_string(r); });
        if (known == all_roles.end())
            return refused(source_of("role"), "role is client, operator or node");
        to.as = *known;
        return {};
    }

    [[nodiscard]] result<void> read_functions(grant& to) const {
        const auto* node = from_.get("functions");
        if (node == nullptr) {
            if (to.as == role::client) to.functions = {*function_pattern::parse("*")};
            return {};
        }
        if (to.as != role::client)
            return refused(node->source(), "functions are of the role client; who has the role " +
                                               std::string(to_string(to.as)) +
                                               " may call everything");
        const auto* list = node->as_array();
        if (list == nullptr)
            return refused(node->source(), "functions is not a list, as in [\"text/*\"]");
        if (list->size() > patterns_max)
            return refused(node->source(), "an entry has at most " + std::to_string(patterns_max) +
                                               " patterns, this one has " +
                                               std::to_string(list->size()));
        for (const auto& item : *list) {
            const auto* text = item.as_string();
            if (text == nullptr)
                return refused(item.source(),
                               "functions holds something that is not a text in "
                               "quotes");
            auto pattern = function_pattern::parse(text->get());
            if (!pattern) return refused(item.source(), pattern.error().detail);
            if (auto good = check_own(*pattern); !good)
                return refused(item.source(), good.error().detail);
            to.functions.push_back(std::move(*pattern));
        }
        return {};
    }

    // A pattern for the node's own functions that would have no effect is a mistake.
    [[nodiscard]] static result<void> check_own(const function_pattern& pattern) {
        if (!pattern.pattern().starts_with(own_module) ||
            pattern.says() == function_pattern::effect::deny ||
            std::any_of(own_reading.begin(), own_reading.end(),
                        [&](auto function) { return pattern.matches(function); }))
            return {};
        return {errc::invalid_argument,
                "pattern \"" + pattern.pattern() +
                    "\" allows nothing: of the node's own functions a client may call "
                    "dunlin/explain, dunlin/functions, dunlin/nodes, dunlin/record and "
                    "dunlin/stats; the role operator may call all"};
    }

    const std::string& path_;
    const toml::table& from_;
    const allow_list::key_reader& read_key_;
};

// The entries of an array of tables; null when it is something else.
const toml::array* tables_in(const toml::node& value) {
    const auto* entries = value.as_array();
    const bool all = entries != nullptr && std::all_of(entries->begin(), entries->end(),
                                                       [](const auto& e) { return e.is_table(); });
    return all ? entries : nullptr;
}

// Gives the [[quota]] entries to the keys of their names.
class quota_giver {
public:
    quota_giver(const std::string& path, std::unordered_map<std::string, grant>& to) : path_(path) {
        for (auto& [key, granted] : to) by_name_[granted.name].push_back(&granted);
    }

    [[nodiscard]] result<void> give(const toml::table& from) {
        const auto read = read_quota(path_, from);
        if (!read) return read.error();
        const auto line = read->name_at.begin.line;
        if (const auto [twin, fresh] = lines_.emplace(read->name, line); !fresh)
            return list_error(path_, read->name_at,
                              "\"" + read->name + "\" has a quota already, in line " +
                                  std::to_string(twin->second));
        const auto named = by_name_.find(read->name);
        if (named == by_name_.end())
            return list_error(
                path_, read->name_at,
                "a quota for a key that is not in this list" + did_you_mean(read->name, names()));
        for (auto* granted : named->second) {
            if (granted->as == role::node)
                return list_error(path_, read->name_at,
                                  "\"" + read->name +
                                      "\" is a node's key, and nodes have no quota: what one "
                                      "sends on has counted where it came in");
            granted->limits = read->what;
            if (read->what.limits()) granted->use = std::make_shared<quota_use>();
        }
        return {};
    }

private:
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& [name, granted] : by_name_) all.push_back(name);
        std::sort(all.begin(), all.end());
        return all;
    }

    const std::string& path_;
    std::unordered_map<std::string, std::vector<grant*>> by_name_;
    std::unordered_map<std::string, toml::source_index> lines_;  // by name
};

error not_a_list(const std::string& path, const std::string& why) {
    return {errc::invalid_argument, "allow-list " + path + ": " + why};
}

}  // namespace

std::string_view to_string(role which) noexcept {
    switch (which) {
        case role::client: return "client";
        case role::operator_: return "operator";
        case role::node: return "node";
    }
    return "unknown";
}

bool grant::may_call(std::string_view function) const noexcept {
    if (as != role::client) return true;
    const bool own = function.starts_with(own_module);
    if (own && std::find(own_reading.begin(), own_reading.end(), function) == own_reading.end())
        return false;
    bool may = function == own_open;
    for (const auto& each : functions) {
        if (own && !each.pattern().starts_with(own_module)) continue;
        if (each.matches(function)) may = each.says() == function_pattern::effect::allow;
    }
    return may;
}

result<allow_list> allow_list::parse(std::string_view text, const std::string& path,
                                     const key_reader& read_key) {
    toml::table root;
    try {
        root = toml::parse(text, path);
    } catch (const toml::parse_error& failure) {
        return not_a_list(path, "line " + std::to_string(failure.source().begin.line) +
                                    " is not valid TOML: " + std::string(failure.description()));
    }
    allow_list list;
    std::unordered_map<std::string, toml::source_index> lines;
    const toml::array* quotas = nullptr;
    for (const auto& [key, value] : root) {
        const auto at = path + ":" + std::to_string(key.source().begin.line) + ": ";
        const std::string kind(key.str());
        if (kind != "allow" && kind != "quota")
            return error{errc::invalid_argument, at + "unknown key '" + kind +
                                                     "'; an allow-list holds [[allow]] and "
                                                     "[[quota]] entries and nothing else"};
        const auto* entries = tables_in(value);
        if (entries == nullptr)
            return error{errc::invalid_argument, at + kind +
                                                     " is not a list of entries; begin each with "
                                                     "[[" +
                                                     kind + "]]"};
        if (kind == "quota") {
            quotas = entries;  // once all names are known
            continue;
        }
        for (const auto& entry : *entries) {
            const entry_reader reader(path, *entry.as_table(), read_key);
            auto read = reader.read();
            if (!read) return std::move(read.error());
            const auto line = entry.source().begin.line;
            if (const auto [twin, fresh] = lines.emplace(read->first, line); !fresh)
                return reader.refused(entry.source(), "this key is in the list already, in line " +
                                                          std::to_string(twin->second));
            list.grants_.insert(std::move(*read));
        }
    }
    if (quotas == nullptr) return list;
    quota_giver giver(path, list.grants_);
    for (const auto& each : *quotas)
        if (auto given = giver.give(*each.as_table()); !given) return std::move(given.error());
    return list;
}

result<allow_list> allow_list::parse(std::string_view text, const std::string& path) {
    return parse(text, path,
                 [](const std::string& file) { return security::read_public_key(file); });
}

result<allow_list> allow_list::read(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored))
        return not_a_list(path, "it is not a regular file");
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file.is_open())
        return not_a_list(path, std::string("cannot open it: ") + std::strerror(errno));
    std::string text(file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return not_a_list(path, std::string("cannot read it: ") + std::strerror(errno));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > file_bytes_max) return not_a_list(path, "it is larger than 4 MiB");
    if (text.empty())
        return not_a_list(path,
                          "it is empty, as a file is that is just being written; a list that "
                          "allows nobody holds at least a comment");
    return parse(text, path);
}

std::vector<std::string> allow_list::keys_of(role which) const {
    std::vector<std::string> keys;
    for (const auto& [key, granted] : grants_)
        if (granted.as == which) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    return keys;
}

void allow_list::go_on_from(const allow_list& before) {
    for (auto& [key, granted] : grants_)
        if (const auto* known = before.find(key); granted.use && known != nullptr && known->use)
            granted.use = known->use;
}

const grant* allow_list::find(std::string_view public_key) const {
    const auto found = grants_.find(std::string(public_key));
    return found == grants_.end() ? nullptr : &found->second;
}

}  // namespace dunlin::runtime
