// SPDX-License-Identifier: Apache-2.0
//
// Which node gets a call: who serves the function, how loaded they said they are, and what was
// sent to them since.
//
// Calls that are started together should leave in one frame, so a choice stands until the frames
// have left (a turn) or until as many calls followed it as are about 100 us of the node's
// predicted work; then the reports, corrected by what was sent, are looked at again. So the
// nodes take turns frame by frame when calls are short, and call by call when they are long.
// Of the nodes those are looked at on which the function is warm (`cluster::warm_set`).
// A node whose catalog is not known yet may serve everything; if no catalog has a function any
// node gets it, for it may know better.
// A node that refuses a function is avoided for this function alone, unless it says that it means
// all calls: one that is flooded turns no call of another away from a node with room for it.
//
// Pure: time and seed are handed in. Guarded by the driver's mutex.
#pragma once

#include "cluster/hedging.hpp"
#include "cluster/peer_health.hpp"
#include "cluster/random.hpp"
#include "cluster/refusal_pause.hpp"
#include "cluster/spread.hpp"
#include "cluster/warm_set.hpp"
#include "wire/cluster_items.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dunlin::link {

class routes {
public:
    static constexpr std::uint32_t none = 0xffff'ffffu;
    /// Names that are kept of all catalogs; no cluster that works has more functions.
    static constexpr std::size_t functions_max = 65536;
    /// Predicted work that one choice may lead to.
    static constexpr std::int64_t work_per_choice_ns = 100'000;
    /// Calls that follow one choice at most, and while nothing is known about their length.
    static constexpr std::uint32_t calls_per_choice_max = 256;
    static constexpr std::uint32_t calls_per_choice_unknown = 16;

    explicit routes(std::uint64_t seed);

    /// A node takes calls from now on. @returns its place, which is used again after `remove`.
    std::uint32_t add(std::string_view name, std::int64_t now_ns);
    void remove(std::uint32_t node) noexcept;
    /// Whether the node takes calls at all.
    void set_open(std::uint32_t node, bool open) noexcept;

    /// Whether the node is avoided as long as there are others.
    void set_late(std::uint32_t node, bool late) noexcept;

    /// The number of a function; `none` for a name that no catalog had.
    [[nodiscard]] std::uint32_t find(std::string_view function) const noexcept;
    /// The same, and makes it known; `none` when there are too many.
    std::uint32_t intern(std::string_view function);
    /// The node serves these and no others; `flags` as in a catalog.
    struct served {
        std::uint32_t function;
        std::uint32_t flags;
    };
    void serves(std::uint32_t node, std::span<const served> functions);
    [[nodiscard]] bool idempotent(std::uint32_t function, std::uint32_t node) const noexcept;

    /// What a catalog says of the keys of a function's calls; either may be empty.
    void set_keys(std::uint32_t function, std::string_view key_field, std::string_view space);
    /// The field of the input that is the key of a call; null: the caller's key counts.
    [[nodiscard]] const std::string* key_field(std::string_view function) const noexcept;
    /// The name by which the owner of a key is asked for. `name`: the function's own.
    [[nodiscard]] std::string_view owned_as(std::uint32_t function,
                                            std::string_view name) const noexcept;

    void reported(std::uint32_t node, std::uint32_t function, const wire::load_item& load,
                  std::int64_t now_ns) noexcept;

    /// The node for a call of `function`, which counts as sent there; `none` if none takes it.
    [[nodiscard]] std::uint32_t choose(std::uint32_t function, std::span<const std::uint32_t> tried,
                                       std::int64_t now_ns);
    /// A node that a call could go to, as `choose` would find it. Nothing counts as sent, and no
    /// probe of an open circuit is spent: for the caller who may not send after all.
    [[nodiscard]] std::uint32_t look(std::uint32_t function, std::span<const std::uint32_t> tried,
                                     std::int64_t now_ns);
    /// The same for a call that a node has refused: `none` also if those that are left have
    /// refused or failed recently, as far as is known here.
    [[nodiscard]] std::uint32_t look_for_room(std::uint32_t function,
                                              std::span<const std::uint32_t> tried,
                                              std::int64_t now_ns);
    /// The same for calls that must keep their order: of the nodes that calls of `function` could
    /// go to, always the same one for one partition, however loaded it is, and though it refuses
    /// calls of the function: those of most keys it only passes on.
    [[nodiscard]] std::uint32_t look_steady(std::uint32_t partition, std::uint32_t function,
                                            std::span<const std::uint32_t> tried,
                                            std::int64_t now_ns) noexcept;
    /// The caller has chosen itself, by a key or after a look.
    void sent(std::uint32_t node, std::uint32_t function, std::int64_t now_ns) noexcept;
    /// The node said `overloaded`. Calls of the function, or all calls, avoid it as long as there
    /// are others, until the time to come back has passed (`cluster::refusal_pause`).
    enum class refusal : std::uint8_t { of_function, of_node };
    void refused(std::uint32_t node, std::uint32_t function, refusal what,
                 std::int64_t retry_after_ns, std::int64_t now_ns) noexcept;
    /// What was started has left: calls that start now are not held together with it.
    void next_turn() noexcept { ++turn_; }

    /// Which nodes are avoided because they failed, or refused all calls.
    [[nodiscard]] cluster::peer_health& health() noexcept { return health_; }
    /// When copies of calls of the function are due.
    [[nodiscard]] cluster::hedging& hedging(std::uint32_t function, std::int64_t now_ns);

private:
    struct served_at {
        bool serves = false;
        bool idempotent = false;
        cluster::refusal_pause refused;
    };
    struct function_state {
        explicit function_state(std::string_view name) : warm(name) {}

        cluster::warm_set warm;
        /// Not of unknown names, which are many functions, nor of `dunlin/`, which tell of nodes.
        bool narrows = false;
        std::string key_field;
        std::string owned_as;                   // empty: by its own name
        std::vector<cluster::candidate> nodes;  // by the nodes' places
        std::vector<served_at> at;
        std::uint32_t current = none;  // the last choice
        std::uint32_t calls_left = 0;  // that may follow it
        std::uint64_t turn = 0;        // in which it was made
        std::unique_ptr<cluster::hedging> copies;
    };
    struct node_state {
        std::uint64_t name_hash = 0;
        std::int64_t since_ns = 0;  // when it was first seen
        bool used = false;
        bool open = false;
        bool late = false;
        bool catalog_known = false;
    };
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept {
            return std::hash<std::string_view>()(name);
        }
    };

    [[nodiscard]] function_state& state_of(std::uint32_t function) noexcept {
        return function < functions_.size() ? *functions_[function] : unknown_;
    }
    enum class avoid : std::uint8_t { all, nodes };  // what refused: also for one function, or all
    function_state& marked(std::uint32_t function, avoid which, std::int64_t now_ns) noexcept;
    bool mark_usable(function_state& of, avoid which, std::int64_t now_ns, bool any) noexcept;
    void reset(std::uint32_t node) noexcept;

    std::vector<node_state> nodes_;
    std::unordered_map<std::string, std::uint32_t, text_hash, std::equal_to<>> names_;
    std::vector<std::unique_ptr<function_state>> functions_;
    function_state unknown_{""};  // of names that no catalog has; not one function
    cluster::spread spread_;
    cluster::peer_health health_;
    cluster::random_source random_;  // of pauses
    std::uint64_t turn_ = 1;
    std::size_t key_fields_ = 0;  // functions that have one
};

}  // namespace dunlin::link
