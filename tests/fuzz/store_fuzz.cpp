// SPDX-License-Identifier: Apache-2.0
//
// Feeds bytes to the readers of what lies in a data directory: values' records, the calls that are
// kept beside values, and the marker.
//
// Method: the input is copied into memory of exactly its size. What is read as a record must have
// the same bytes when it is written again, as no two forms mean the same; kept calls must be found
// by their names, and stay within their bounds when others come; what is read as a marker must be
// read the same again. Errors are sentences with an end.
#include "actors/state/recent_calls.hpp"
#include "runtime/store/store_marker.hpp"
#include "runtime/store/store_record.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace dunlin;
using namespace dunlin::runtime::store;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "store_fuzz: %s\n", what);
    std::abort();
}

void check_recent(bytes_view data) {
    using actors::recent_calls;
    auto read = recent_calls::decode(data);
    if (!read) {
        require(read.error().detail.size() < 200, "an error without end");
        return;
    }
    require(std::ranges::equal(read->encoded(), data), "other calls");
    require(read->calls() <= recent_calls::calls_max, "too many calls");
    constexpr actors::call_name latest{77, 7};
    if (read->find(latest)) return;
    read->add(latest, data.first(std::min(data.size(), recent_calls::reply_bytes_max)));
    require(read->calls() <= recent_calls::calls_max, "too many calls");
    require(read->encoded().size() <= recent_calls::bytes_max, "too many bytes");
    require(read->find(latest).has_value(), "a call that is not found");
    require(recent_calls::decode(read->encoded()).has_value(), "calls that are not read again");
}

void check_record(bytes_view data) {
    const auto read = read_record(data);
    if (!read) {
        require(read.error().detail.size() < 200, "an error without end");
        return;
    }
    const written_head written(read->head, read->recent);
    const auto head = written.view();
    require(std::memcmp(head.data(), data.data(), head.size()) == 0, "another head");
    require(head.size() + read->recent.size() + read->value.size() == data.size(),
            "bytes that belong to nothing");
    require(read->head.version != 0, "no version");
    static_cast<void>(may_be_dropped(read->head, 1'800'000'000'000));
    check_recent(read->recent);
}

void check_marker(std::string_view text) {
    const auto read = read_marker(text);
    if (!read) {
        require(read.error().detail.size() < 400, "an error without end");
        return;
    }
    const auto again = read_marker(write_marker(*read));
    require(again && *again == *read, "a marker that is not read again");
    require(read->manifest.find('/') == std::string::npos, "a way out of the directory");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto memory = std::make_unique<std::byte[]>(size);
    if (size != 0) std::memcpy(memory.get(), data, size);
    const bytes_view input(memory.get(), size);
    check_record(input);
    check_recent(input);
    check_marker(as_text(input));
    return 0;
}
