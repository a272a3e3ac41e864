// SPDX-License-Identifier: Apache-2.0
//
// Applies a macro to each of its arguments, separated by commas.
//
// A macro cannot call itself, so each step leaves the name of the next behind and DUNLIN_RESCAN
// reads the text again until nothing is left: enough for 256 arguments. Compile time only.
#pragma once

#define DUNLIN_RESCAN(...) \
    DUNLIN_RESCAN_4(DUNLIN_RESCAN_4(DUNLIN_RESCAN_4(DUNLIN_RESCAN_4(__VA_ARGS__))))
#define DUNLIN_RESCAN_4(...) \
    DUNLIN_RESCAN_3(DUNLIN_RESCAN_3(DUNLIN_RESCAN_3(DUNLIN_RESCAN_3(__VA_ARGS__))))
#define DUNLIN_RESCAN_3(...) \
    DUNLIN_RESCAN_2(DUNLIN_RESCAN_2(DUNLIN_RESCAN_2(DUNLIN_RESCAN_2(__VA_ARGS__))))
#define DUNLIN_RESCAN_2(...) \
    DUNLIN_RESCAN_1(DUNLIN_RESCAN_1(DUNLIN_RESCAN_1(DUNLIN_RESCAN_1(__VA_ARGS__))))
#define DUNLIN_RESCAN_1(...) __VA_ARGS__

#define DUNLIN_NO_ARGUMENTS ()
#define DUNLIN_EACH(macro, ...) __VA_OPT__(DUNLIN_RESCAN(DUNLIN_EACH_STEP(macro, __VA_ARGS__)))
#define DUNLIN_EACH_STEP(macro, first, ...) \
    macro(first) __VA_OPT__(, DUNLIN_EACH_NEXT DUNLIN_NO_ARGUMENTS(macro, __VA_ARGS__))
#define DUNLIN_EACH_NEXT() DUNLIN_EACH_STEP
