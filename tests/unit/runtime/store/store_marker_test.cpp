// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/store_marker.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace dunlin;
using namespace dunlin::runtime::store;

TEST_CASE("a marker is read as it was written", "[store]") {
    const store_marker marker{"shop", "node one", true, "MANIFEST-000005", 1234};
    const auto text = write_marker(marker);
    CHECK(text ==
          "dunlin data\nformat 1\ncluster shop\nnode node one\nready yes\n"
          "manifest MANIFEST-000005 1234\n");
    CHECK(read_marker(text).value() == marker);
    const store_marker fresh{"", "", false, "", 0};
    CHECK(read_marker(write_marker(fresh)).value() == fresh);
}

TEST_CASE("a marker that was cut anywhere is no marker", "[store]") {
    const auto text = write_marker({"shop", "a", true, "MANIFEST-000005", 1234});
    for (std::size_t size = 0; size < text.size(); ++size)
        CHECK_FALSE(read_marker(text.substr(0, size)).has_value());
    CHECK_FALSE(read_marker(text + "more\n").has_value());
    CHECK_FALSE(read_marker(text + std::string(5000, '\n')).has_value());
}

TEST_CASE("a marker says what is wrong with it", "[store]") {
    const auto why = [](const std::string& text) {
        const auto read = read_marker(text);
        return read ? std::string("nothing") : read.error().detail;
    };
    CHECK_THAT(why("[Unit]\n"), Catch::Contains("not the one of a data directory"));
    CHECK_THAT(why(""), Catch::Contains("not the one of a data directory"));
    CHECK_THAT(why("dunlin data\nformat 7\n"),
               Catch::Contains("newer version of Dunlin") && Catch::Contains("format 7"));
    CHECK_THAT(why("dunlin data\nformat 0\n"), Catch::Contains("damaged"));
    CHECK_THAT(why("dunlin data\nformat 1x\n"), Catch::Contains("damaged"));
    CHECK_THAT(why("dunlin data\nformat 1\ncluster a\nnode b\nready perhaps\n"),
               Catch::Contains("ready yes"));
    CHECK_THAT(why("dunlin data\nformat 1\ncluster a\nnode b\nready yes\nmanifest ../x 1\n"),
               Catch::Contains("manifest NAME SIZE"));
    CHECK_THAT(why("dunlin data\nformat 1\ncluster a\nnode b\nready yes\nmanifest x -1\n"),
               Catch::Contains("manifest NAME SIZE"));
}
