// SPDX-License-Identifier: Apache-2.0
#include "runtime/module_path.hpp"

#include "runtime/text/suggest.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <system_error>

#ifndef DUNLIN_MODULES_INSTALL_DIR  // "lib/x86_64-linux-gnu/dunlin/modules" in a Debian package
#define DUNLIN_MODULES_INSTALL_DIR "lib/dunlin/modules"
#endif

namespace dunlin::runtime {
namespace {

namespace fs = std::filesystem;

// Where the build and the installation put modules, seen from the folder of the program.
constexpr std::array places{"../" DUNLIN_MODULES_INSTALL_DIR, "../modules"};

void add_environment(std::vector<fs::path>& folders) {
    const char* list = std::getenv("DUNLIN_MODULE_PATH");
    std::string_view rest = list == nullptr ? "" : list;
    while (!rest.empty()) {
        const auto colon = std::min(rest.find(':'), rest.size());
        if (colon > 0) folders.emplace_back(rest.substr(0, colon));
        rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
}

std::string bare_name(const fs::path& file) {
    auto stem = file.stem().string();
    return stem.starts_with("lib") ? stem.substr(3) : stem;
}

std::vector<std::string> modules_in(const std::vector<fs::path>& folders) {
    std::vector<std::string> names;
    for (const auto& folder : folders) {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(folder, ignored))
            if (entry.path().extension() == ".so") names.push_back(bare_name(entry.path()));
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

std::string text_of(const std::vector<fs::path>& folders) {
    std::string list;
    for (const auto& folder : folders) list += (list.empty() ? "" : ", ") + folder.string();
    return list;
}

}  // namespace

std::vector<fs::path> module_folders() {
    std::vector<fs::path> folders;
    add_environment(folders);
    std::error_code failure;
    const auto program = fs::read_symlink("/proc/self/exe", failure);
    if (failure) return folders;
    for (const char* place : places)
        folders.push_back((program.parent_path() / place).lexically_normal());
    return folders;
}

result<fs::path> find_module(std::string_view name, const std::vector<fs::path>& folders) {
    const fs::path given(name);
    std::error_code failure;
    if (name.empty()) return {errc::not_found, "a module's name is empty"};
    if (name.find('/') != std::string_view::npos || is_file(given)) {
        if (!fs::exists(given, failure))
            return {errc::not_found, "no such file: " + std::string(name)};
        if (!is_file(given)) return {errc::not_found, "not a file: " + std::string(name)};
        return fs::absolute(given);
    }

    const std::string text(name);
    for (const auto& folder : folders)
        for (const auto& file : {text, text + ".so", "lib" + text + ".so"})
            if (is_file(folder / file)) return fs::absolute(folder / file);
    auto hint = did_you_mean(name, modules_in(folders));
    for (const auto& file : {text + ".so", "lib" + text + ".so"})
        if (is_file(file)) hint = "; did you mean ./" + file + "?";
    return {errc::not_found,
            "no module " + text + " in the working directory or in " + text_of(folders) + hint};
}

}  // namespace dunlin::runtime
