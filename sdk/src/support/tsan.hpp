// SPDX-License-Identifier: Apache-2.0
//
// Tells the thread sanitizer about hand-overs that it cannot see.
//
// Distributions build libzmq without the sanitizer, so memory that reaches another thread
// through a socket looks like a race. `tsan_release(key)` before handing over and
// `tsan_acquire(key)` on receipt, with the same address, state the order that the library
// provides. Both compile to nothing in other builds. No state; any thread.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define DUNLIN_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DUNLIN_TSAN 1
#endif
#endif

#ifdef DUNLIN_TSAN
extern "C" {
void __tsan_acquire(void* key);
void __tsan_release(void* key);
}
#endif

namespace dunlin::support {

inline void tsan_release([[maybe_unused]] const void* key) noexcept {
#ifdef DUNLIN_TSAN
    __tsan_release(const_cast<void*>(key));
#endif
}

inline void tsan_acquire([[maybe_unused]] const void* key) noexcept {
#ifdef DUNLIN_TSAN
    __tsan_acquire(const_cast<void*>(key));
#endif
}

}  // namespace dunlin::support
