// SPDX-License-Identifier: Apache-2.0
#include "support/names.hpp"

#include <dunlin/module.hpp>

#include <exception>
#include <stdexcept>

namespace dunlin {
namespace {

void check_name(std::string_view what, std::string_view name) {
    if (support::is_name(name)) return;
    throw std::invalid_argument(std::string(what) + " \"" + std::string(name) +
                                "\" is not a name: " + std::string(support::name_rule) + " are");
}

void check_host(const dunlin_host* host) {
    if (host == nullptr) throw std::invalid_argument("the node offers nothing to the module");
    if (host->abi_version != DUNLIN_ABI_VERSION) {
        throw std::runtime_error("the module speaks ABI version " +
                                 std::to_string(DUNLIN_ABI_VERSION) + ", the node version " +
                                 std::to_string(host->abi_version));
    }
    // What came later is asked for where it is used (`detail::can_begin`).
    if (host->struct_size < offsetof(dunlin_host, begin)) {
        throw std::runtime_error(
            "the module needs a newer node: it uses more of the ABI than "
            "this one offers");
    }
}

const char* text_or_null(const std::string& text) noexcept {
    return text.empty() ? nullptr : text.c_str();
}

}  // namespace

module_builder::module_builder(std::string_view name, const dunlin_host* host,
                               void (*describe)(module_builder& m))
    : name_(name) {
    try {
        check_host(host);
        check_name("module", name_);
        describe(*this);
        export_functions();
    } catch (const std::exception& thrown) {
        error_ = thrown.what();
        if (error_.empty()) error_ = "the module threw an exception without a message";
    } catch (...) {
        error_ = "the module threw something that is not a std::exception";
    }
    if (!error_.empty()) functions_.clear();
    info_.struct_size = sizeof info_;
    info_.abi_version = DUNLIN_ABI_VERSION;
    info_.function_stride = sizeof(dunlin_function);
    info_.name = name_.c_str();
    info_.version = text_or_null(version_);
    info_.functions = functions_.data();
    info_.function_count = functions_.size();
    info_.error = text_or_null(error_);
}

function_entry& module_builder::add(std::string_view name) {
    check_name("function", name);
    for (const function_entry& known : entries_) {
        if (known.name_ == name) {
            throw std::invalid_argument("function \"" + std::string(name) + "\" is added twice");
        }
    }
    function_entry& entry = entries_.emplace_back();
    entry.name_ = name;
    return entry;
}

void module_builder::export_functions() {
    functions_.reserve(entries_.size());
    for (function_entry& entry : entries_) {
        // They stay as long as the module, and were put together piece by piece.
        entry.input_schema_.shrink_to_fit();
        entry.output_schema_.shrink_to_fit();
        entry.finish(name_);
        functions_.push_back(entry.exported());
    }
}

dunlin_function function_entry::exported() const noexcept {
    dunlin_function out{};
    out.name = name_.c_str();
    out.flags = flags_;
    out.self = self_.get();
    out.run = run_;
    out.description = text_or_null(description_);
    out.input_schema = text_or_null(input_schema_);
    out.output_schema = text_or_null(output_schema_);
    // Checked by `scale`; what was not said is 0.
    using std::chrono::microseconds, std::chrono::nanoseconds;
    out.activations_min = static_cast<std::uint32_t>(scaling_.min.value_or(0));
    out.activations_max = static_cast<std::uint32_t>(scaling_.max.value_or(0));
    out.target_wait_ns = nanoseconds(scaling_.target_wait.value_or(microseconds(0))).count();
    out.idle_ns = nanoseconds(scaling_.idle.value_or(microseconds(0))).count();
    out.priority = scaling_.priority ? static_cast<std::uint32_t>(*scaling_.priority) : 0;
    out.weight = static_cast<std::uint32_t>(scaling_.weight.value_or(0));
    out.key_field = text_or_null(key_field_);
    out.space = text_or_null(space_);
    out.state = state_;
    out.state_access = access_;
    out.state_mode = mode_;
    return out;
}

}  // namespace dunlin
