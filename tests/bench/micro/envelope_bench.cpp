// SPDX-License-Identifier: Apache-2.0
//
// What the envelopes cost per call: the share of the wire in the time of a tiny function.
// Frames and buffers are reused, as a lane reuses them, so nothing here allocates.
#include "wire/envelope.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

namespace {

using namespace dunlin;

wire::invoke sample_invoke(bytes_view payload) {
    wire::invoke call;
    call.id = 70'000;
    call.function = "bench/echo";
    call.remaining_us = 2'000'000;
    call.payload = payload;
    return call;
}

void read_all(benchmark::State& state, const wire::frame_buffer& frame, std::int64_t envelopes) {
    for (auto _ : state) {
        wire::frame_reader reader(frame.view());
        while (reader.next() == wire::read_status::envelope) {
            benchmark::DoNotOptimize(reader.invoke().payload.data());
            benchmark::DoNotOptimize(reader.reply().payload.data());
        }
    }
    state.SetItemsProcessed(state.iterations() * envelopes);
}

// The argument is the number of envelopes in the frame; the time is per frame.
void decode_invoke(benchmark::State& state) {
    const std::string payload(64, 'x');
    wire::frame_buffer frame;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        append(frame, sample_invoke(as_bytes(payload)));
    }
    read_all(state, frame, state.range(0));
}
BENCHMARK(decode_invoke)->Arg(1)->Arg(64);

void decode_reply(benchmark::State& state) {
    const std::string payload(64, 'x');
    wire::frame_buffer frame;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        append(frame, wire::reply{70'000, as_bytes(payload)});
    }
    read_all(state, frame, state.range(0));
}
BENCHMARK(decode_reply)->Arg(1)->Arg(64);

void encode_invoke(benchmark::State& state) {
    const std::string payload(static_cast<std::size_t>(state.range(0)), 'x');
    const auto call = sample_invoke(as_bytes(payload));
    wire::frame_buffer frame;
    for (auto _ : state) {
        frame.clear();
        append(frame, call);
        benchmark::DoNotOptimize(frame.data);
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(encode_invoke)->Arg(64)->Arg(4096);

void encode_invoke_with_key_and_trace(benchmark::State& state) {
    const std::string payload(64, 'x');
    auto call = sample_invoke(as_bytes(payload));
    call.key = as_bytes("customer-4711");
    call.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    wire::frame_buffer frame;
    for (auto _ : state) {
        frame.clear();
        append(frame, call);
        benchmark::DoNotOptimize(frame.data);
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(encode_invoke_with_key_and_trace);

void encode_reply_in_place(benchmark::State& state) {
    const std::string payload(64, 'x');
    wire::frame_buffer frame;
    for (auto _ : state) {
        frame.clear();
        const auto mark = wire::begin_reply(frame, 70'000);
        frame.append(as_bytes(payload));
        wire::end_payload(frame, mark);
        benchmark::DoNotOptimize(frame.data);
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(encode_reply_in_place);

}  // namespace

BENCHMARK_MAIN();
