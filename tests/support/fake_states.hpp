// SPDX-License-Identifier: Apache-2.0
//
// The objects of state of a node that does nothing by itself.
//
// Each key of a space has one object of the type that the first function brought along, and it
// stays as a node keeps it: what a call that failed has changed is undone by `assign`, what was
// committed in between stays. Turns are the test's own affair: calls of one key that it leaves
// waiting share the object. One thread.
#pragma once

#include "wire/frame_buffer.hpp"

#include <dunlin/abi.h>
#include <dunlin/codec.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dunlin::testing {

class fake_states {
public:
    /// An object, and what a call that fails goes back to.
    class object {
    public:
        explicit object(const dunlin_state_type& type)
            : type_(&type),
              now_(type.create()),
              before_(type.create()) {}
        object(const object&) = delete;
        object& operator=(const object&) = delete;
        ~object() {
            type_->destroy(now_);
            type_->destroy(before_);
        }

        [[nodiscard]] void* get() const noexcept { return now_; }
        [[nodiscard]] bool has_value() const noexcept { return type_->has_value(now_) != 0; }
        /// What the call has made of it stays. @returns false if it cannot be copied.
        bool keep() { return type_->assign(before_, now_) == 0; }
        bool undo() { return type_->assign(now_, before_) == 0; }
        /// @returns why not; empty if it has the value now.
        std::string load(bytes_view stored) {
            wire::frame_buffer why;
            const auto* data = reinterpret_cast<const std::uint8_t*>(stored.data());
            if (type_->decode(now_, data, stored.size(), &why) != 0)
                return std::string(as_text(why.view()));
            return keep() ? "" : "it cannot be copied";
        }
        /// Empty without a value.
        [[nodiscard]] bytes encoded() const {
            wire::frame_buffer out;
            if (!has_value() || type_->encode(now_, &out) != 0) return {};
            return bytes(out.view());
        }

    private:
        const dunlin_state_type* type_;
        void* now_;
        void* before_;
    };

    object& of(const dunlin_function& function, std::string_view key) {
        auto& kept = objects_[{function.space, std::string(key)}];
        if (!kept) kept = std::make_unique<object>(*function.state);
        return *kept;
    }
    /// What is under a key; nothing if nobody has asked for it, or it has no value.
    template <class T>
    [[nodiscard]] std::optional<T> value(const std::string& space, const std::string& key) const {
        const auto found = objects_.find({space, key});
        if (found == objects_.end() || !found->second->has_value()) return std::nullopt;
        return decode<T>(found->second->encoded()).value();
    }

private:
    std::map<std::pair<std::string, std::string>, std::unique_ptr<object>> objects_;
};

}  // namespace dunlin::testing
