// SPDX-License-Identifier: Apache-2.0
//
// What an author says about the keys and the state of a function, and what is wrong with it.
#include "support/names.hpp"

#include <dunlin/module.hpp>

#include <stdexcept>
#include <string>

namespace dunlin {
namespace {

// A path travels in catalogs, as names do.
constexpr std::size_t path_bytes_max = 255;

std::string quoted(std::string_view text) {
    std::string out = "\"";
    out += text;
    return out += '"';
}

[[noreturn]] void complain(const std::string& function, const std::string& why) {
    throw std::invalid_argument("function " + quoted(function) + " " + why);
}

const char* name_of(std::uint32_t mode) noexcept {
    switch (mode) {
        case DUNLIN_STATE_DURABLE: return "durable";
        case DUNLIN_STATE_RELAXED: return "relaxed";
        default: return "ephemeral";
    }
}

}  // namespace

function_entry& function_entry::keyed_by(std::string_view path) {
    const std::string by = "cannot be keyed by " + quoted(path) + ": ";
    if (find_key_field_ == nullptr) complain(name_, by + "it takes no input");
    if (path.size() > path_bytes_max) complain(name_, by + "the most is 255 characters");
    // An empty path would be the input itself.
    const auto found = path.empty() ? detail::key_field_kind::none : find_key_field_(path);
    if (found == detail::key_field_kind::none) complain(name_, by + "its input has no such field");
    if (found == detail::key_field_kind::other)
        complain(name_, by + "a key is text, bytes or an integer, and this field is not");
    key_field_ = path;
    return *this;
}

function_entry& function_entry::space(std::string_view name) {
    if (!support::is_name(name))
        complain(name_, "cannot be in space " + quoted(name) + ": a space's name is " +
                            std::string(support::name_rule));
    space_ = name;
    return *this;
}

function_entry& function_entry::keep(std::uint32_t mode) {
    if (mode_ != 0 && mode_ != mode)
        complain(name_, std::string("says that its state is ") + name_of(mode_) +
                            ", and that it is " + name_of(mode));
    mode_ = mode;
    return *this;
}

// The description is over: what it left out is filled in.
void function_entry::finish(const std::string& module_name) {
    if (mode_ != 0 && state_ == nullptr)
        complain(name_, std::string("has no state that could be ") + name_of(mode_) +
                            ": it has to take its state, as State& or const State&");
    if (!space_.empty() || (state_ == nullptr && key_field_.empty())) return;
    space_ = module_name + "." + name_;
    if (!support::is_name(space_))
        complain(name_, "has no space of its own, as the name " + quoted(space_) +
                            " is too long for one: give it .space(\"...\")");
}

}  // namespace dunlin
