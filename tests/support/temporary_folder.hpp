// SPDX-License-Identifier: Apache-2.0
//
// A folder for one test, gone with everything in it when the test ends. A value that stays where it
// is; its test's thread.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace dunlin::tests {

class temporary_folder {
public:
    temporary_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "dunlin-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = name;
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }

    /// Writes a file of this text with these permissions, whatever the umask, and returns its path.
    std::string write(std::string_view name, std::string_view text, ::mode_t mode) const {
        auto path = file(name);
        std::filesystem::remove(path);
        std::ofstream(path, std::ios::binary) << text;
        if (::chmod(path.c_str(), mode) != 0) throw std::runtime_error("cannot write " + path);
        return path;
    }
    static std::string read(const std::string& path) {
        std::ifstream from(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(from), {}};
    }

private:
    std::filesystem::path path_;
};

}  // namespace dunlin::tests
