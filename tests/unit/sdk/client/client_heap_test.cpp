// SPDX-License-Identifier: Apache-2.0
//
// The heap belongs to the program that links the SDK. Each case is worth most in a process of its
// own, as under ctest: what one has changed stays changed.
#include "fake_node.hpp"
#include "tests/support/catch.hpp"

#include <dunlin/client.hpp>

#include <malloc.h>

#include <cstdlib>
#include <string>
#include <vector>

using namespace dunlin;
using dunlin::tests::fake_node;

namespace {

/// Whether the C library maps a block of 1 MiB on its own instead of taking it from the heap.
bool maps_large_blocks() {
    // Never destroyed: freeing a block is what would change the answer.
    static auto& kept = *new std::vector<void*>;
    const auto before = ::mallinfo2().hblks;
    kept.push_back(std::malloc(std::size_t{1} << 20));
    return ::mallinfo2().hblks > before;
}

void call_with_large_replies(client_options options) {
    fake_node node;
    options.endpoints = {node.endpoint()};
    auto c = client::connect(std::move(options)).value();
    const std::string text(32 << 10, 'x');
    for (int i = 0; i < 10; ++i) REQUIRE(c.invoke<std::string>("t/echo", text).value() == text);
}

}  // namespace

TEST_CASE("client leaves the heap of its program as it is") {
    const bool before = maps_large_blocks();
    call_with_large_replies({});
    CHECK(maps_large_blocks() == before);
}

TEST_CASE("client keeps freed heap when its program wants that") {
    if (!maps_large_blocks()) return;  // another allocator, or changed already
    call_with_large_replies({.keep_heap = true});
    CHECK_FALSE(maps_large_blocks());
}
