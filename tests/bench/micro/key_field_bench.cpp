// SPDX-License-Identifier: Apache-2.0
//
// What it costs to take the key of a call from its input: paid once by the client, and by the node
// that is sent a call without a key.
#include "wire/key_field.hpp"

#include <dunlin/codec.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace dunlin;

struct customer {
    std::int64_t id = 0;
    std::string name;
    DUNLIN_FIELDS(id, name)
};

struct page {
    std::string url;
    std::string text;
    std::string visitor;
    customer by;
    DUNLIN_FIELDS(url, text, visitor, by)
};

void take_key(benchmark::State& state, std::string_view path) {
    const bytes payload = encode(page{"https://example.org/some/page?x=1",
                                      std::string(64, 't'),
                                      "visitor-4711",
                                      {1'234'567, "Anna"}});
    for (auto _ : state) {
        wire::key_digits digits;
        benchmark::DoNotOptimize(wire::find_key(payload.view(), path, digits).key.data());
    }
}
BENCHMARK_CAPTURE(take_key, text_in_third_field, "visitor");
BENCHMARK_CAPTURE(take_key, integer_in_a_struct, "by.id");

}  // namespace
