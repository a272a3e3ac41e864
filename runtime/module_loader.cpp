// SPDX-License-Identifier: Apache-2.0
#include "runtime/module_loader.hpp"

#include "runtime/config/scale_fields.hpp"
#include "runtime/module_path.hpp"
#include "runtime/module_state.hpp"
#include "support/names.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <unordered_map>
#include <utility>

namespace dunlin::runtime {
namespace {

constexpr std::string_view reserved_name = "dunlin";
// Enough to see that a name is too long.
constexpr std::size_t name_bytes_read = support::name_bytes_max + 1;
constexpr std::size_t functions_max = 65536;
constexpr std::size_t text_bytes_max = std::size_t{1} << 20;

// The first two fields are where they are in every version to come.
constexpr std::size_t version_end =
    offsetof(dunlin_module_info, abi_version) + sizeof(dunlin_module_info::abi_version);
// What version 1 began with; fields added later come behind and are not required.
constexpr std::size_t info_bytes_min =
    offsetof(dunlin_module_info, error) + sizeof(dunlin_module_info::error);
constexpr std::size_t function_bytes_min =
    offsetof(dunlin_function, output_schema) + sizeof(dunlin_function::output_schema);

/// One file's refusals, each led by the file's name.
struct refusal {
    const std::string& path;

    error operator()(const std::string& why) const {
        return {errc::failed, "module " + path + " " + why};
    }
};

/// A C string of a module, cut where a sane one would have ended.
std::string text_or_empty(const char* text, std::size_t bytes_max = text_bytes_max) {
    return text == nullptr ? std::string{} : std::string(text, ::strnlen(text, bytes_max));
}

std::string not_a_name(std::string_view text) {
    return "'" + std::string(text) + "'; a name is " + std::string(support::name_rule);
}

result<void> check_layout(const refusal& refuse, const dunlin_module_info& info) {
    if (info.struct_size < version_end)
        return refuse(
            "describes itself in " + std::to_string(info.struct_size) +
            " bytes, too few for any version of the ABI; was it built with dunlin/abi.h?");
    if (info.abi_version != DUNLIN_ABI_VERSION)
        return refuse("was built for ABI version " + std::to_string(info.abi_version) +
                      ", but this node speaks version " + std::to_string(DUNLIN_ABI_VERSION) +
                      "; rebuild it with the headers of this Dunlin");
    if (info.struct_size < info_bytes_min)
        return refuse("describes itself in " + std::to_string(info.struct_size) +
                      " bytes, but ABI version " + std::to_string(DUNLIN_ABI_VERSION) +
                      " takes at least " + std::to_string(info_bytes_min) +
                      "; set struct_size to sizeof(dunlin_module_info)");
    return {};
}

result<void> check_functions(const refusal& refuse, const dunlin_module_info& info) {
    if (info.function_count == 0) return refuse("exports no function");
    if (info.function_count > functions_max)
        return refuse("says it exports " + std::to_string(info.function_count) +
                      " functions; at most " + std::to_string(functions_max) + " are possible");
    if (info.functions == nullptr)
        return refuse("says it exports " + std::to_string(info.function_count) +
                      " functions, but its list of them is NULL");
    if (info.function_stride < function_bytes_min ||
        info.function_stride % alignof(dunlin_function) != 0)
        return refuse("has functions of " + std::to_string(info.function_stride) +
                      " bytes each, but ABI version " + std::to_string(DUNLIN_ABI_VERSION) +
                      " takes at least " + std::to_string(function_bytes_min) +
                      "; set function_stride to sizeof(dunlin_function)");
    return {};
}

/// 0 is not said.
result<actors::scale_wishes> read_scale(const dunlin_function& raw) {
    constexpr std::int64_t ns_per_us = 1'000;
    // Below a microsecond is not the same as nothing.
    const auto us = [](std::int64_t ns) {
        return ns > 0 && ns < ns_per_us ? 1 : ns / ns_per_us - (ns % ns_per_us < 0 ? 1 : 0);
    };
    const std::pair<scale_field, std::int64_t> said[] = {
        {scale_field::min, raw.activations_min},
        {scale_field::max, raw.activations_max},
        {scale_field::target_wait, us(raw.target_wait_ns)},
        {scale_field::idle, us(raw.idle_ns)},
        {scale_field::priority, raw.priority},
        {scale_field::weight, raw.weight},
    };
    actors::scale_wishes wishes;
    for (const auto& [field, number] : said) {
        if (number == 0) continue;
        const auto& row = row_of(field);
        if (auto put = put_number(wishes, row, number); !put)
            return error{errc::failed, std::string(row.key) + ": " + put.error().detail};
    }
    if (auto good = check_together(wishes); !good) return std::move(good.error());
    return wishes;
}

result<actors::function_info> read_function(const refusal& refuse, const loaded_module& module,
                                            const dunlin_function& raw, std::size_t index) {
    const auto name = text_or_empty(raw.name, name_bytes_read);
    if (!support::is_name(name))
        return refuse("names its function " + std::to_string(index) + " " + not_a_name(name));
    actors::function_info function;
    function.name = module.name + "/" + name;
    if (raw.run == nullptr)
        return refuse("gives no code for its function " + name + " (run is NULL)");
    function.module_name = module.name;
    function.module_version = module.version;
    function.description = text_or_empty(raw.description);
    function.input_schema = text_or_empty(raw.input_schema);
    function.output_schema = text_or_empty(raw.output_schema);
    function.flags = raw.flags;
    function.self = raw.self;
    function.run = raw.run;
    auto scale = read_scale(raw);
    if (!scale)
        return refuse("cannot have its function " + name + " scaled: " + scale.error().detail);
    function.scale = *scale;
    if (auto state = read_state(raw, function); !state)
        return refuse("describes keys and state of its function " + name +
                      " wrongly: " + state.error().detail);
    return function;
}

// Not NULL: the object's constructors threw, so that there is no handle and no dlerror either.
struct opened {
    void* handle = nullptr;
    std::string problem;
};

opened open_object(const std::string& path) {
    // <dlfcn.h> promises that dlopen never throws, which holds for dlopen and not for the
    // constructors of globals it runs. Through a pointer that the compiler cannot see through, the
    // exception can be caught. It has left the dynamic loader's lock held for good, though.
    void* (*volatile open)(const char*, int) = &::dlopen;
    try {
        opened object{open(path.c_str(), RTLD_NOW | RTLD_LOCAL), {}};
        if (object.handle == nullptr) {
            const char* why = ::dlerror();
            object.problem = "cannot be loaded as a shared object: " + text_or_empty(why);
            // The loader leads with the path, which our sentence already has.
            if (const auto at = object.problem.find(path + ": "); at != std::string::npos)
                object.problem.erase(at, path.size() + 2);
        }
        return object;
    } catch (const std::exception& thrown) {
        return {nullptr, std::string("threw while it was loaded: ") + thrown.what()};
    } catch (...) {
        return {nullptr, "threw while it was loaded"};
    }
}

}  // namespace

result<loaded_module> read_module_info(const std::string& path, const dunlin_module_info* info) {
    const refusal refuse{path};
    if (info == nullptr) return refuse("returned NULL from dunlin_module");
    if (auto layout = check_layout(refuse, *info); !layout) return std::move(layout.error());
    if (info->error != nullptr)
        return refuse("could not set itself up: " + text_or_empty(info->error));

    loaded_module module;
    module.path = path;
    module.name = text_or_empty(info->name, name_bytes_read);
    module.version = text_or_empty(info->version);
    if (!support::is_name(module.name)) return refuse("names itself " + not_a_name(module.name));
    if (module.name == reserved_name)
        return refuse("names itself 'dunlin', which is kept for the node's own functions");
    if (auto list = check_functions(refuse, *info); !list) return std::move(list.error());

    std::unordered_map<std::string, std::size_t> seen;
    const auto* at = reinterpret_cast<const std::byte*>(info->functions);
    for (std::size_t i = 0; i < info->function_count; ++i, at += info->function_stride) {
        // An older module's functions are shorter, and have nothing where ours go on.
        dunlin_function raw{};
        std::memcpy(&raw, at, std::min<std::size_t>(info->function_stride, sizeof raw));
        auto function = read_function(refuse, module, raw, i);
        if (!function) return std::move(function.error());
        if (const auto [twin, fresh] = seen.emplace(function->name, i); !fresh)
            return refuse("exports two functions named " + function->name + " (number " +
                          std::to_string(twin->second) + " and " + std::to_string(i) +
                          "); rename one");
        module.functions.push_back(std::move(*function));
    }
    return module;
}

result<loaded_module> load_module(std::string_view name, const dunlin_host& host) {
    auto file = find_module(name);
    if (!file) return {file.error().code, "module: " + file.error().detail};
    const auto path = file->string();
    const refusal refuse{path};

    const auto object = open_object(path);
    if (object.handle == nullptr) return refuse(object.problem);
    auto* const entry =
        reinterpret_cast<decltype(&dunlin_module)>(::dlsym(object.handle, "dunlin_module"));
    if (entry == nullptr)
        return refuse(
            "does not export dunlin_module; is it a Dunlin module? C++ modules write "
            "DUNLIN_MODULE(name, m), C modules define the function of dunlin/abi.h");
    return read_module_info(path, entry(&host));
}

result<void> check_distinct(std::span<const loaded_module> modules) {
    std::unordered_map<std::string_view, const loaded_module*> seen;
    for (const auto& module : modules) {
        const auto [twin, fresh] = seen.emplace(module.name, &module);
        if (fresh) continue;
        const auto& first = twin->second->path;
        if (first == module.path)
            return {errc::failed, "module " + first + " is given twice; load it once"};
        return {errc::failed, "two modules are named " + module.name + ": " + first + " and " +
                                  module.path + "; leave one out"};
    }
    return {};
}

result<std::vector<loaded_module>> load_modules(std::span<const std::string> files,
                                                const dunlin_host& host) {
    std::vector<loaded_module> modules;
    for (const auto& file : files) {
        auto loaded = load_module(file, host);
        if (!loaded) return std::move(loaded.error());
        modules.push_back(std::move(*loaded));
    }
    if (auto distinct = check_distinct(modules); !distinct) return std::move(distinct.error());
    if (auto settled = settle_spaces(modules); !settled) return std::move(settled.error());
    return modules;
}

}  // namespace dunlin::runtime
