// SPDX-License-Identifier: Apache-2.0
//
// The stores that the conformance suite runs on, each with how it is made and opened again.
//
// A case has a `store()` that is empty at first, and a `reopen()` that keeps what was written. A
// new kind of store joins the suite by a case here and its name in DUNLIN_STORE_CASES.
#pragma once

#include "actors/state/memory_store.hpp"
#include "runtime/store/rocks_store.hpp"
#include "tests/support/temporary_folder.hpp"

#ifdef DUNLIN_POSTGRES_BIN
#include "runtime/store/postgres_store.hpp"
#include "tests/store/postgres_server.hpp"
#endif

#include <memory>
#include <string>
#include <utility>

namespace dunlin::tests {

class memory_store_case {
public:
    [[nodiscard]] actors::state_store& store() { return store_; }
    void reopen() {}  // it keeps what it has as long as it is there

private:
    actors::memory_store store_;
};

class rocks_store_case {
public:
    rocks_store_case() { open(); }

    [[nodiscard]] actors::state_store& store() { return *store_; }
    void reopen() {
        store_.reset();
        open();
    }

private:
    void open() {
        runtime::store::rocks_settings settings;
        settings.directory = folder_.file("data");
        settings.cluster = "test";
        // Small enough for files to be written and merged in the time of a test.
        settings.buffer_bytes = 256u << 10;
        settings.cache_bytes = 1u << 20;
        // Keys displace each other all the time.
        settings.known_versions = 16;
        store_ = runtime::store::open_rocks_store(std::move(settings)).value();
    }

    temporary_folder folder_;
    std::unique_ptr<actors::state_store> store_;
};

#ifdef DUNLIN_POSTGRES_BIN
class postgres_store_case {
public:
    postgres_store_case() { open(); }

    [[nodiscard]] actors::state_store& store() { return *store_; }
    void reopen() {
        store_.reset();
        open();
    }

private:
    void open() {
        runtime::store::postgres_settings settings;
        settings.url = url_;
        settings.cluster = "test";
        store_ = runtime::store::open_postgres_store(std::move(settings)).value();
    }

    const std::string url_ = shared_postgres().url(shared_postgres().make_database());
    std::unique_ptr<actors::state_store> store_;
};
#endif

}  // namespace dunlin::tests

// PostgreSQL's tests are a program of their own, so that they start a server once.
#ifdef DUNLIN_POSTGRES_BIN
#define DUNLIN_STORE_CASES dunlin::tests::postgres_store_case
#else
#define DUNLIN_STORE_CASES dunlin::tests::memory_store_case, dunlin::tests::rocks_store_case
#endif
