// SPDX-License-Identifier: Apache-2.0
//
// Threads that signals of the process do not interrupt.
//
// A thread inherits the mask of the one that makes it. While this lives, new threads get one that
// blocks every signal that another thread can take as well, so that a program's handlers run on
// the program's threads and no wait of ours ends early. Faults (SIGSEGV and kin) stay where they
// happen. For the thread that makes it; its own mask comes back at the end.
#pragma once

#include <pthread.h>

#include <csignal>

namespace dunlin::support {

class signals_blocked {
public:
    signals_blocked() noexcept {
        sigset_t blocked;
        sigfillset(&blocked);
        for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS})
            sigdelset(&blocked, fault);
        pthread_sigmask(SIG_SETMASK, &blocked, &before_);
    }
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;
    ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

}  // namespace dunlin::support
