// SPDX-License-Identifier: Apache-2.0
#include "actors/output_buffer.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <type_traits>

using dunlin::actors::output_buffer;

static_assert(std::is_nothrow_move_constructible_v<output_buffer>);
static_assert(!std::is_copy_constructible_v<output_buffer>);

TEST_CASE("an output buffer has room in front of its payload") {
    output_buffer buffer;
    CHECK(buffer.release() == nullptr);
    buffer.append("abc", 3);
    auto* content = buffer.data;
    auto* memory = buffer.release();
    REQUIRE(memory != nullptr);
    CHECK(content - memory == output_buffer::headroom);
    std::memset(memory, 0, output_buffer::headroom);
    CHECK(std::string(reinterpret_cast<const char*>(content), 3) == "abc");
    dunlin::support::block_free(memory);
}

TEST_CASE("an output buffer keeps its content while it grows") {
    output_buffer buffer;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        const auto piece = std::to_string(i);
        buffer.append(piece.data(), piece.size());
        expected += piece;
    }
    CHECK(std::string(reinterpret_cast<const char*>(buffer.data), buffer.size) == expected);
}

TEST_CASE("an output buffer grows up to its limit and not beyond") {
    output_buffer buffer(1000);
    CHECK(buffer.grow(&buffer, 1000) == 0);
    CHECK(buffer.capacity == 1000);
    buffer.append("abc", 3);
    CHECK(buffer.grow(&buffer, 1001) != 0);
    CHECK(buffer.capacity == 1000);
    CHECK(buffer.size == 3);
}

TEST_CASE("a reset output buffer keeps small memory and gives large memory back") {
    output_buffer buffer;
    CHECK(buffer.grow(&buffer, 100) == 0);
    auto* small = buffer.data;
    buffer.append("x", 1);
    buffer.reset(8192);
    CHECK(buffer.size == 0);
    CHECK(buffer.data == small);
    CHECK(buffer.grow(&buffer, 10000) == 0);
    buffer.reset(8192);
    CHECK(buffer.data == nullptr);
    CHECK(buffer.capacity == 0);
}

TEST_CASE("moved memory belongs to its new owner, and the old one can be used again") {
    output_buffer first;
    first.append("abc", 3);
    auto* memory = first.data;
    output_buffer second(std::move(first));
    CHECK(second.data == memory);
    CHECK(first.data == nullptr);  // NOLINT(bugprone-use-after-move): said so in the interface
    first.append("de", 2);
    CHECK(first.size == 2);
    dunlin::support::block_free(second.release());
    CHECK(second.data == nullptr);
    CHECK(second.release() == nullptr);
}

TEST_CASE("what does not fit into an output buffer is not appended at all") {
    output_buffer buffer(5);
    CHECK(buffer.try_append("abc", 3));
    CHECK_FALSE(buffer.try_append("def", 3));
    CHECK_THROWS_AS(buffer.append("def", 3), std::bad_alloc);
    CHECK(std::string(reinterpret_cast<const char*>(buffer.data), buffer.size) == "abc");
    CHECK(buffer.try_append(nullptr, 0));
}
