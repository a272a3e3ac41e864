// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/watched_file.hpp"

#include "tests/support/catch.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace dunlin::runtime;

namespace {

struct folder {
    folder() {
        auto name = (std::filesystem::temp_directory_path() / "dunlin-watch-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~folder() { std::filesystem::remove_all(path); }
    std::string path;
};

void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("a file that is written, replaced, taken away or put back has changed, once") {
    const folder here;
    const auto path = here.path + "/list";
    write(path, "a");
    watched_file file(path);
    CHECK_FALSE(file.changed());
    write(path, "longer");
    CHECK(file.changed());
    CHECK_FALSE(file.changed());
    write(path + ".new", "better");
    std::filesystem::rename(path + ".new", path);
    CHECK(file.changed());
    CHECK_FALSE(file.changed());
    std::filesystem::remove(path);
    CHECK(file.changed());
    CHECK_FALSE(file.changed());
    write(path, "better");
    CHECK(file.changed());
    CHECK_FALSE(file.changed());
}

TEST_CASE("a file that is not there yet may come") {
    const folder here;
    watched_file file(here.path + "/list");
    CHECK_FALSE(file.changed());
    write(file.path(), "a");
    CHECK(file.changed());
}
