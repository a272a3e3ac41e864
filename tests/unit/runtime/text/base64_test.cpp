// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/base64.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace dunlin;
using namespace dunlin::runtime;

TEST_CASE("base64 agrees with the vectors of its RFC") {
    const std::pair<std::string, std::string> vectors[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [plain, encoded] : vectors) {
        CHECK(base64_from(as_bytes(plain)) == encoded);
        const auto decoded = bytes_from_base64(encoded);
        REQUIRE(decoded);
        CHECK(as_text(*decoded) == plain);
    }
}

TEST_CASE("base64 without its padding is read, and what is not base64 is not") {
    CHECK(as_text(*bytes_from_base64("Zm9vYg")) == "foob");
    CHECK_FALSE(bytes_from_base64("Z"));
    CHECK_FALSE(bytes_from_base64("Zm9*"));
    CHECK_FALSE(bytes_from_base64("Zm=v"));
}

TEST_CASE("every byte survives base64") {
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    CHECK(as_text(*bytes_from_base64(base64_from(as_bytes(all)))) == all);
}
