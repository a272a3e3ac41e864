// SPDX-License-Identifier: Apache-2.0
#include "tests/support/state_harness.hpp"

#include "actors/state_shard.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

namespace dunlin::testing {

namespace {

using text = std::optional<std::string>;

std::size_t alive = 0;
state_work worked;

void* create() {
    ++alive;
    return new text;
}
void destroy(void* object) {
    --alive;
    delete static_cast<text*>(object);
}
int has_value(const void* object) { return static_cast<const text*>(object)->has_value() ? 1 : 0; }
void reset(void* object) { static_cast<text*>(object)->reset(); }
int decode(void* object, const std::uint8_t* data, std::size_t size, dunlin_buffer* why) {
    ++worked.decoded;
    static_cast<text*>(object)->emplace(reinterpret_cast<const char*>(data), size);
    if (static_cast<text*>(object)->value() != "odd") return 0;
    static_cast<text*>(object)->reset();
    const std::string said = "it is odd";
    if (why->grow(why, said.size()) == 0) {
        said.copy(reinterpret_cast<char*>(why->data), said.size());
        why->size = said.size();
    }
    return 1;
}
int encode(const void* object, dunlin_buffer* to) {
    ++worked.encoded;
    const auto& value = static_cast<const text*>(object)->value();
    if (value == "too large") return 1;
    if (to->grow(to, to->size + value.size()) != 0) return 1;
    value.copy(reinterpret_cast<char*>(to->data + to->size), value.size());
    to->size += value.size();
    return 0;
}
int assign(void* object, const void* other) {
    *static_cast<text*>(object) = *static_cast<const text*>(other);
    return 0;
}
std::size_t memory_bytes(const void* object) {
    const auto& value = *static_cast<const text*>(object);
    return sizeof(text) + (value ? value->capacity() : 0);
}

std::int64_t an_hour_past_noon() noexcept { return 13 * 3'600'000; }

constexpr dunlin_state_type type_of(std::uint32_t flags) {
    return {sizeof(dunlin_state_type),
            flags,
            "{}",
            &create,
            &destroy,
            &has_value,
            &reset,
            &decode,
            &encode,
            &assign,
            &memory_bytes};
}

}  // namespace

const dunlin_state_type& text_state(bool cheap) {
    static constexpr auto with_cost = type_of(0);
    static constexpr auto without = type_of(DUNLIN_STATE_CHEAP_COPY);
    return cheap ? without : with_cost;
}

const dunlin_state_type& other_text_state() {
    static constexpr auto other = type_of(0);
    return other;
}

std::size_t text_states_alive() { return alive; }

state_work take_state_work() { return std::exchange(worked, {}); }

std::string& state_of(const call_view& call) {
    auto& value = *static_cast<text*>(call.host.state(call.call));
    if (!value) value.emplace();
    return *value;
}

manual_state::manual_state(const std::vector<const actors::function_info*>& functions, options how,
                           actors::memory_store* over)
    : hot_state(
          how, over != nullptr ? over : &own, [](const error&) {}, &an_hour_past_noon),
      kept(over != nullptr ? *over : own) {
    if (auto opened = open(functions); !opened) throw std::runtime_error(opened.error().detail);
}

std::size_t manual_state::read() {
    const auto keys = std::exchange(to_read_, {});
    for (auto* key : keys) {
        auto& space = *key->home->space;
        actors::state_read wanted[] = {{space.how().number, as_bytes(key->key), {}}};
        if (auto done = kept.read(wanted); !done) throw std::runtime_error(done.error().detail);
        space.was_read(*key, std::move(wanted[0].found));
    }
    return keys.size();
}

void manual_state::fail_reads(const std::string& why) {
    for (auto* key : std::exchange(to_read_, {}))
        key->home->space->was_read(*key, error{errc::unavailable, why});
}

std::size_t manual_state::write() {
    std::size_t all = 0;
    while (const auto count = write_begins()) {
        write_ends();
        all += count;
    }
    return all;
}

std::size_t manual_state::write_begins() {
    bytes_.clear();
    begins_.clear();
    for (auto* key : std::exchange(to_write_, {})) {
        actors::state_write one;
        const auto begin = bytes_.size;
        if (!key->home->space->begin_commit(*key, one, bytes_)) {
            bytes_.size = begin;
            continue;
        }
        begins_.push_back(begin);
        batch_.push_back(one);
        keys_.push_back(key);
    }
    begins_.push_back(bytes_.size);
    for (std::size_t i = 0; i < batch_.size(); ++i)
        batch_[i].value = bytes_.view().subspan(begins_[i], begins_[i + 1] - begins_[i]);
    return batch_.size();
}

void manual_state::write_ends(actors::write_outcome as, bool stored) {
    auto batch = std::exchange(batch_, {});
    begins_.clear();
    const bool written = as == actors::write_outcome::written;
    if (written || stored)
        if (auto done = kept.write(batch); !done) throw std::runtime_error(done.error().detail);
    if (!written)
        for (auto& each : batch) each.outcome = as;
    actors::held_replies released;
    const auto keys = std::exchange(keys_, {});
    for (std::size_t i = 0; i < keys.size(); ++i)
        keys[i]->home->space->end_commit(*keys[i], batch[i], released);
    released.send();
}

actors::stored_state manual_state::look(const std::string& space, const std::string& key) {
    actors::state_read wanted[] = {{spaces().at(space)->how().number, as_bytes(key), {}}};
    if (auto done = kept.read(wanted); !done) throw std::runtime_error(done.error().detail);
    return std::move(wanted[0].found);
}

void manual_state::settle(actor_harness& h) {
    constexpr int rounds_max = 10;
    for (int round = 0; round < rounds_max; ++round) {
        h.run();
        if (read() + write() == 0) return;
    }
}

std::string manual_state::stored(const std::string& space, const std::string& key) {
    const auto found = look(space, key);
    return found.present ? std::string(as_text(found.value)) : "none";
}

void manual_state::put(const std::string& space, const std::string& key, const std::string& value) {
    const auto found = look(space, key);
    actors::state_write one;
    one.space = spaces().at(space)->how().number;
    one.key = as_bytes(key);
    one.expected = found.version;
    one.version = found.version + 1;
    one.value = as_bytes(value);
    if (auto done = kept.write({&one, 1}); !done) throw std::runtime_error(done.error().detail);
}

actors::function_info keyed_function(actor_harness& h, std::string name, test_function body,
                                     std::string space, bool writes, std::uint32_t flags) {
    auto info = h.function(std::move(name), std::move(body), flags);
    info.space = std::move(space);
    info.state = &text_state(false);
    info.writes_state = writes;
    return info;
}

std::uint32_t call_with_key(actor_harness& h, actors::pool& pool, std::string_view key,
                            std::string_view payload, std::int64_t deadline_ns) {
    std::uint32_t ticket = 0;
    auto work = h.bundle_of({std::string(payload), std::string(key)}, &ticket, deadline_ns);
    // The second payload is where the key's text is kept.
    (*work)[0].key = (*work)[1].payload;
    work->truncate(1);
    h.submit(pool, work);
    return ticket;
}

}  // namespace dunlin::testing
