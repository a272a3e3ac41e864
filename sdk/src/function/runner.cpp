// SPDX-License-Identifier: Apache-2.0
#include <dunlin/detail/runner.hpp>
#include <dunlin/detail/state_operation.hpp>

#include <exception>
#include <string_view>

namespace dunlin::detail {
namespace {

void fail(const call_border& border, errc code, std::string_view detail) noexcept {
    border.host->fail(border.call, static_cast<std::int32_t>(code), detail.data(), detail.size());
}

}  // namespace

void call_border::fail_with_exception() const noexcept {
    try {
        throw;
    } catch (const call_error& thrown) {
        fail_returned(thrown.why());
    } catch (const std::exception& thrown) {
        const std::string_view what = thrown.what();
        fail(*this, errc::failed,
             what.empty() ? "the function threw an exception without a message" : what);
    } catch (...) {
        fail(*this, errc::failed, "the function threw something that is not a std::exception");
    }
}

void call_border::fail_returned(const error& why) const noexcept {
    const std::string_view detail = why.detail.empty() ? to_string(why.code) : why.detail;
    fail(*this, errc::failed, detail);
}

void call_border::fail_decoding(reader& from, std::string_view root) const {
    const error why = from.take_error(root);
    fail(*this, why.code, why.detail);
}

void* call_border::find_state() const noexcept {
    if (!keeps_state(*host)) {
        fail(*this, errc::unavailable, older_than_state_text);
        return nullptr;
    }
    void* const object = host->state(call);
    if (object == nullptr) fail(*this, errc::internal, "the node gave the function no state");
    return object;
}

}  // namespace dunlin::detail
