// SPDX-License-Identifier: Apache-2.0
#include <dunlin/schema.hpp>

#include <algorithm>

namespace dunlin::detail {
namespace {

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out += '"';
}

std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) {
        if (!out.empty()) out += ',';
        out += part;
    }
    return out;
}

// A "$ref" is a URI: what may not stand in one, and in a JSON pointer, becomes '_'.
std::string definition_name(std::string_view name) {
    std::string out(name);
    for (char& c : out) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!plain) c = '_';
    }
    return out;
}

std::string unit_name(std::intmax_t numerator, std::intmax_t denominator) {
    if (numerator == 1 && denominator == 1) return "seconds";
    if (numerator == 1 && denominator == 1'000) return "milliseconds";
    if (numerator == 1 && denominator == 1'000'000) return "microseconds";
    if (numerator == 1 && denominator == 1'000'000'000) return "nanoseconds";
    if (numerator == 60 && denominator == 1) return "minutes";
    if (numerator == 3600 && denominator == 1) return "hours";
    return "units of " + std::to_string(numerator) + "/" + std::to_string(denominator) + " s";
}

}  // namespace

std::string schema_builder::reference(const void* identity, std::string_view name,
                                      describe_function body) {
    if (identity == root_) return R"({"$ref":"#"})";
    const auto as_reference = [](const std::string& to) {
        return R"({"$ref":"#/$defs/)" + to + "\"}";
    };
    for (const definition& known : definitions_) {
        if (known.identity == identity) return as_reference(known.name);
    }
    const auto taken = [this](const std::string& candidate) {
        return std::any_of(definitions_.begin(), definitions_.end(),
                           [&](const definition& known) { return known.name == candidate; });
    };
    const std::string base = definition_name(name);
    std::string unique = base;
    for (int i = 2; taken(unique); ++i) unique = base + "_" + std::to_string(i);
    // Known before its body is made, which may refer to it.
    const std::size_t place = definitions_.size();
    definitions_.push_back({identity, unique, {}});
    std::string made = body(*this);
    definitions_[place].body = std::move(made);
    return as_reference(unique);
}

std::string schema_builder::finish(std::string root) const {
    if (definitions_.empty()) return root;
    std::vector<std::string> bodies;
    for (const definition& each : definitions_) {
        bodies.push_back(in_quotes(each.name) + ":" + each.body);
    }
    root.pop_back();
    return root + ",\"$defs\":{" + joined(bodies) + "}}";
}

std::string object_schema(std::string_view title, const std::vector<property>& properties) {
    std::vector<std::string> described;
    std::vector<std::string> required;
    for (const property& each : properties) {
        described.push_back(in_quotes(each.name) + ":" + each.schema);
        if (each.required) required.push_back(in_quotes(each.name));
    }
    std::string out = "{\"title\":" + in_quotes(title) + ",\"type\":\"object\",\"properties\":{" +
                      joined(described) + "}";
    if (!required.empty()) out += ",\"required\":[" + joined(required) + "]";
    return out + "}";
}

// The bounds of 64 bits are left out: readers of JSON that know no integers would round them.
std::string integer_schema(std::int64_t min, std::uint64_t max) {
    std::string out = R"({"type":"integer")";
    if (min != std::numeric_limits<std::int64_t>::min()) {
        out += ",\"minimum\":" + std::to_string(min);
    }
    if (max < static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        out += ",\"maximum\":" + std::to_string(max);
    }
    return out + "}";
}

std::string duration_schema(std::intmax_t numerator, std::intmax_t denominator, bool whole) {
    return std::string(R"({"type":)") + (whole ? "\"integer\"" : "\"number\"") +
           ",\"description\":" + in_quotes(unit_name(numerator, denominator)) + "}";
}

std::string array_schema(const std::string& items, std::string_view more) {
    return R"({"type":"array","items":)" + items + std::string(more) + "}";
}

std::string tuple_schema(const std::vector<std::string>& items) {
    const std::string size = std::to_string(items.size());
    std::string out = R"({"type":"array")";
    if (!items.empty()) out += ",\"prefixItems\":[" + joined(items) + "]";
    return out + ",\"minItems\":" + size + ",\"maxItems\":" + size + "}";
}

std::string map_schema(const std::string& values, const std::string& keys) {
    std::string out = R"({"type":"object","additionalProperties":)" + values;
    if (!keys.empty()) out += ",\"x-dunlin-key\":" + keys;
    return out + "}";
}

std::string nullable_schema(const std::string& value) {
    return R"({"anyOf":[)" + value + R"(,{"type":"null"}]})";
}

std::string variant_schema(const std::vector<std::string>& alternatives) {
    std::vector<std::string> each;
    for (std::size_t i = 0; i < alternatives.size(); ++i) {
        each.push_back(tuple_schema({"{\"const\":" + std::to_string(i) + "}", alternatives[i]}));
    }
    return R"({"oneOf":[)" + joined(each) + "]}";
}

}  // namespace dunlin::detail
