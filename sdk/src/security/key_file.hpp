// SPDX-License-Identifier: Apache-2.0
//
// Files that hold a CURVE key: of a cluster's nodes, or of a client.
//
// A key pair is two files of a little TOML: lines of key = "value", and comments. NAME.key holds
// both keys and belongs to one owner alone: it is refused when group or others may read or change
// it, and when it is not a regular file. NAME.pub holds the public key and may be seen by anyone.
// Keys are written in Z85 (40 characters), as everywhere where ZeroMQ shows them.
//
// Errors say which file, what is wrong and what to try, and never show what stands in a file: it
// may be the secret. Plain functions; any thread.
#pragma once

#include "security/secret_text.hpp"

#include <dunlin/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dunlin::security {

/// Characters of a key in Z85, and its bytes as ZeroMQ carries it.
inline constexpr std::size_t key_characters = 40;
inline constexpr std::size_t key_bytes = 32;

struct key_pair {
    std::string name;
    std::string public_key;
    secret_text secret_key;  // empty: only the public key is known
};

/// What `read_public_key` does with a file that holds the secret key too.
enum class secret_too : std::uint8_t {
    forget,  // takes the public key
    refuse,  // the secret key has no business on this side
};

/// Reads NAME.key. Errors: `invalid_argument`.
[[nodiscard]] result<key_pair> read_secret_key(const std::string& path);
/// Reads NAME.pub, or the public half of NAME.key. Errors: `invalid_argument`.
[[nodiscard]] result<key_pair> read_public_key(const std::string& path,
                                               secret_too secret = secret_too::forget);

/// What stands in a file of either kind; `path` appears in errors. Errors: `invalid_argument`.
[[nodiscard]] result<key_pair> parse_key_file(std::string_view text, const std::string& path);

/// A new pair. Errors: `unavailable` when ZeroMQ has been built without CURVE.
[[nodiscard]] result<key_pair> make_key_pair(std::string name);
/// Writes a pair to `secret_path` (mode 0600) and `public_path` (0644), whatever the umask. Neither
/// may exist; after an error neither does.
[[nodiscard]] result<void> write_key_files(const key_pair& pair, const std::string& secret_path,
                                           const std::string& public_path);

/// 40 characters of Z85 that are a key; the key of only zeros, which stands for none, is not.
[[nodiscard]] bool is_public_key(std::string_view z85) noexcept;
/// The Z85 of a key as ZeroMQ carries it, for instance in a ZAP request.
[[nodiscard]] std::string public_key_text(std::span<const std::byte, key_bytes> key);

/// What keys and their holders may be called: it ends in logs and, for `keygen`, in paths.
[[nodiscard]] bool is_key_name(std::string_view name) noexcept;
inline constexpr std::string_view key_name_rule =
    "1 to 64 characters of a-z, 0-9, '_', '-' and '.', the first a letter or a digit";

}  // namespace dunlin::security
