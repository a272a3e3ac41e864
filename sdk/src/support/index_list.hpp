// SPDX-License-Identifier: Apache-2.0
//
// A doubly linked list through objects that live in a slab: no allocation, and removal from the
// middle in constant time.
//
// An object may be in as many lists as it has `index_links`. Whoever uses a list knows the objects
// and hands them in, so that a list itself is two numbers. Plain value; one thread at a time.
#pragma once

#include "support/slab.hpp"

#include <cstdint>

namespace dunlin::support {

struct index_links {
    std::uint32_t before = no_place;
    std::uint32_t after = no_place;
};

/// @tparam Links the member of T, an `index_links`, that this list goes through.
template <class T, index_links T::*Links>
class index_list {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == no_place; }
    /// `no_place` when it is empty.
    [[nodiscard]] std::uint32_t front() const noexcept { return first_; }
    [[nodiscard]] std::uint32_t back() const noexcept { return last_; }

    void push_back(slab<T>& in, std::uint32_t place) noexcept {
        in[place].*Links = {last_, no_place};
        (last_ == no_place ? first_ : (in[last_].*Links).after) = place;
        last_ = place;
    }
    /// @pre `place` is in this list.
    void erase(slab<T>& in, std::uint32_t place) noexcept {
        auto& links = in[place].*Links;
        (links.before == no_place ? first_ : (in[links.before].*Links).after) = links.after;
        (links.after == no_place ? last_ : (in[links.after].*Links).before) = links.before;
        links = {};
    }
    /// The first becomes the last. @pre not empty.
    void rotate(slab<T>& in) noexcept {
        const auto place = first_;
        if (place == last_) return;
        erase(in, place);
        push_back(in, place);
    }

private:
    std::uint32_t first_ = no_place;
    std::uint32_t last_ = no_place;
};

}  // namespace dunlin::support
