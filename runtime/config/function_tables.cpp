// SPDX-License-Identifier: Apache-2.0
#include "runtime/config/function_tables.hpp"

#include "runtime/config/scale_fields.hpp"
#include "runtime/text/suggest.hpp"

#include <sstream>
#include <utility>
#include <vector>

namespace dunlin::runtime {
namespace {

class function_reader {
public:
    function_reader(const std::string& path, const toml::key& name)
        : path_(path),
          title_("functions.\"" + std::string(name.str()) + "\"") {
        read_.name = name.str();
        read_.where = place_of(path, name.source());
        read_.where.resize(read_.where.size() - 2);  // without ": "
    }

    [[nodiscard]] result<function_settings> read(const toml::node& node) {
        const auto* table = node.as_table();
        if (table == nullptr)
            return refused(node.source(), title_ + ": expected a table, as in [" + title_ +
                                              "], got " + kind_of(node));
        if (read_.name.find('/') == std::string::npos)
            return refused(node.source(),
                           "functions." + read_.name +
                               ": no function's name has no slash; write it in quotation marks, as "
                               "in [functions.\"text/count_words\"]");
        for (const auto& [key, value] : *table)
            if (auto put = read_value(key, value); !put) return std::move(put.error());
        if (auto good = check_together(read_.scale); !good)
            return refused(table->get("min")->source(), title_ + ": " + good.error().detail);
        return std::move(read_);
    }

private:
    [[nodiscard]] error refused(const toml::source_region& at, const std::string& why) const {
        return {errc::invalid_argument, place_of(path_, at) + why};
    }

    [[nodiscard]] result<void> read_value(const toml::key& key, const toml::node& value) {
        for (const auto& row : scale_rows()) {
            if (row.key != key.str()) continue;
            auto put = put_node(row, value);
            return put ? put
                       : refused(value.source(),
                                 title_ + "." + std::string(row.key) + ": " + put.error().detail);
        }
        std::vector<std::string> keys;
        std::string all;
        for (const auto& row : scale_rows()) {
            keys.emplace_back(row.key);
            (all += all.empty() ? "" : ", ") += row.key;
        }
        const auto hint = did_you_mean(key.str(), keys);
        return refused(key.source(), "unknown option '" + title_ + "." + std::string(key.str()) +
                                         "'" + (hint.empty() ? "; there are " + all : hint));
    }

    [[nodiscard]] result<void> put_node(const scale_row& row, const toml::node& value) {
        const auto* number = value.as_integer();
        const auto* text = value.as_string();
        if (row.kind == scale_kind::count && number != nullptr)
            return put_number(read_.scale, row, number->get());
        if (row.kind != scale_kind::count && text != nullptr)
            return put_text(read_.scale, row, text->get());
        return error{errc::invalid_argument,
                     "expected " + std::string(expected_value(row)) + ", got " + kind_of(value)};
    }

    const std::string& path_;
    std::string title_;
    function_settings read_;
};

}  // namespace

std::string place_of(const std::string& path, const toml::source_region& at) {
    return path + ":" + std::to_string(at.begin.line) + ":" + std::to_string(at.begin.column) +
           ": ";
}

std::string kind_of(const toml::node& node) {
    std::ostringstream text;
    if (const auto* string = node.as_string()) {
        text << "the string \"" << string->get() << '"';
    } else if (const auto* integer = node.as_integer()) {
        text << "the number " << integer->get();
    } else if (const auto* real = node.as_floating_point()) {
        text << "the number " << real->get();
    } else if (const auto* boolean = node.as_boolean()) {
        text << (boolean->get() ? "true" : "false");
    } else {
        text << (node.is_array() ? "a list" : node.is_table() ? "a table" : "a date or time");
    }
    return text.str();
}

result<void> read_functions(const toml::node& table, const std::string& path, node_config& to) {
    const auto* functions = table.as_table();
    if (functions == nullptr)
        return error{
            errc::invalid_argument,
            place_of(path, table.source()) +
                "functions: expected tables, as in [functions.\"text/count_words\"], got " +
                kind_of(table)};
    to.functions.clear();
    for (const auto& [name, node] : *functions) {
        auto read = function_reader(path, name).read(node);
        if (!read) return std::move(read.error());
        to.functions.push_back(std::move(*read));
    }
    return {};
}

}  // namespace dunlin::runtime
