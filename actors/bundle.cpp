// SPDX-License-Identifier: Apache-2.0
#include "actors/bundle.hpp"

namespace dunlin::actors {

bundle_ptr bundle::create(std::uint32_t capacity, frame_memory& memory) {
    void* place = ::operator new(sizeof(bundle) + capacity * sizeof(invocation));
    return bundle_ptr(new (place) bundle(capacity, memory));
}

void bundle::destroy() noexcept {
    truncate(0);
    frame_memory* memory = memory_;
    this->~bundle();
    ::operator delete(this);
    memory->release();
}

}  // namespace dunlin::actors
