// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/config_file.hpp"

#include "runtime/config/function_tables.hpp"
#include "runtime/text/suggest.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace dunlin::runtime {
namespace {

class reader {
public:
    reader(const std::string& path, settings& to) : path_(path), to_(to) {}

    [[nodiscard]] result<void> read(const toml::table& root) {
        for (const auto& [key, node] : root) {
            const std::string name(key.str());
            if (name == functions_table) {
                if (auto read = read_functions(node, path_, to_.node); !read) return read;
                continue;
            }
            const auto* table = node.as_table();
            if (!is_table(name)) return unknown(name, key.source());
            if (table == nullptr)
                return refused(node.source(), name + ": expected a table, as in [" + name +
                                                  "], got " + kind_of(node));
            for (const auto& [inner_key, value] : *table)
                if (auto read = read_value(name, inner_key, value); !read) return read;
        }
        return {};
    }

private:
    [[nodiscard]] error refused(const toml::source_region& at, const std::string& why) const {
        return {errc::invalid_argument, place_of(path_, at) + why};
    }

    static bool is_table(const std::string& name) {
        const auto all = all_settings();
        return std::any_of(all.begin(), all.end(), [&](const auto& s) { return s.table == name; });
    }

    // The nearest key counts before the nearest table, and a right key in a wrong table most.
    [[nodiscard]] error unknown(const std::string& name, const toml::source_region& at) const {
        std::vector<std::string> full;
        std::vector<std::string> bare;
        std::vector<std::string> tables;
        for (const auto& row : all_settings()) {
            full.push_back(row.full_key());
            bare.emplace_back(row.key);
            if (tables.empty() || tables.back() != row.table) tables.emplace_back(row.table);
        }
        tables.emplace_back(functions_table);
        const auto key = name.substr(name.rfind('.') + 1);
        auto hint = name == key ? nearest(name, tables) : nearest(name, full);
        if (hint.empty()) {
            const auto near = std::find(bare.begin(), bare.end(), nearest(key, bare));
            if (near != bare.end()) hint = full[static_cast<std::size_t>(near - bare.begin())];
        }
        return refused(at, "unknown option '" + name + "'" +
                               (hint.empty() ? "; dunlin node --print-config lists them all"
                                             : "; did you mean " + hint + "?"));
    }

    [[nodiscard]] result<void> read_value(const std::string& table, const toml::key& key,
                                          const toml::node& value) {
        const auto name = table + "." + std::string(key.str());
        for (const auto& row : all_settings()) {
            if (row.full_key() != name) continue;
            const toml::node* at = &value;
            auto put = assign_node(row, value, at);
            return put ? put : refused(at->source(), name + ": " + put.error().detail);
        }
        return unknown(name, key.source());
    }

    /// `at` becomes what an error is about.
    [[nodiscard]] result<void> assign_node(const setting& row, const toml::node& value,
                                           const toml::node*& at) {
        const auto wrong = [&](const toml::node& got) {
            return error{errc::invalid_argument,
                         "expected " + std::string(expected_value(row)) + ", got " + kind_of(got)};
        };
        if (std::holds_alternative<list_field>(row.where)) {
            const auto* array = value.as_array();
            if (array == nullptr) return wrong(value);
            const auto& list = std::get<list_field>(row.where);
            std::vector<std::string> items;
            for (const auto& item : *array) {
                at = &item;
                const auto* text = item.as_string();
                if (text == nullptr) return wrong(item);
                if (list.check != nullptr)
                    if (auto good = list.check(text->get()); !good) return good;
                items.push_back(list.of_files ? from_folder(text->get()) : text->get());
            }
            list.of(to_) = std::move(items);
            return {};
        }
        if (const auto* on = value.as_boolean()) {
            if (!std::holds_alternative<switch_field>(row.where)) return wrong(value);
            return assign(to_, row, {on->get() ? "true" : "false"});
        }
        if (const auto* number = value.as_integer()) {
            if (!std::holds_alternative<count_field>(row.where) &&
                !std::holds_alternative<size_field>(row.where))
                return wrong(value);
            return assign_number(to_, row, number->get());
        }
        const auto* text = value.as_string();
        if (text == nullptr || std::holds_alternative<switch_field>(row.where) ||
            std::holds_alternative<count_field>(row.where))
            return wrong(value);
        const auto* path = std::get_if<text_field>(&row.where);
        if (path != nullptr && path->of_file) return assign(to_, row, {beside(text->get())});
        return assign(to_, row, {text->get()});
    }

    [[nodiscard]] std::string beside(const std::string& file) const {
        if (file.empty()) return file;
        return (std::filesystem::path(path_).parent_path() / file).lexically_normal().string();
    }

    // A bare name is looked for in the folders of modules.
    [[nodiscard]] std::string from_folder(const std::string& module) const {
        return module.find('/') == std::string::npos ? module : beside(module);
    }

    const std::string& path_;
    settings& to_;
};

}  // namespace

result<void> read_config_text(std::string_view text, const std::string& path, settings& to) {
    try {
        return reader(path, to).read(toml::parse(text, path));
    } catch (const toml::parse_error& failure) {
        const auto& at = failure.source().begin;
        return {errc::invalid_argument,
                path + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) +
                    ": not valid TOML: " + std::string(failure.description())};
    }
}

result<void> read_config_file(const std::string& path, settings& to) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored))
        return {errc::invalid_argument,
                "cannot read the configuration " + path + ": it is a folder"};
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open() || file.bad())
        return {errc::invalid_argument,
                "cannot read the configuration " + path + ": " + std::strerror(errno)};
    return read_config_text(text, path, to);
}

}  // namespace dunlin::runtime
