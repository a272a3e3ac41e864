// SPDX-License-Identifier: Apache-2.0
//
// Who decides about a function's scaling on a node, and what comes of it.
//
// Its author says something, the node's `--activations` limits that, the node's file says more, and
// an operator changes it at run time; for each field the last of them that says anything counts. So
// an operator never has to rebuild a module, and what is shown can tell whom it comes from. Two who
// contradict each other, with a minimum above a maximum, are an error that names both; only what an
// author asks for is cut to `--activations` silently, since a module has to start on a small node.
// Values and pure functions; any thread.
#pragma once

#include "actors/scale_settings.hpp"
#include "actors/scale_wishes.hpp"
#include "runtime/config/scale_fields.hpp"
#include "runtime/module_loader.hpp"
#include "runtime/node_config.hpp"

#include <dunlin/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dunlin::runtime {

enum class scale_source : std::uint8_t { by_default, author, activations, file, command };

/// "default", "author", "activations", "file", "command".
[[nodiscard]] std::string_view to_string(scale_source source) noexcept;

struct scale_value {
    /// As the table of fields has it. Nothing: a maximum by the kind of the function.
    std::optional<std::int64_t> number;
    scale_source source = scale_source::by_default;

    friend bool operator==(const scale_value&, const scale_value&) = default;
};

/// What holds, and by whom.
struct settled_scale {
    std::array<scale_value, scale_field_count> values;

    [[nodiscard]] const scale_value& of(scale_field field) const noexcept {
        return values[static_cast<std::size_t>(field)];
    }
    [[nodiscard]] scale_value& of(scale_field field) noexcept {
        return values[static_cast<std::size_t>(field)];
    }
    [[nodiscard]] actors::scale_settings settings() const noexcept;

    friend bool operator==(const settled_scale&, const settled_scale&) = default;
};

/// What has been said about one function.
struct scale_layers {
    actors::scale_wishes author;
    std::size_t activations = 0;  // of the node; 0: no limit
    actors::scale_wishes file;
    actors::scale_wishes command;

    [[nodiscard]] settled_scale settle() const noexcept;

    friend bool operator==(const scale_layers&, const scale_layers&) = default;
};

/// A minimum above a maximum: a sentence that says who said which.
[[nodiscard]] result<void> check(const settled_scale& settled);

using scale_plan = std::map<std::string, scale_layers, std::less<>>;

/// For each function of the modules. Errors: `invalid_argument` for a function in the file that no
/// module has, and for what does not go together; both say where in the file.
[[nodiscard]] result<scale_plan> plan_scales(std::span<const loaded_module> modules,
                                             const node_config& config);

}  // namespace dunlin::runtime
