// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/msgpack_oracle.hpp"
#include "wire/frame_buffer.hpp"

#include <dunlin/codec.hpp>

#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::testing;

namespace {

/// A buffer of the C ABI whose owner counts how often it is asked to grow.
struct counting_buffer : dunlin_buffer {
    counting_buffer() : dunlin_buffer{nullptr, 0, 0, &counting_buffer::grow_to} {}
    std::vector<std::uint8_t> memory;
    int grown = 0;

    static int grow_to(dunlin_buffer* self, std::size_t capacity_min) {
        auto* buffer = static_cast<counting_buffer*>(self);
        ++buffer->grown;
        buffer->memory.resize(capacity_min);
        buffer->data = buffer->memory.data();
        buffer->capacity = capacity_min;
        return 0;
    }
};

}  // namespace

TEST_CASE("values are appended behind what the buffer holds") {
    wire::frame_buffer buffer;
    buffer.append("head", 4);
    encode(buffer, 5);
    encode(buffer, "five");
    CHECK(as_text(buffer.view()) == std::string("head\x05\xa4") + "five");
}

TEST_CASE("bytes of known size ask for room once") {
    counting_buffer buffer;
    encode(buffer, bytes(std::string(100'000, 'x')));
    CHECK(buffer.grown == 1);
    CHECK(buffer.size == 100'005);
}

TEST_CASE("a value beyond the buffer's limit throws and says why") {
    wire::frame_buffer buffer(1000);
    encode(buffer, std::string(500, 'a'));
    try {
        encode(buffer, std::string(500, 'b'));
        FAIL("nothing was thrown");
    } catch (const call_error& thrown) {
        CHECK(thrown.code() == errc::invalid_argument);
        CHECK(thrown.why().detail == "the encoded value is larger than the limit on payloads");
    }
    CHECK_THROWS_AS(encode(buffer, std::vector<int>(600, 1)), call_error);
}

TEST_CASE("an encoded value keeps no more memory than it needs") {
    const bytes small = encode(5);
    CHECK(small.size() == 1);
    const bytes large = encode(bytes(std::string(1 << 20, 'x')));
    CHECK(large.size() == (1u << 20) + 5);
    CHECK(decode<bytes>(large)->size() == 1u << 20);
}

TEST_CASE("a raw value is appended as it is") {
    const bytes inner = encode(std::vector<int>{1, 2});
    wire::frame_buffer buffer;
    writer to(buffer);
    to.array(2);
    to.raw(inner);
    to.nil();
    CHECK(buffer.view().size() == 5);
    CHECK(unpacked(buffer.view()).get().via.array.size == 2);
}
