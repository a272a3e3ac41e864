// SPDX-License-Identifier: Apache-2.0
#include "runtime/module_path.hpp"

#include "tests/support/catch.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;
namespace fs = std::filesystem;

namespace {

/// A folder of this test's own.
class folder {
public:
    folder() {
        std::string name = (fs::temp_directory_path() / "dunlin-modules-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~folder() { fs::remove_all(path_); }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;

    fs::path add(const std::string& name) const {
        std::ofstream(path_ / name) << "x";
        return path_ / name;
    }
    [[nodiscard]] const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

}  // namespace

TEST_CASE("a module's bare name is looked up in the module folders, in order") {
    const folder first;
    const folder second;
    const std::vector<fs::path> folders{"/nonexistent", first.path(), second.path()};
    const auto bench = second.add("bench.so");
    CHECK(find_module("bench", folders).value() == bench);
    CHECK(find_module("bench.so", folders).value() == bench);
    const auto nearer = first.add("libbench.so");
    CHECK(find_module("bench", folders).value() == nearer);
}

TEST_CASE("a module's path is taken as it is") {
    const folder place;
    const auto file = place.add("text.so");
    CHECK(find_module(file.string(), {}).value() == file);
    CHECK(find_module(place.path().string() + "/none.so", {}).error().detail ==
          "no such file: " + place.path().string() + "/none.so");
    CHECK(find_module(place.path().string() + "/", {}).error().detail ==
          "not a file: " + place.path().string() + "/");
}

TEST_CASE("a module that is not found is an error with the folders and the nearest name") {
    const folder place;
    (void)place.add("bench.so");
    (void)place.add("notes.txt");
    const auto found = find_module("bnech", {place.path(), "/nonexistent"});
    REQUIRE_FALSE(found);
    CHECK(found.error().code == errc::not_found);
    CHECK(found.error().detail == "no module bnech in the working directory or in " +
                                      place.path().string() +
                                      ", /nonexistent; did you mean bench?");
    CHECK(find_module("", {}).error().detail == "a module's name is empty");
}
