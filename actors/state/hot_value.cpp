// SPDX-License-Identifier: Apache-2.0
#include "actors/state/hot_value.hpp"

#include "actors/state/space_rule.hpp"

#include <string>
#include <utility>

namespace dunlin::actors {

namespace {

error no_memory() { return {errc::unavailable, "there is no memory for the state"}; }

}  // namespace

hot_value::hot_value(hot_value&& other) noexcept
    : type_(std::exchange(other.type_, nullptr)),
      object_(std::exchange(other.object_, nullptr)),
      encoded_(std::move(other.encoded_)),
      present_(std::exchange(other.present_, false)),
      current_(std::exchange(other.current_, true)) {
    other.encoded_.clear();
}

hot_value& hot_value::operator=(hot_value&& other) noexcept {
    if (this == &other) return *this;
    clear();
    type_ = std::exchange(other.type_, nullptr);
    object_ = std::exchange(other.object_, nullptr);
    encoded_ = std::move(other.encoded_);
    other.encoded_.clear();
    present_ = std::exchange(other.present_, false);
    current_ = std::exchange(other.current_, true);
    return *this;
}

void hot_value::clear() noexcept {
    if (object_ != nullptr) type_->destroy(object_);
    object_ = nullptr;
    type_ = nullptr;
}

void hot_value::assign(bool present, bytes_view encoded) {
    clear();
    encoded_.assign(encoded.begin(), encoded.end());
    present_ = present;
    current_ = true;
}

result<void> hot_value::decode_into(void* object) const {
    if (!present_) {
        type_->reset(object);
        return {};
    }
    state_buffer why;
    if (type_->decode(object, reinterpret_cast<const std::uint8_t*>(encoded_.data()),
                      encoded_.size(), &why) == 0)
        return {};
    return {errc::failed, std::string(reinterpret_cast<const char*>(why.data), why.size)};
}

result<void*> hot_value::object_of(const dunlin_state_type& type) {
    if (object_ != nullptr && type_ == &type) return object_;
    if (object_ != nullptr) {
        // Another module of the same space worked with it last, which has a type of its own.
        if (!current_) {
            state_buffer encoded;
            const auto present = encode(encoded);
            if (!present) return present.error();
            take_snapshot(*present, encoded.view());
        }
        clear();
    }
    type_ = &type;
    object_ = type.create();
    if (object_ == nullptr) {
        type_ = nullptr;
        return no_memory();
    }
    if (auto decoded = decode_into(object_); !decoded) {
        clear();
        return std::move(decoded.error());
    }
    return object_;
}

result<void> hot_value::protect(void* spare) {
    if (cheap() && spare != nullptr)
        return type_->assign(spare, object_) == 0 ? result<void>{} : result<void>{no_memory()};
    return {};  // the holder of the key has made the encoded form current
}

void hot_value::undo(void* spare) {
    if (cheap() && spare != nullptr && type_->assign(object_, spare) == 0) return;
    // What has been decoded once can be decoded again; without memory it is when it is next wanted.
    clear();
}

void hot_value::erase() {
    if (object_ != nullptr) type_->reset(object_);
    encoded_.clear();
    present_ = false;
    current_ = true;
}

result<bool> hot_value::encode(state_buffer& to) const {
    if (object_ == nullptr) {
        if (present_ && !to.try_append(encoded_.data(), encoded_.size())) return no_memory();
        return present_;
    }
    if (type_->has_value(object_) == 0) return false;
    const auto before = to.size;
    if (type_->encode(object_, &to) != 0)
        return error{errc::failed,
                     "the state cannot be encoded: it is too large, or there is no "
                     "memory for it"};
    const auto bytes = to.size - before;
    if (bytes <= value_bytes_max) return true;
    to.size = before;
    return error{errc::failed, "the state is " + std::to_string(bytes) +
                                   " bytes, and the most is " + std::to_string(value_bytes_max) +
                                   "; spread it over more keys"};
}

void hot_value::take_snapshot(bool present, bytes_view encoded) {
    encoded_.assign(encoded.begin(), encoded.end());
    present_ = present;
    current_ = true;
}

std::size_t hot_value::bytes() const {
    const auto object = object_ == nullptr ? 0 : type_->memory_bytes(object_);
    return object + encoded_.capacity();
}

}  // namespace dunlin::actors
