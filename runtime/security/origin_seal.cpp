// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/origin_seal.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace dunlin::runtime {

namespace {

std::uint64_t load(const std::byte* from, std::size_t bytes = 8) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value |= static_cast<std::uint64_t>(from[i]) << (8 * i);
    return value;
}

class sip_state {
public:
    explicit sip_state(std::span<const std::byte, 16> key) noexcept {
        const auto k0 = load(key.data());
        const auto k1 = load(key.data() + 8);
        v_[0] = k0 ^ 0x736f6d6570736575;
        v_[1] = k1 ^ 0x646f72616e646f6d;
        v_[2] = k0 ^ 0x6c7967656e657261;
        v_[3] = k1 ^ 0x7465646279746573;
    }
    void take(std::uint64_t word) noexcept {
        v_[3] ^= word;
        round();
        round();
        v_[0] ^= word;
    }
    [[nodiscard]] std::uint64_t finish() noexcept {
        v_[2] ^= 0xff;
        for (int i = 0; i < 4; ++i) round();
        return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
    }

private:
    void round() noexcept {
        v_[0] += v_[1];
        v_[1] = std::rotl(v_[1], 13) ^ v_[0];
        v_[0] = std::rotl(v_[0], 32);
        v_[2] += v_[3];
        v_[3] = std::rotl(v_[3], 16) ^ v_[2];
        v_[0] += v_[3];
        v_[3] = std::rotl(v_[3], 21) ^ v_[0];
        v_[2] += v_[1];
        v_[1] = std::rotl(v_[1], 17) ^ v_[2];
        v_[2] = std::rotl(v_[2], 32);
    }
    std::uint64_t v_[4];
};

}  // namespace

std::uint64_t sip_hash(std::span<const std::byte, 16> key,
                       std::span<const std::byte> data) noexcept {
    sip_state state(key);
    const auto size = data.size();
    const auto* at = data.data();
    for (auto left = size; left >= 8; left -= 8, at += 8) state.take(load(at));
    state.take(load(at, size % 8) | static_cast<std::uint64_t>(size) << 56);
    return state.finish();
}

// Two hashes of the secret make the key: neither is of any use against the secret itself.
origin_seal::origin_seal(std::string_view secret_key) noexcept {
    constexpr std::string_view purposes[] = {"dunlin/origin/0", "dunlin/origin/1"};
    for (std::size_t half = 0; half < 2; ++half) {
        std::array<std::byte, 16> seed{};
        std::memcpy(
            seed.data(), secret_key.data() + 16 * half,
            std::min<std::size_t>(16, secret_key.size() - std::min(secret_key.size(), 16 * half)));
        const auto hashed = sip_hash(seed, std::as_bytes(std::span(purposes[half])));
        std::memcpy(key_.data() + 8 * half, &hashed, 8);
        security::wipe_bytes(seed.data(), seed.size());
    }
}

std::uint64_t origin_seal::origin_of(std::string_view public_key,
                                     std::uint64_t told) const noexcept {
    std::array<std::byte, 48> data{};
    std::memcpy(data.data(), public_key.data(), std::min<std::size_t>(public_key.size(), 40));
    for (std::size_t i = 0; i < 8; ++i) data[40 + i] = static_cast<std::byte>(told >> (8 * i));
    const auto sealed = sip_hash(key_, data);
    return sealed == 0 ? 1 : sealed;
}

}  // namespace dunlin::runtime
