// SPDX-License-Identifier: Apache-2.0
#include "runtime/heap_trim.hpp"

#include "actors/memory_meter.hpp"
#include "tests/support/catch.hpp"

#include <atomic>
#include <chrono>
#include <thread>

using dunlin::runtime::heap_trim;
using dunlin::runtime::trim_rule;
using namespace std::chrono_literals;

namespace {

void wait_for_times(const heap_trim& trim, std::size_t times) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (trim.times() < times) {
        REQUIRE(std::chrono::steady_clock::now() < until);
        std::this_thread::yield();
    }
}

}  // namespace

TEST_CASE("activations that end while memory is given back are not forgotten") {
    std::atomic<int> looks{0};
    heap_trim* freed_in = nullptr;
    heap_trim trim(
        [&]() -> std::size_t {
            // The last look before memory is given back: the thread looks no more after it.
            if (++looks == trim_rule::quiet_looks_wanted)
                freed_in->freed(trim_rule::much / dunlin::actors::activation_bytes);
            return 0;
        },
        1ms);
    freed_in = &trim;
    trim.note(trim_rule::much);
    wait_for_times(trim, 2);
    CHECK(looks >= 2 * trim_rule::quiet_looks_wanted);
}
