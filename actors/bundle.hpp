// SPDX-License-Identifier: Apache-2.0
//
// Invocations of one function that travel together as one CAF message.
//
// One allocation holds all of them; a reference-counted keeper holds the frame that their views
// point into. A bundle is filled by the thread that decodes, then handed over and not changed in
// number again (but for `truncate` by the pool that refuses its tail). Shared by reference count.
#pragma once

#include "actors/invocation.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace dunlin::actors {

/// Memory that invocations point into, alive as long as one bundle refers to it.
class frame_memory {
public:
    frame_memory() = default;
    frame_memory(const frame_memory&) = delete;
    frame_memory& operator=(const frame_memory&) = delete;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    /// A copy of a short text that lives as long as this. For the thread that fills bundles.
    [[nodiscard]] std::string_view keep(std::string_view text) { return kept_.emplace_front(text); }

protected:
    virtual ~frame_memory() = default;

private:
    std::atomic<std::uint32_t> references_{1};
    std::forward_list<std::string> kept_;
};

class bundle_ptr;

class bundle {
public:
    /// An empty bundle for up to `capacity` invocations whose views point into `memory`.
    [[nodiscard]] static bundle_ptr create(std::uint32_t capacity, frame_memory& memory);

    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    /// Of its own, without what its invocations point into.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return sizeof(bundle) + capacity_ * sizeof(invocation);
    }
    [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }
    [[nodiscard]] invocation& operator[](std::uint32_t i) noexcept { return first()[i]; }

    /// The next invocation, to be filled in. Only while not full.
    [[nodiscard]] invocation& add() noexcept { return *new (first() + size_++) invocation; }
    /// The next invocation, as a call that was in another bundle over the same memory.
    invocation& add_again(const invocation& call) noexcept {
        auto& added = add();
        added.id = call.id;
        added.source = call.source;
        added.payload = call.payload;
        added.key = call.key;
        added.trace = call.trace;
        added.deadline_ns = call.deadline_ns;
        added.arrived_ns = call.arrived_ns;
        added.attempt = call.attempt;
        added.retries_left = call.retries_left;
        added.moves = call.moves;
        added.origin = call.origin;
        added.address = call.address;
        return added;
    }
    /// Whose calls they are: by key, else by connection. All of a bundle are one caller's.
    void set_caller(std::uint64_t caller, std::uint32_t weight = 1) noexcept {
        caller_ = caller;
        weight_ = weight;
    }
    [[nodiscard]] std::uint64_t caller() const noexcept { return caller_; }
    [[nodiscard]] std::uint32_t weight() const noexcept { return weight_; }
    /// What its invocations point into.
    [[nodiscard]] frame_memory& memory() const noexcept { return *memory_; }
    /// Drops the invocations from `size` on; the caller has answered them.
    void truncate(std::uint32_t size) noexcept {
        while (size_ > size) first()[--size_].~invocation();
    }

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
    }

    bundle(const bundle&) = delete;
    bundle& operator=(const bundle&) = delete;

private:
    bundle(std::uint32_t capacity, frame_memory& memory) noexcept
        : capacity_(capacity),
          memory_(&memory) {
        memory.retain();
    }
    ~bundle() = default;
    [[nodiscard]] invocation* first() noexcept {
        return std::launder(reinterpret_cast<invocation*>(this + 1));
    }
    void destroy() noexcept;

    std::atomic<std::uint32_t> references_{1};
    std::uint32_t size_ = 0;
    std::uint32_t capacity_;
    std::uint32_t weight_ = 1;
    frame_memory* memory_;
    std::uint64_t caller_ = 0;
};
static_assert(sizeof(bundle) % alignof(invocation) == 0);

/// Shared ownership of a bundle. Copyable, because CAF messages are.
class bundle_ptr {
public:
    bundle_ptr() = default;
    explicit bundle_ptr(bundle* adopted) noexcept : bundle_(adopted) {}
    bundle_ptr(const bundle_ptr& other) noexcept : bundle_(other.bundle_) {
        if (bundle_ != nullptr) bundle_->retain();
    }
    bundle_ptr(bundle_ptr&& other) noexcept : bundle_(std::exchange(other.bundle_, nullptr)) {}
    bundle_ptr& operator=(bundle_ptr other) noexcept {
        std::swap(bundle_, other.bundle_);
        return *this;
    }
    ~bundle_ptr() {
        if (bundle_ != nullptr) bundle_->release();
    }

    [[nodiscard]] bundle* get() const noexcept { return bundle_; }
    bundle& operator*() const noexcept { return *bundle_; }
    bundle* operator->() const noexcept { return bundle_; }
    explicit operator bool() const noexcept { return bundle_ != nullptr; }

private:
    bundle* bundle_ = nullptr;
};

}  // namespace dunlin::actors
