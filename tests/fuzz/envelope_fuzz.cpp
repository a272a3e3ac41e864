// SPDX-License-Identifier: Apache-2.0
//
// Feeds frames of arbitrary bytes to the envelope reader.
//
// Method: the input is copied into memory of exactly its size, so that the address sanitizer sees
// a read of one byte too many. Every envelope that the reader accepts is checked in two ways. Its
// views must lie inside the frame. And written again it must be a frame that reads as the same
// kind and, written a third time, has the same bytes: what was understood is not lost. (The first
// rewrite may differ from the input, which may use wider formats or elements of newer peers.)
// Every accepted or skipped envelope must advance, so reading ends after at most one step a byte.
// The seeds that help most are the golden blocks of WIRE.md.
#include "tests/support/wire_views.hpp"
#include "wire/envelope.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace {

using namespace dunlin;
using wire::read_status;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "envelope_fuzz: %s\n", what);
    std::abort();
}

void check_rewrite(const wire::frame_reader& reader) {
    wire::frame_buffer once;
    test::append_again(once, reader);
    wire::frame_reader second(once.view());
    require(second.next() == read_status::envelope, "a rewritten envelope is not read");
    require(second.kind() == reader.kind(), "a rewritten envelope has another kind");

    wire::frame_buffer twice;
    test::append_again(twice, second);
    require(as_text(once.view()) == as_text(twice.view()), "a second rewrite differs");
    require(second.next() == read_status::end, "a rewritten envelope leaves bytes behind");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto memory = std::make_unique<std::byte[]>(size);
    if (size != 0) std::memcpy(memory.get(), data, size);
    const bytes_view frame{memory.get(), size};

    wire::frame_reader reader(frame);
    for (std::size_t steps = 0;; ++steps) {
        require(steps <= size, "reading does not advance");
        const auto status = reader.next();
        if (status == read_status::end) break;
        if (status == read_status::malformed) {
            require(*reader.problem() != '\0', "malformed without a problem");
            require(reader.next() == read_status::malformed, "reading goes on after malformed");
            break;
        }
        if (status == read_status::skipped) continue;
        require(test::views_lie_inside(frame, reader), "a view leads outside the frame");
        check_rewrite(reader);
    }
    return 0;
}
