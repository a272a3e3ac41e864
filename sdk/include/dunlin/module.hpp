// SPDX-License-Identifier: Apache-2.0
//
// How a shared object tells a node which functions it has.
//
//     DUNLIN_MODULE(text, m) {
//         m.version("1.2.0");
//         m.function("count_words", count_words)
//             .description("Counts the words of a page.")
//             .idempotent();
//     }
//
// The macro defines the module's one exported symbol; the block runs once, when a node loads the
// module, on the loading thread. What it throws, and names that are not valid, become the reason
// why the module cannot be loaded; nothing crosses the C border. A module's functions and their
// captured state live as long as the module is loaded.
#pragma once

#include <dunlin/abi.h>
#include <dunlin/detail/key_path.hpp>
#include <dunlin/detail/runner.hpp>
#include <dunlin/scaling.hpp>
#include <dunlin/schema.hpp>
#include <dunlin/state.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace dunlin {

/// One function of a module while it is described. Every member returns the function itself.
class function_entry {
public:
    /// Running it twice is as good as running it once: a node may retry it elsewhere.
    function_entry& idempotent() noexcept { return with(DUNLIN_IDEMPOTENT); }
    /// It waits inside (files, sockets, locks): it gets threads of its own and delays nobody.
    function_entry& blocking() noexcept { return with(DUNLIN_BLOCKING); }
    /// One line for people; `dunlin functions` shows it.
    function_entry& description(std::string_view text) {
        description_ = text;
        return *this;
    }
    /// Its calls find their key, and so their state, in this field of the input: text, bytes or an
    /// integer. What callers give as a key does not count then. `keyed_by(&page::visitor)`, and in
    /// a struct within the input `keyed_by(&order::customer, &customer::id)`.
    /// @throws std::invalid_argument where the function's input has no such field
    template <class Struct, class Member, class... Inner>
    function_entry& keyed_by(Member Struct::*outer, Inner... inner) {
        std::string path;
        detail::append_key_path(path, outer, inner...);
        return keyed_by(path);
    }
    /// The same by the field's name, `keyed_by("customer.id")`.
    function_entry& keyed_by(std::string_view path);
    /// Where its keys and their state are. Functions that name one space share them, also those of
    /// other modules, and their calls take turns together. Default, for a function with state or
    /// `keyed_by`: "module.function". A function that says this and takes no state has its calls
    /// take turns. @throws std::invalid_argument where this is no name
    function_entry& space(std::string_view name);
    /// Replies that depend on a change of state leave once it is on stable storage. The default.
    function_entry& durable() { return keep(DUNLIN_STATE_DURABLE); }
    /// They leave at once, and the change is stored within a second or so: a crash may lose it.
    function_entry& relaxed() { return keep(DUNLIN_STATE_RELAXED); }
    /// The state is in memory only. All functions of a space say one of the three, or nothing.
    function_entry& ephemeral() { return keep(DUNLIN_STATE_EPHEMERAL); }
    /// How it wants to be scaled; once or in parts, of which the later ones count.
    /// @throws std::invalid_argument that names the function and what is wrong
    function_entry& scale(const scaling& wishes);

private:
    friend class module_builder;
    using run_function = std::int32_t (*)(void*, const dunlin_host*, dunlin_call*,
                                          const std::uint8_t*, std::size_t);

    function_entry& with(std::uint32_t flag) noexcept {
        flags_ |= flag;
        return *this;
    }
    function_entry& keep(std::uint32_t mode);
    void finish(const std::string& module_name);
    [[nodiscard]] dunlin_function exported() const noexcept;

    std::string name_;
    std::string description_;
    std::string input_schema_;
    std::string output_schema_;
    scaling scaling_;
    std::shared_ptr<void> self_;
    run_function run_ = nullptr;
    std::uint32_t flags_ = 0;
    std::string key_field_;
    std::string space_;
    detail::key_field_kind (*find_key_field_)(std::string_view path) = nullptr;  // null: no input
    const dunlin_state_type* state_ = nullptr;
    std::uint32_t access_ = 0;
    std::uint32_t mode_ = 0;
};

class module_builder {
public:
    /// Runs `describe` and keeps what it said, or why it could not.
    module_builder(std::string_view name, const dunlin_host* host,
                   void (*describe)(module_builder& m));
    module_builder(const module_builder&) = delete;
    module_builder& operator=(const module_builder&) = delete;

    /// Adds a function: a free function, a lambda or an object with a const operator(), which
    /// takes at most an input, its state and `context&` and gives a value, a `result`, a `task` of
    /// either, or nothing. The name has 1 to 64 of a-z, 0-9, '_', '-' and '.'. The reference is
    /// good until the description ends.
    template <class F>
    function_entry& function(std::string_view name, F&& callable);
    /// The module's own version, for people.
    module_builder& version(std::string_view text) {
        version_ = text;
        return *this;
    }

    [[nodiscard]] const dunlin_module_info* info() const noexcept { return &info_; }

private:
    function_entry& add(std::string_view name);
    void export_functions();

    std::string name_;
    std::string version_;
    std::string error_;
    std::deque<function_entry> entries_;
    std::vector<dunlin_function> functions_;
    dunlin_module_info info_{};
};

template <class F>
function_entry& module_builder::function(std::string_view name, F&& callable) {
    using callable_type = std::decay_t<F>;
    function_entry& entry = add(name);
    if constexpr (detail::has_form<callable_type>()) {
        using form = detail::shape<callable_type>;
        entry.self_ = std::make_shared<callable_type>(std::forward<F>(callable));
        entry.run_ = &detail::run<callable_type>;
        if constexpr (form::is_task) entry.with(DUNLIN_ASYNC);
        if constexpr (form::with_input) {
            entry.input_schema_ = schema_json<typename form::input>();
            entry.find_key_field_ = &detail::find_key_field<typename form::input>;
        }
        if constexpr (form::with_state) {
            entry.state_ = &detail::state_type<typename form::state>();
            entry.access_ = form::writes_state ? std::uint32_t{DUNLIN_STATE_WRITE}
                                               : std::uint32_t{DUNLIN_STATE_READ};
        }
        if constexpr (std::is_void_v<typename form::output>) {
            entry.output_schema_ = schema_json<std::nullptr_t>();
        } else {
            entry.output_schema_ = schema_json<typename form::output>();
        }
    }
    return entry;
}

}  // namespace dunlin

/// Opens the description of a module: DUNLIN_MODULE(name, m) { m.function(...); }
#define DUNLIN_MODULE(module_name, m)                                                           \
    static void dunlin_describe_module(::dunlin::module_builder& m);                            \
    extern "C" DUNLIN_EXPORT const dunlin_module_info* dunlin_module(const dunlin_host* host) { \
        static ::dunlin::module_builder described(#module_name, host, &dunlin_describe_module); \
        return described.info();                                                                \
    }                                                                                           \
    static void dunlin_describe_module([[maybe_unused]] ::dunlin::module_builder& m)
