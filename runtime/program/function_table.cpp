// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/function_table.hpp"

#include "runtime/program/lenient_json.hpp"
#include "runtime/program/text_table.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace dunlin::program {
namespace {

constexpr std::size_t nesting_shown = 3;
constexpr std::size_t schema_width_max = 64;

std::string type_in_words(const json& schema, const json& root, std::size_t depth);

std::string joined(const json& alternatives, const json& root, std::size_t depth) {
    std::string text;
    for (const auto& one : alternatives)
        text += (text.empty() ? "" : " or ") + type_in_words(one, root, depth);
    return text;
}

// "#/$defs/page" is looked up; a type that contains itself ends at `nesting_shown`.
const json* referred(const json& schema, const json& root) {
    const auto reference = schema.find("$ref");
    if (reference == schema.end() || !reference->is_string()) return nullptr;
    const auto& text = reference->get_ref<const std::string&>();
    if (!text.starts_with("#/")) return nullptr;
    const json::json_pointer place(text.substr(1));
    return root.contains(place) ? &root.at(place) : nullptr;
}

std::string object_in_words(const json& schema, const json& root, std::size_t depth) {
    const auto fields = schema.find("properties");
    if (fields == schema.end() || !fields->is_object()) {
        const auto rest = schema.find("additionalProperties");
        if (rest == schema.end() || !rest->is_object()) return "object";
        return "map of " + type_in_words(*rest, root, depth + 1);
    }
    std::string text;
    for (const auto& [name, field] : fields->items())
        text += (text.empty() ? "" : ", ") + name + ": " + type_in_words(field, root, depth + 1);
    return "{" + text + "}";
}

std::string array_in_words(const json& schema, const json& root, std::size_t depth) {
    const auto items = schema.find("items");
    if (items != schema.end() && items->is_object())
        return "[" + type_in_words(*items, root, depth + 1) + "]";
    const auto prefix = schema.find("prefixItems");
    if (prefix == schema.end() || !prefix->is_array()) return "array";
    std::string text;
    for (const auto& item : *prefix)
        text += (text.empty() ? "" : ", ") + type_in_words(item, root, depth + 1);
    return "[" + text + "]";
}

std::string type_in_words(const json& schema, const json& root, std::size_t depth) {
    if (!schema.is_object()) return "any";
    if (depth > nesting_shown) return "...";
    if (const auto* target = referred(schema, root)) return type_in_words(*target, root, depth + 1);
    for (const auto* key : {"anyOf", "oneOf"})
        if (const auto all = schema.find(key); all != schema.end() && all->is_array())
            return joined(*all, root, depth);
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
    if (name == "object") return object_in_words(schema, root, depth);
    if (name == "array") return array_in_words(schema, root, depth);
    return name;
}

result<json> parse(bytes_view payload) { return read_objects(payload, "list of functions"); }

// Schemas may come as JSON text or as values.
std::string schema_of(const json& function, const char* key) {
    const auto value = function.find(key);
    if (value == function.end() || value->is_null()) return "any";
    if (value->is_string()) return short_schema(value->get_ref<const std::string&>());
    return type_in_words(*value, *value, 0);
}

std::string properties_of(const json& function) {
    std::string text;
    for (const char* key : {"idempotent", "blocking", "async"}) {
        const auto value = function.find(key);
        if (value != function.end() && value->is_boolean() && value->get<bool>())
            text += (text.empty() ? "" : ", ") + std::string(key);
    }
    return text.empty() ? "-" : text;
}

// A line stays readable; all of it is in the JSON.
std::string shortened(std::string text) {
    if (text.size() > schema_width_max)
        text.replace(schema_width_max - 3, std::string::npos, "...");
    return text;
}

constexpr std::array columns{align::left, align::left, align::left, align::left};

}  // namespace

std::string short_schema(std::string_view schema) {
    const auto parsed = json::parse(schema, nullptr, false);
    return parsed.is_discarded() ? "any" : type_in_words(parsed, parsed, 0);
}

result<std::string> functions_table(bytes_view payload) {
    auto list = parse(payload);
    if (!list) return std::move(list.error());
    std::vector<table_row> rows{{"FUNCTION", "PROPERTIES", "INPUT -> OUTPUT", "DESCRIPTION"}};
    for (const auto& function : *list)
        rows.push_back({printable(text_in(function, "name")), properties_of(function),
                        printable(shortened(schema_of(function, "input") + " -> " +
                                            schema_of(function, "output"))),
                        printable(text_in(function, "description"))});
    auto text = laid_out(rows, columns);
    const bool none = std::all_of(list->begin(), list->end(), [](const json& function) {
        return text_in(function, "name").starts_with("dunlin/");
    });
    if (none) text += "\nThe node has no module; start it with --module FILE to serve functions.\n";
    return text;
}

result<std::string> functions_json(bytes_view payload) {
    auto list = parse(payload);
    if (!list) return std::move(list.error());
    return lines_of(*list);
}

}  // namespace dunlin::program
