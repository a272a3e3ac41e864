// SPDX-License-Identifier: Apache-2.0
//
// What a module says about itself when it is loaded, right or wrong in any part.
//
// The input is a script that fills in a `dunlin_module_info`: sizes, versions, names, counts and
// pointers, most of them sane so that the checks behind the first one are reached. Memory that the
// description names exists and is exactly as large as it says, for that is all a module written in
// C is believed; texts without an end within it are not possible, so all end. What is accepted must
// keep every rule, and what is refused must say which file and why.
#include "runtime/module_loader.hpp"
#include "support/names.hpp"

#include <dunlin/scaling.hpp>
#include <dunlin/state.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <memory>
#include <set>
#include <string>

namespace {

using namespace dunlin;

constexpr std::size_t functions_most = 20;
// What version 1 of the ABI began with.
constexpr std::size_t function_bytes_min = offsetof(dunlin_function, activations_min);

void require(bool holds, const char* what) {
    if (holds) return;
    std::cerr << "broken: " << what << std::endl;
    std::abort();
}

/// Takes the script apart; after its end everything is zero.
class script {
public:
    script(const std::uint8_t* data, std::size_t size) : at_(data), left_(size) {}
    std::uint8_t byte() {
        if (left_ == 0) return 0;
        --left_;
        return *at_++;
    }
    /// Mostly `sane`, otherwise anything.
    std::uint64_t number(std::uint64_t sane) {
        const auto choice = byte();
        if (choice < 0xe0) return sane;
        if (choice < 0xf0) return byte();
        std::uint64_t value = 0;
        for (int i = 0; i < 8; ++i) value = value << 8 | byte();
        return value;
    }
    /// NULL, `sane` with a digit behind it, or any text.
    const char* text(const char* sane) {
        const auto choice = byte();
        if (choice < 0x10) return nullptr;
        auto& made = texts_.emplace_back();
        if (choice < 0xd0) {
            made = sane + std::to_string(choice % 10);
        } else {
            for (std::size_t length = byte(); length > 0; --length)
                if (const auto c = byte(); c != 0) made += static_cast<char>(c);
        }
        made.shrink_to_fit();
        return made.c_str();
    }

private:
    const std::uint8_t* at_;
    std::size_t left_;
    std::deque<std::string> texts_;
};

std::int32_t run_nothing(void* /*self*/, const dunlin_host* /*host*/, dunlin_call* /*call*/,
                         const std::uint8_t* /*payload*/, std::size_t /*payload_size*/) {
    return DUNLIN_DONE;
}

dunlin_function function_from(script& from) {
    dunlin_function made{};
    made.name = from.text("f");
    made.flags = static_cast<std::uint32_t>(from.number(0));
    made.run = from.byte() < 0xf8 ? &run_nothing : nullptr;
    made.description = from.text("says ");
    made.input_schema = from.text("{}");
    made.output_schema = from.text("{}");
    return made;
}

/// What a function says of its scaling; mostly nothing.
void add_scale(script& from, dunlin_function& to) {
    to.activations_min = static_cast<std::uint32_t>(from.number(0));
    to.activations_max = static_cast<std::uint32_t>(from.number(0));
    to.target_wait_ns = static_cast<std::int64_t>(from.number(0));
    to.idle_ns = static_cast<std::int64_t>(from.number(0));
    to.priority = static_cast<std::uint32_t>(from.number(0));
    to.weight = static_cast<std::uint32_t>(from.number(0));
}

/// What a function says of keys and state; mostly nothing.
void add_state(script& from, dunlin_function& to, dunlin_state_type& type) {
    if (from.byte() >= 0x80) to.key_field = from.text("visitor");
    if (from.byte() >= 0x80) to.space = from.text("visitors");
    to.state_mode = static_cast<std::uint32_t>(from.number(0));
    if (from.byte() < 0x80) {
        to.state_access = static_cast<std::uint32_t>(from.number(0));
        return;
    }
    type = detail::state_type<std::uint64_t>();
    type.struct_size = from.number(sizeof type);
    switch (from.byte()) {
        case 0xf0: type.create = nullptr; break;
        case 0xf1: type.decode = nullptr; break;
        case 0xf2: type.memory_bytes = nullptr; break;
        default: break;
    }
    to.state = &type;
    to.state_access = static_cast<std::uint32_t>(from.number(DUNLIN_STATE_WRITE));
}

void check_state(const actors::function_info& said) {
    require(said.space.empty() || support::is_name(said.space), "a space's name");
    require(said.key_field.size() <= 255, "a path to a key");
    require(said.state_mode <= DUNLIN_STATE_EPHEMERAL, "a mode of state");
    if (said.state == nullptr) {
        require(!said.writes_state && said.state_mode == 0, "a state that is none");
        return;
    }
    require(!said.space.empty(), "a space for each state");
    const auto& type = *said.state;
    require(type.struct_size >= sizeof type, "a whole type of state");
    require(type.create != nullptr && type.decode != nullptr && type.memory_bytes != nullptr,
            "code for a type of state");
}

void check_scale(const actors::scale_wishes& said) {
    const auto min = said.min.value_or(0);
    const auto max = said.max.value_or(scaling::activations_max);
    require(min <= max && max >= 1 && max <= scaling::activations_max, "a range of activations");
    require(!said.target_wait || (*said.target_wait >= scaling::target_wait_min &&
                                  *said.target_wait <= scaling::target_wait_max),
            "a wait to aim at");
    require(!said.idle || (said.idle->count() > 0 && *said.idle <= scaling::idle_max),
            "a time to stay idle");
    require(!said.priority || (*said.priority >= actors::function_priority::low &&
                               *said.priority <= actors::function_priority::high),
            "a priority");
    require(!said.weight || (*said.weight >= 1 && *said.weight <= scaling::weight_max), "a weight");
}

void check_accepted(const runtime::loaded_module& module, const dunlin_module_info& info) {
    require(support::is_name(module.name) && module.name != "dunlin", "a module's name");
    require(module.functions.size() == info.function_count, "all functions, and no more");
    std::set<std::string> names;
    for (const auto& function : module.functions) {
        require(function.name.starts_with(module.name + "/"), "a full name begins with its module");
        require(support::is_name(function.name.substr(module.name.size() + 1)), "a name");
        require(names.insert(function.name).second, "every name once");
        require(function.run == &run_nothing, "code for every function");
        check_scale(function.scale);
        check_state(function);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    script from(data, size);
    // As large as it says, where it may say so; a size that is refused unread need not be true.
    const auto struct_size = from.number(sizeof(dunlin_module_info));
    const auto stride = from.number(sizeof(dunlin_function));
    const auto real_stride = stride < 4096 ? stride : sizeof(dunlin_function);
    const auto real_count = from.byte() % functions_most;
    const auto bytes = real_count * real_stride;
    const std::unique_ptr<std::byte[]> functions(new std::byte[bytes]());
    std::deque<dunlin_function> made;
    for (std::size_t i = 0; i < real_count && real_stride >= function_bytes_min; ++i)
        made.push_back(function_from(from));
    std::deque<dunlin_state_type> types(made.size());
    dunlin_module_info info{};
    info.struct_size = struct_size;
    info.abi_version = static_cast<std::uint32_t>(from.number(DUNLIN_ABI_VERSION));
    info.function_stride = static_cast<std::uint32_t>(real_stride == stride ? stride : 0);
    info.name = from.text("m");
    info.version = from.text("1.");
    info.functions =
        from.byte() < 0xf8 ? reinterpret_cast<const dunlin_function*>(functions.get()) : nullptr;
    // More than the loader takes at all, or what is there.
    info.function_count = from.byte() < 0xf8 ? real_count : from.number(0) | (1u << 20);
    info.error = from.byte() < 0xf0 ? nullptr : from.text("no licence ");
    // An older module's functions end before this.
    for (std::size_t i = 0; i < made.size(); ++i) {
        add_scale(from, made[i]);
        add_state(from, made[i], types[i]);
        std::memcpy(functions.get() + i * real_stride, &made[i],
                    std::min<std::size_t>(real_stride, sizeof made[i]));
    }

    const auto read = runtime::read_module_info("x.so", &info);
    if (read)
        check_accepted(*read, info);
    else
        require(read.error().detail.starts_with("module x.so ") && read.error().detail.size() > 20,
                "a refusal names the file and says why");
    return 0;
}
