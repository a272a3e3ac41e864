// SPDX-License-Identifier: Apache-2.0
//
// State of keyed functions without threads: a test says when values are read and written.
//
//     actor_harness h;
//     manual_state state({counter_function(h, "test/add")});
//     h.state = &state;
//     auto& pool = h.make_pool(...);
//     const auto ticket = call_with_key(h, pool, "k", "1");
//     state.read();    // what has been asked for comes from the store
//     h.run();
//     state.write();   // what has changed goes there; replies that wait for it leave
//
// `write_begins` and `write_ends` are the two halves, for what happens in between. One thread.
#pragma once

#include "actors/hot_state.hpp"
#include "actors/state/memory_store.hpp"
#include "tests/support/actor_harness.hpp"

#include <deque>
#include <string>
#include <vector>

namespace dunlin::testing {

/// Text, which is its own encoded form. `cheap`: as if copying it cost nothing.
[[nodiscard]] const dunlin_state_type& text_state(bool cheap);
/// Another type of the same form, as another module would have it.
[[nodiscard]] const dunlin_state_type& other_text_state();
/// Objects of these types that there are.
[[nodiscard]] std::size_t text_states_alive();
/// How often one was encoded and decoded since the last look.
struct state_work {
    std::size_t encoded = 0;
    std::size_t decoded = 0;
};
[[nodiscard]] state_work take_state_work();

/// The text of the call's state.
[[nodiscard]] std::string& state_of(const call_view& call);

class manual_state final : public actors::hot_state {
public:
    /// @param over a store that others use, too; null: one of its own
    explicit manual_state(const std::vector<const actors::function_info*>& functions,
                          options how = {}, actors::memory_store* over = nullptr);
    ~manual_state() override { end(); }

    /// Reads all that has been asked for. @returns how many keys.
    std::size_t read();
    /// Reads fail.
    void fail_reads(const std::string& why);
    /// Writes all that has changed. @returns how many keys.
    std::size_t write();
    /// The values are taken along, and not written yet. @returns how many.
    std::size_t write_begins();
    /// ... with that outcome; `written` writes them, and so does `stored`, whatever is told.
    void write_ends(actors::write_outcome as = actors::write_outcome::written, bool stored = false);

    /// What has been asked for is read, what can run runs, and what has changed is written, until
    /// nothing of that is left.
    void settle(actor_harness& h);

    [[nodiscard]] std::string stored(const std::string& space, const std::string& key);
    void put(const std::string& space, const std::string& key, const std::string& value);

    void read_soon(actors::key_entry& key) override { to_read_.push_back(&key); }
    void write_soon(actors::key_entry& key) override { to_write_.push_back(&key); }
    void write_later(actors::key_entry& key, std::size_t /*bytes*/) override { write_soon(key); }
    void hurry() override {}
    [[nodiscard]] bool behind() const noexcept override { return is_behind; }

    actors::memory_store own;
    actors::memory_store& kept;
    bool is_behind = false;

private:
    actors::stored_state look(const std::string& space, const std::string& key);

    std::deque<actors::key_entry*> to_read_;
    std::deque<actors::key_entry*> to_write_;
    std::vector<actors::state_write> batch_;
    std::vector<actors::key_entry*> keys_;
    actors::output_buffer bytes_;
    std::vector<std::size_t> begins_;
};

/// A keyed function over text.
[[nodiscard]] actors::function_info keyed_function(actor_harness& h, std::string name,
                                                   test_function body, std::string space = "texts",
                                                   bool writes = true, std::uint32_t flags = 0);
/// One call with a key. @returns its ticket.
std::uint32_t call_with_key(actor_harness& h, actors::pool& pool, std::string_view key,
                            std::string_view payload,
                            std::int64_t deadline_ns = actors::no_deadline);

}  // namespace dunlin::testing
