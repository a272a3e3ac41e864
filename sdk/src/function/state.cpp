// SPDX-License-Identifier: Apache-2.0
#include "support/log_text.hpp"

#include <dunlin/detail/state_operation.hpp>
#include <dunlin/state.hpp>

#include <cstddef>
#include <cstring>
#include <exception>

namespace dunlin {
namespace detail {

// -- what goes wrong with objects of state -----------------------------------------------------

void tell_why(dunlin_buffer* why, std::string_view sentence) noexcept {
    if (why == nullptr || sentence.empty()) return;
    const std::size_t wanted = why->size + sentence.size();
    if (why->capacity < wanted && why->grow(why, wanted) != 0) return;
    std::memcpy(why->data + why->size, sentence.data(), sentence.size());
    why->size = wanted;
}

void tell_exception(dunlin_buffer* why) noexcept {
    try {
        throw;
    } catch (const std::exception& thrown) {
        tell_why(why, thrown.what());
    } catch (...) {
        tell_why(why, "its codec threw something that is not a std::exception");
    }
}

// -- operations --------------------------------------------------------------------------------

bool keeps_state(const dunlin_host& host) noexcept {
    return host.struct_size >= offsetof(dunlin_host, read_state) + sizeof host.read_state;
}

error older_than_state() { return {errc::unavailable, std::string(older_than_state_text)}; }

error misfit(error why, std::string_view space, std::string_view key) {
    std::string detail = "the state in space " + std::string(space) + " under key ";
    // Keys are their callers' and may be any bytes.
    support::append_log_value(detail, key);
    why.code = errc::failed;
    why.detail.insert(0, detail + " does not fit the type that was asked for: ");
    return why;
}

dunlin_state_key state_name::to_read(std::int64_t max_age_ns) const noexcept {
    dunlin_state_key which{};
    which.struct_size = sizeof which;
    which.space = space_.data();
    which.space_size = space_.size();
    which.key = reinterpret_cast<const std::uint8_t*>(key_.data());
    which.key_size = key_.size();
    which.max_age_ns = max_age_ns;
    return which;
}

}  // namespace detail

void commit_operation::complete(void* user, std::int32_t code, const std::uint8_t* data,
                                std::size_t size) noexcept {
    auto* self = static_cast<commit_operation*>(user);
    try {
        if (code != 0) self->ended_ = detail::operation_error(code, data, size);
    } catch (...) {
        self->ended_ = error{errc_from_number(code), {}};
    }
    detail::resume_waiter(self->waiter_, self->origin_.root);
}

}  // namespace dunlin
