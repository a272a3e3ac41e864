// SPDX-License-Identifier: Apache-2.0
#include "actors/request_trace.hpp"

#include "cluster/random.hpp"

namespace dunlin::actors {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t id_begins = 3;
constexpr std::size_t id_size = 32;
constexpr std::size_t parent_begins = id_begins + id_size + 1;

void put_hex(char* to, std::uint64_t bits) noexcept {
    for (int shift = 60; shift >= 0; shift -= 4) *to++ = hex_digits[bits >> shift & 15u];
}

// No two that are open at one port have the same place, nor has a later one.
std::uint64_t at_place(std::uint64_t number, const answer_address& at) noexcept {
    return cluster::mix(number ^ cluster::mix(std::uint64_t{at.generation} << 32 | at.slot));
}

}  // namespace

std::string_view trace_id_of(std::string_view traceparent) noexcept {
    if (traceparent.size() < request_trace::bytes || traceparent[id_begins - 1] != '-' ||
        traceparent[parent_begins - 1] != '-')
        return {};
    const auto id = traceparent.substr(id_begins, id_size);
    const bool digits_only = id.find_first_not_of(hex_digits) == std::string_view::npos;
    return digits_only && id.find_first_not_of('0') != std::string_view::npos ? id
                                                                              : std::string_view();
}

call_name name_of(const invocation& call, std::uint64_t instance) noexcept {
    if (call.source != 0) return {call.source, call.id};
    // The caller counts from one, as others do, too, and several may come in one moment.
    const auto arrived = cluster::mix(static_cast<std::uint64_t>(call.arrived_ns));
    return {instance, at_place(call.id + arrived, call.address)};
}

std::uint64_t inner_number(const invocation& parent, std::uint64_t instance,
                           answer_address operation) noexcept {
    const auto by = name_of(parent, instance);
    return at_place(by.origin + cluster::mix(by.id), operation);
}

request_trace::request_trace(const invocation& call, std::uint64_t instance) noexcept
    : text_(call.trace),
      id_(trace_id_of(call.trace)) {
    if (!id_.empty()) return;
    const auto name = name_of(call, instance);
    const auto first = cluster::mix(name.origin + 1);
    const auto second = cluster::mix(first ^ name.id);
    // Of the form 00-TRACE-PARENT-00; ids of zeros are none.
    made_.fill('0');
    put_hex(&made_[id_begins], first | 1);
    put_hex(&made_[id_begins + id_size / 2], second);
    put_hex(&made_[parent_begins], cluster::mix(second) | 1);
    for (const std::size_t at : {id_begins - 1, parent_begins - 1, bytes - 3}) made_[at] = '-';
    const std::string_view made(made_.data(), made_.size());
    id_ = made.substr(id_begins, id_size);
    if (text_.empty()) text_ = made;
}

}  // namespace dunlin::actors
