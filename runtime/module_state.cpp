// SPDX-License-Identifier: Apache-2.0
#include "runtime/module_state.hpp"

#include "support/names.hpp"
#include "wire/cluster_items.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace dunlin::runtime {
namespace {

using nlohmann::json;

// What a type of state began with; fields added later come behind and are not required.
constexpr std::size_t state_type_bytes_min =
    offsetof(dunlin_state_type, memory_bytes) + sizeof(dunlin_state_type::memory_bytes);
constexpr std::size_t schema_bytes_max = std::size_t{1} << 20;
// References that lead from one to the next.
constexpr int references_max = 16;

error complaint(std::string what) { return {errc::failed, std::move(what)}; }

/// Enough to see that it is too long.
std::string short_text(const char* text) {
    return {text, ::strnlen(text, wire::name_bytes_max + 1)};
}

std::string in_quotes(std::string_view text) {
    std::string out = "'";
    out += text;
    return out += "'";
}

// -- the path to the key, in the input's schema --------------------------------------------------

/// The part of a schema that a reference leads to, or the part itself; null when it leads nowhere.
const json* resolved(const json& root, const json* part) {
    for (int i = 0; i < references_max && part->is_object(); ++i) {
        const auto reference = part->find("$ref");
        if (reference == part->end()) return part;
        if (!reference->is_string()) return nullptr;
        const auto& to = reference->get_ref<const std::string&>();
        constexpr std::string_view definitions = "#/$defs/";
        if (to == "#") {
            part = &root;
            continue;
        }
        const auto all = root.find("$defs");
        if (all == root.end() || !all->is_object() || !to.starts_with(definitions)) return nullptr;
        const auto found = all->find(to.substr(definitions.size()));
        if (found == all->end()) return nullptr;
        part = &*found;
    }
    return part;
}

/// Whether the schema says what the part's type is, and it is none of these.
bool is_another_type(const json& part, std::initializer_list<std::string_view> types) {
    if (!part.is_object()) return false;
    const auto said = part.find("type");
    if (said == part.end() || !said->is_string()) return false;
    return std::find(types.begin(), types.end(), said->get_ref<const std::string&>()) ==
           types.end();
}

/// What is wrong with the path in the schema; empty when nothing is, or the schema leaves it open.
std::string problem_of_path(const std::string& schema, const std::string& path) {
    const std::string field = "its key_field " + in_quotes(path);
    const json root = json::parse(schema, nullptr, false);
    if (root.is_discarded()) return {};
    const json* part = &root;
    for (std::string_view left = path;;) {
        part = resolved(root, part);
        if (part == nullptr || !part->is_object()) return {};
        const auto dot = left.find('.');
        const std::string name(left.substr(0, dot));
        if (is_another_type(*part, {"object"}))
            return field + " is in no object of its input's schema";
        const auto properties = part->find("properties");
        if (properties == part->end() || !properties->is_object()) return {};
        const auto found = properties->find(name);
        if (found == properties->end()) return field + " is no field of its input's schema";
        part = &*found;
        if (dot == std::string_view::npos) break;
        left.remove_prefix(dot + 1);
    }
    part = resolved(root, part);
    if (part == nullptr || !part->is_object()) return {};
    // One of several types may be nil, or anything.
    if (is_another_type(*part, {"string", "integer"}) || part->contains("anyOf") ||
        part->contains("oneOf"))
        return field + " is neither text nor bytes nor an integer, says its input's schema";
    return {};
}

result<void> read_key_field(const dunlin_function& raw, actors::function_info& to) {
    if (raw.key_field == nullptr) return {};
    to.key_field = short_text(raw.key_field);
    if (to.key_field.empty())
        return complaint("its key_field is empty; NULL has callers give the key");
    if (to.key_field.size() > wire::name_bytes_max)
        return complaint("its key_field is longer than " + std::to_string(wire::name_bytes_max) +
                         " bytes");
    if (to.input_schema.empty()) return {};
    if (auto wrong = problem_of_path(to.input_schema, to.key_field); !wrong.empty())
        return complaint(std::move(wrong));
    return {};
}

// -- types of state -----------------------------------------------------------------------------

result<void> check_type(const dunlin_state_type& type) {
    if (type.struct_size < state_type_bytes_min)
        return complaint("its type of state describes itself in " +
                         std::to_string(type.struct_size) + " bytes, but ABI version " +
                         std::to_string(DUNLIN_ABI_VERSION) + " takes at least " +
                         std::to_string(state_type_bytes_min) +
                         "; set struct_size to sizeof(dunlin_state_type)");
    const std::pair<const char*, bool> needed[] = {
        {"create", type.create != nullptr},       {"destroy", type.destroy != nullptr},
        {"has_value", type.has_value != nullptr}, {"reset", type.reset != nullptr},
        {"decode", type.decode != nullptr},       {"encode", type.encode != nullptr},
        {"assign", type.assign != nullptr},       {"memory_bytes", type.memory_bytes != nullptr},
    };
    for (const auto& [name, there] : needed)
        if (!there)
            return complaint("its type of state has no code for " + std::string(name) + " (" +
                             name + " is NULL)");
    return {};
}

result<void> read_access(const dunlin_function& raw, actors::function_info& to) {
    const auto access = raw.state_access;
    if (raw.state == nullptr) {
        if (access != 0) return complaint("it says how it uses its state, but has none");
        return {};
    }
    if (access != DUNLIN_STATE_READ && access != DUNLIN_STATE_WRITE)
        return complaint("its state_access " + std::to_string(access) +
                         " is neither DUNLIN_STATE_READ nor DUNLIN_STATE_WRITE");
    to.writes_state = access == DUNLIN_STATE_WRITE;
    return {};
}

result<void> read_mode(const dunlin_function& raw, actors::function_info& to) {
    if (raw.state_mode == 0) return {};
    if (raw.state == nullptr) return complaint("it says how its state is kept, but has none");
    if (raw.state_mode > DUNLIN_STATE_EPHEMERAL)
        return complaint("its state_mode " + std::to_string(raw.state_mode) +
                         " is none of DUNLIN_STATE_DURABLE, _RELAXED and _EPHEMERAL");
    to.state_mode = raw.state_mode;
    return {};
}

// -- spaces of all modules ----------------------------------------------------------------------

std::string_view name_of(std::uint32_t mode) noexcept {
    switch (mode) {
        case DUNLIN_STATE_DURABLE: return "durable";
        case DUNLIN_STATE_RELAXED: return "relaxed";
        default: return "ephemeral";
    }
}

std::string_view schema_of(const actors::function_info& function) noexcept {
    const char* text = function.state->schema;
    return text == nullptr ? std::string_view()
                           : std::string_view(text, ::strnlen(text, schema_bytes_max));
}

/// Who has said something of a space, first of all.
struct declaration {
    const loaded_module* module = nullptr;
    const actors::function_info* function = nullptr;
};

/// "module b.so keeps ... (b/f), ... than module a.so does (a/f)"
error disagreement(const declaration& first, const declaration& then, const std::string& what,
                   const std::string& how) {
    const bool same = first.module == then.module;
    return complaint("module " + then.module->path + " keeps state in space " +
                     then.function->space + " " + what + " (" + then.function->name + ") than " +
                     (same ? "" : "module " + first.module->path + " does ") +
                     (same ? "for " + first.function->name : "(" + first.function->name + ")") +
                     ": " + how);
}

struct space_declarations {
    declaration type;
    declaration mode;
};

result<void> declare(space_declarations& known, const declaration& said) {
    const auto schema = schema_of(*said.function);
    // A type without a schema has said nothing that could differ.
    if (!schema.empty()) {
        if (known.type.function == nullptr) known.type = said;
        if (schema_of(*known.type.function) != schema)
            return disagreement(known.type, said, "of another type",
                                "a space has one type of state; name another space for one of "
                                "them, or let both modules have the type's present version");
    }
    const auto mode = said.function->state_mode;
    if (mode == 0) return {};
    if (known.mode.function == nullptr) known.mode = said;
    const auto before = known.mode.function->state_mode;
    if (before != mode)
        return disagreement(known.mode, said, "in another way",
                            "that one is " + std::string(name_of(before)) + ", this one " +
                                std::string(name_of(mode)) +
                                "; all functions of a space say the same, or nothing");
    return {};
}

}  // namespace

result<void> read_state(const dunlin_function& raw, actors::function_info& to) {
    if (auto read = read_key_field(raw, to); !read) return read;
    if (raw.space != nullptr) {
        to.space = short_text(raw.space);
        if (!support::is_name(to.space))
            return complaint("its space is " + in_quotes(to.space) + "; a space's name is " +
                             std::string(support::name_rule));
    }
    if (raw.state != nullptr) {
        if (to.space.empty())
            return complaint("it has state, but no space to keep it in (space is NULL)");
        if (auto good = check_type(*raw.state); !good) return good;
        to.state = raw.state;
    }
    if (auto read = read_access(raw, to); !read) return read;
    return read_mode(raw, to);
}

result<void> settle_spaces(std::span<loaded_module> modules) {
    std::map<std::string_view, space_declarations> spaces;
    for (const auto& module : modules) {
        for (const auto& function : module.functions) {
            if (function.state == nullptr) continue;
            if (auto good = declare(spaces[function.space], {&module, &function}); !good)
                return good;
        }
    }
    for (auto& module : modules) {
        for (auto& function : module.functions) {
            if (function.state == nullptr) continue;
            const auto* said = spaces[function.space].mode.function;
            function.state_mode =
                said == nullptr ? std::uint32_t{DUNLIN_STATE_DURABLE} : said->state_mode;
        }
    }
    return {};
}

}  // namespace dunlin::runtime
