// SPDX-License-Identifier: Apache-2.0
//
// A machine that gives no more threads, as one does at its limit of tasks or of memory.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <system_error>

namespace dunlin::testing {

/// For as long as it lives, making a thread with default attributes fails with EAGAIN: the stack
/// that it would get is larger than the address space. For the whole process.
class no_more_threads {
public:
    no_more_threads() {
        pthread_attr_t huge;
        pthread_attr_init(&huge);
        pthread_attr_setstacksize(&huge, std::size_t{1} << 47);
        pthread_getattr_default_np(&before_);
        const int failure = pthread_setattr_default_np(&huge);
        pthread_attr_destroy(&huge);
        if (failure != 0)
            throw std::system_error(failure, std::generic_category(), "pthread_setattr_default_np");
    }
    no_more_threads(const no_more_threads&) = delete;
    no_more_threads& operator=(const no_more_threads&) = delete;
    ~no_more_threads() {
        pthread_setattr_default_np(&before_);
        pthread_attr_destroy(&before_);
    }

private:
    pthread_attr_t before_{};
};

}  // namespace dunlin::testing
