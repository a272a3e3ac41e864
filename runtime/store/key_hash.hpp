// SPDX-License-Identifier: Apache-2.0
//
// 128 bits that stand for a key, so that a table need not hold keys of any length.
//
// Keys are chosen by callers, and two keys that were taken for one would let a write pass that has
// to be refused. So this is SipHash-2-4 with 128 bits (Aumasson, Bernstein: "SipHash: a fast
// short-input PRF", 2012) under a secret that each process draws: without it nobody can make two
// keys that meet, and by chance two of a million do with a probability of 10^-27. Pure.
#pragma once

#include <dunlin/bytes.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace dunlin::runtime::store {

struct key_hash {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    friend bool operator==(const key_hash&, const key_hash&) = default;
};

class key_hasher {
public:
    key_hasher(std::uint64_t secret_low, std::uint64_t secret_high) noexcept
        : low_(secret_low),
          high_(secret_high) {}

    /// Of a key in a space: of eight bytes for the space, and the key.
    [[nodiscard]] key_hash operator()(std::uint64_t space, bytes_view key) const noexcept {
        lanes of{low_ ^ 0x736f'6d65'7073'6575u, high_ ^ 0x646f'7261'6e64'6f6du ^ 0xee,
                 low_ ^ 0x6c79'6765'6e65'7261u, high_ ^ 0x7465'6462'7974'6573u};
        of.take(space);
        const std::size_t whole = key.size() & ~std::size_t{7};
        for (std::size_t at = 0; at < whole; at += 8) of.take(word(key.data() + at, 8));
        const std::uint64_t length = (key.size() + 8) << 56;
        of.take(length | word(key.data() + whole, key.size() - whole));
        of.c ^= 0xee;
        const std::uint64_t low = of.end();
        of.b ^= 0xdd;
        return {low, of.end()};
    }

private:
    struct lanes {
        std::uint64_t a, b, c, d;

        void round() noexcept {
            a += b;
            b = std::rotl(b, 13) ^ a;
            a = std::rotl(a, 32);
            c += d;
            d = std::rotl(d, 16) ^ c;
            a += d;
            d = std::rotl(d, 21) ^ a;
            c += b;
            b = std::rotl(b, 17) ^ c;
            c = std::rotl(c, 32);
        }
        void take(std::uint64_t block) noexcept {
            d ^= block;
            round();
            round();
            a ^= block;
        }
        [[nodiscard]] std::uint64_t end() noexcept {
            for (int i = 0; i < 4; ++i) round();
            return a ^ b ^ c ^ d;
        }
    };

    // Little-endian, as SipHash has it.
    static std::uint64_t word(const std::byte* from, std::size_t size) noexcept {
        static_assert(std::endian::native == std::endian::little);
        std::uint64_t number = 0;
        if (size != 0) std::memcpy(&number, from, size);
        return number;
    }

    std::uint64_t low_;
    std::uint64_t high_;
};

}  // namespace dunlin::runtime::store
