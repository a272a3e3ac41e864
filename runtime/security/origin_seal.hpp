// SPDX-License-Identifier: Apache-2.0
//
// Gives each key origins of its own.
//
// A call is known on its whole way by the origin that its caller tells and by its number there,
// and one that comes again gets the first one's answer. So nobody may speak with the origin of
// another: inside a cluster with keys an origin is replaced by a number made of it, of the
// caller's key and of a secret of the nodes, with SipHash-2-4 (Aumasson, Bernstein 2012). Every
// node makes the same number of the same caller, and nobody can find a pair that makes the number
// of somebody else. A value; any thread.
#pragma once

#include "security/secret_text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dunlin::runtime {

/// SipHash-2-4 of `data`.
[[nodiscard]] std::uint64_t sip_hash(std::span<const std::byte, 16> key,
                                     std::span<const std::byte> data) noexcept;

class origin_seal {
public:
    /// @param secret_key of the nodes, Z85
    explicit origin_seal(std::string_view secret_key) noexcept;
    origin_seal(const origin_seal&) = default;
    origin_seal& operator=(const origin_seal&) = default;
    ~origin_seal() { security::wipe_bytes(key_.data(), key_.size()); }

    /// Never 0.
    [[nodiscard]] std::uint64_t origin_of(std::string_view public_key,
                                          std::uint64_t told) const noexcept;

private:
    std::array<std::byte, 16> key_{};
};

}  // namespace dunlin::runtime
