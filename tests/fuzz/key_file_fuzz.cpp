// SPDX-License-Identifier: Apache-2.0
//
// Feeds bytes to the reader of key files.
//
// Method: the input is copied into memory of exactly its size. What is accepted has a name that can
// be a file's and good keys; what is not gives a short error that names the file.
#include "security/key_file.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace dunlin;
using namespace dunlin::security;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "key_file_fuzz: %s\n", what);
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto copy = std::make_unique<char[]>(size);
    std::copy(data, data + size, copy.get());
    const std::string_view text(copy.get(), size);
    const auto pair = parse_key_file(text, "x.key");
    if (pair) {
        require(is_key_name(pair->name), "a name that can be no file's");
        require(is_public_key(pair->public_key), "a public key that is none");
        require(pair->secret_key.empty() || is_public_key(pair->secret_key.reveal()),
                "a secret key that is none");
        return 0;
    }
    require(pair.error().code == errc::invalid_argument, "an unexpected code");
    require(pair.error().detail.find("x.key") != std::string::npos, "nobody knows where");
    require(pair.error().detail.size() < 300, "an error without end");
    return 0;
}
