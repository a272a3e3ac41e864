// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/function_table.hpp"

#include "runtime/program/node_table.hpp"
#include "runtime/program/progress.hpp"
#include "runtime/program/text_table.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace dunlin::program {
namespace {

constexpr std::size_t nesting_in_table = 3;
constexpr std::size_t nesting_in_details = 16;  // a type that contains itself has to end somewhere
constexpr std::size_t schema_width_max = 64;
constexpr std::size_t line_width_max = 96;

/// How a schema is put into words.
struct wording {
    const json& root;         // where references lead
    std::size_t nesting_max;  // what lies deeper is "..."
    bool marks_required;      // with '*'
};

std::string type_in_words(const json& schema, const wording& as, std::size_t depth);

std::string joined(const json& alternatives, const wording& as, std::size_t depth) {
    std::string text;
    for (const auto& one : alternatives)
        text += (text.empty() ? "" : " or ") + type_in_words(one, as, depth);
    return text;
}

// "#/$defs/page" is looked up.
const json* referred(const json& schema, const json& root) {
    const auto reference = schema.find("$ref");
    if (reference == schema.end() || !reference->is_string()) return nullptr;
    const auto& text = reference->get_ref<const std::string&>();
    if (!text.starts_with("#/")) return nullptr;
    const json::json_pointer place(text.substr(1));
    return root.contains(place) ? &root.at(place) : nullptr;
}

bool is_required(const json& schema, const std::string& field) {
    const auto required = schema.find("required");
    return required != schema.end() && required->is_array() &&
           std::find(required->begin(), required->end(), field) != required->end();
}

std::string object_in_words(const json& schema, const wording& as, std::size_t depth) {
    const auto fields = schema.find("properties");
    if (fields == schema.end() || !fields->is_object()) {
        const auto rest = schema.find("additionalProperties");
        if (rest == schema.end() || !rest->is_object()) return "object";
        return "map of " + type_in_words(*rest, as, depth + 1);
    }
    std::string text;
    for (const auto& [name, field] : fields->items())
        text += (text.empty() ? "" : ", ") + name +
                (as.marks_required && is_required(schema, name) ? "*: " : ": ") +
                type_in_words(field, as, depth + 1);
    return "{" + text + "}";
}

std::string array_in_words(const json& schema, const wording& as, std::size_t depth) {
    const auto items = schema.find("items");
    if (items != schema.end() && items->is_object())
        return "[" + type_in_words(*items, as, depth + 1) + "]";
    const auto prefix = schema.find("prefixItems");
    if (prefix == schema.end() || !prefix->is_array()) return "array";
    std::string text;
    for (const auto& item : *prefix)
        text += (text.empty() ? "" : ", ") + type_in_words(item, as, depth + 1);
    return "[" + text + "]";
}

std::string type_in_words(const json& schema, const wording& as, std::size_t depth) {
    if (!schema.is_object()) return "any";
    if (depth > as.nesting_max) return "...";
    if (const auto* target = referred(schema, as.root))
        return type_in_words(*target, as, depth + 1);
    for (const auto* key : {"anyOf", "oneOf"})
        if (const auto all = schema.find(key); all != schema.end() && all->is_array())
            return joined(*all, as, depth);
    if (schema.contains("contentMediaType")) return "bytes";
    const auto type = schema.find("type");
    if (type != schema.end() && type->is_array()) {
        std::string text;
        for (const auto& one : *type)
            if (one.is_string())
                text += (text.empty() ? "" : " or ") + one.get_ref<const std::string&>();
        return text;
    }
    if (type == schema.end() || !type->is_string()) {
        const auto values = schema.find("enum");
        return values == schema.end() ? "any" : "one of " + values->dump();
    }
    const auto& name = type->get_ref<const std::string&>();
    if (name == "object") return object_in_words(schema, as, depth);
    if (name == "array") return array_in_words(schema, as, depth);
    return name;
}

// Schemas may come as JSON text or as values.
json schema_of(const json& function, const char* key) {
    const auto value = function.find(key);
    if (value == function.end()) return nullptr;
    if (!value->is_string()) return *value;
    auto parsed = json::parse(value->get_ref<const std::string&>(), nullptr, false);
    return parsed.is_discarded() ? json(nullptr) : parsed;
}

// A result has all its fields; only of an input is it worth saying which are needed.
std::string input_of(const json& function, std::size_t nesting_max) {
    const auto schema = schema_of(function, "input");
    return type_in_words(schema, {schema, nesting_max, true}, 0);
}

std::string output_of(const json& function, std::size_t nesting_max) {
    const auto schema = schema_of(function, "output");
    return type_in_words(schema, {schema, nesting_max, false}, 0);
}

std::string properties_of(const json& function) {
    std::string text;
    for (const char* key : {"idempotent", "blocking", "async"}) {
        const auto value = function.find(key);
        if (value != function.end() && value->is_boolean() && value->get<bool>())
            text += (text.empty() ? "" : ", ") + std::string(key);
    }
    if (const auto stuck = count_in(function, "stuck"); stuck != 0)
        text = std::to_string(stuck) + " stuck" + (text.empty() ? "" : ", ") + text;
    return text.empty() ? "-" : text;
}

// A line stays readable; all of it is in the JSON.
std::string shortened(std::string text) {
    if (text.size() > schema_width_max)
        text.replace(schema_width_max - 3, std::string::npos, "...");
    return text;
}

// Whole, and readable: an object that is too wide has a line for each of its fields.
std::string broken_up(const std::string& type) {
    if (type.size() <= line_width_max) return type;
    std::string text;
    std::size_t depth = 0;
    const auto new_line = [&] { text.append(1, '\n').append(4 + 2 * depth, ' '); };
    for (std::size_t i = 0; i < type.size(); ++i) {
        const char c = type[i];
        const bool opens = c == '{' && type[i + 1] != '}';
        const bool closes = c == '}' && i > 0 && type[i - 1] != '{';
        if (closes) {
            --depth;
            new_line();
        }
        text += c;
        if (opens) ++depth;
        const bool between = c == ',' && depth > 0 && type.find('{') < i;
        if (opens || between) {
            new_line();
            if (between) ++i;  // the space behind it
        }
    }
    return text;
}

std::string joined_names(const std::vector<std::string>& names, std::size_t shown_max) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), shown_max); ++i)
        text += (i == 0 ? "" : ", ") + printable(names[i]);
    if (names.size() > shown_max)
        text += " and " + std::to_string(names.size() - shown_max) + " more";
    return text;
}

std::string served_by(const listed_function& function, const function_list& list) {
    constexpr std::size_t shown_max = 3;
    return function.nodes.size() == list.nodes().size() ? "all"
                                                        : joined_names(function.nodes, shown_max);
}

std::string whose(const function_list& list) {
    constexpr std::size_t shown_max = 16;
    const auto count = list.nodes().size();
    return "\n" + (count == 1 ? "Of node " : "Of " + std::to_string(count) + " nodes: ") +
           joined_names(list.nodes(), shown_max) + ".\n";
}

json with_nodes(const listed_function& function) {
    json about = function.about;
    about["nodes"] = function.nodes;
    return about;
}

/// Now, over all nodes; unknown of a node that does not say.
std::string actors_of(const json& function) {
    return function.contains("activations") ? grouped(count_in(function, "activations")) : "-";
}

/// How they come and go. Empty when no node says.
std::string actors_in_words(const json& function) {
    if (!function.contains("activations_started")) return {};
    const auto started = count_in(function, "activations_started");
    auto text = actors_of(function) + " now; " + grouped(started) + " started, " +
                grouped(count_in(function, "activations_retired")) + " ended, " +
                grouped(count_in(function, "cold_calls")) + " calls paid for a start";
    if (started == 0) return text;
    const auto start_us = number_in(function, "start_time_us");
    // A start is often quicker than what is told in whole microseconds.
    return text + ", the latest took " + (start_us < 1 ? "less than 1us" : short_time_us(start_us));
}

constexpr std::array columns{align::left, align::left, align::right,
                             align::left, align::left, align::left};

}  // namespace

std::string short_schema(std::string_view schema) {
    const auto parsed = json::parse(schema, nullptr, false);
    return parsed.is_discarded() ? "any"
                                 : type_in_words(parsed, {parsed, nesting_in_table, true}, 0);
}

std::string functions_table(const function_list& list) {
    const bool one = list.nodes().size() == 1;
    std::vector<table_row> rows{
        {"FUNCTION", "PROPERTIES", "ACTORS", "INPUT -> OUTPUT", "NODES", "DESCRIPTION"}};
    for (const auto& each : list.functions())
        rows.push_back({printable(text_in(each.about, "name")), properties_of(each.about),
                        actors_of(each.about),
                        printable(shortened(input_of(each.about, nesting_in_table) + " -> " +
                                            output_of(each.about, nesting_in_table))),
                        served_by(each, list), printable(text_in(each.about, "description"))});
    if (one)
        for (auto& row : rows) row.erase(row.begin() + 4);
    auto text = laid_out(rows, std::span(columns).first(rows.front().size())) + whose(list);
    const bool none = std::all_of(list.functions().begin(), list.functions().end(),
                                  [](const listed_function& function) {
                                      return text_in(function.about, "name").starts_with("dunlin/");
                                  });
    if (none)
        text += std::string("\n") + (one ? "The node has no module" : "No node has a module") +
                "; start it with --module FILE to serve functions.\n";
    return text;
}

std::string functions_json(const function_list& list) {
    json all = json::array();
    for (const auto& each : list.functions()) all.push_back(with_nodes(each));
    return lines_of(all);
}

std::string function_json(const listed_function& function) {
    return with_nodes(function).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string function_details(const listed_function& function, const function_list& list) {
    const auto& about = function.about;
    std::string text = printable(text_in(about, "name"));
    if (const auto words = text_in(about, "description"); !words.empty())
        text += ": " + printable(words);
    text += "\n\n";
    const auto say = [&](const char* what, const std::string& value) {
        text += std::string(what) + "\n    " + value + "\n";
    };
    say("Input", broken_up(printable(input_of(about, nesting_in_details))));
    say("Output", broken_up(printable(output_of(about, nesting_in_details))));
    say("Properties", properties_of(about));
    if (const auto actors = actors_in_words(about); !actors.empty()) say("Actors", actors);
    say("Module", printable(text_in(about, "module") + " " + text_in(about, "module_version")));
    say("Nodes", joined_names(function.nodes, function.nodes.size()) +
                     (list.nodes().size() == function.nodes.size()
                          ? ""
                          : " (of " + std::to_string(list.nodes().size()) + ")"));
    return text;
}

}  // namespace dunlin::program
