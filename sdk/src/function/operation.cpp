// SPDX-License-Identifier: Apache-2.0
#include "support/block_cache.hpp"
#include "wire/frame_buffer.hpp"

#include <dunlin/completion.hpp>
#include <dunlin/detail/operation.hpp>

#include <cstddef>
#include <exception>

namespace dunlin {
namespace detail {

request_bytes::request_bytes(std::string_view function, std::string_view key,
                             encode_function encode, const void* in)
    : function_size_(function.size()),
      key_size_(key.size()) {
    wire::frame_buffer buffer;
    buffer.append(function.data(), function.size());
    buffer.append(key.data(), key.size());
    encode(buffer, in);
    size_ = buffer.size;
    memory_ = buffer.release();
}

request_bytes::~request_bytes() { support::block_free(memory_); }

dunlin_request request_bytes::request(std::int64_t timeout_ns) const noexcept {
    const std::uint8_t* const key = memory_ + function_size_;
    dunlin_request request{};
    request.struct_size = sizeof request;
    request.function = reinterpret_cast<const char*>(memory_);
    request.function_size = function_size_;
    request.payload = key + key_size_;
    request.payload_size = size_ - function_size_ - key_size_;
    request.timeout_ns = timeout_ns;
    request.key = key_size_ == 0 ? nullptr : key;
    request.key_size = key_size_;
    return request;
}

bool can_begin(const dunlin_host& host) noexcept {
    return host.struct_size >= offsetof(dunlin_host, end) + sizeof host.end;
}

error current_error() noexcept {
    try {
        try {
            throw;
        } catch (const call_error& thrown) {
            return thrown.why();
        } catch (const std::exception& thrown) {
            return {errc::failed, thrown.what()};
        } catch (...) {
            return {errc::failed, "something was thrown that is not a std::exception"};
        }
    } catch (...) {
        return {errc::internal, {}};
    }
}

error unanswered_error() noexcept {
    try {
        return {errc::failed, "what was waited for went away unanswered"};
    } catch (...) {
        return {errc::internal, {}};
    }
}

error operation_error(std::int32_t code, const std::uint8_t* data, std::size_t size) {
    return {errc_from_number(code), std::string(reinterpret_cast<const char*>(data), size)};
}

void resume_waiter(std::coroutine_handle<> waiter, call_root* root) noexcept {
    waiter.resume();
    if (root != nullptr) root->after_step();
}

}  // namespace detail

void sleep_operation::complete(void* user, std::int32_t code, const std::uint8_t* data,
                               std::size_t size) noexcept {
    auto* self = static_cast<sleep_operation*>(user);
    try {
        if (code != 0) self->ended_ = detail::operation_error(code, data, size);
    } catch (...) {
        self->ended_ = error{errc_from_number(code), {}};
    }
    detail::resume_waiter(self->waiter_, self->origin_.root);
}

}  // namespace dunlin
