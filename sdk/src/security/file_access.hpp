// SPDX-License-Identifier: Apache-2.0
//
// Whether an open file is a secret of this process's user.
//
// The permission bits do not tell alone. A file that systemd hands to a service (LoadCredential)
// belongs to root, and an access control list lets the service's user read it; the bits for the
// group then show the list's mask, and 0440 looks like a file that a group may read (systemd from
// version 254 on). So where there is a list, the list is asked. Any thread.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <span>

namespace dunlin::security {

/// True when nobody may read or change the file but root and this process's user.
[[nodiscard]] bool is_private_file(int fd, const struct stat& about) noexcept;

/// The same question to a list, as the kernel stores it (system.posix_acl_access), about what it
/// grants to others than the file's owner. Lists that cannot be understood grant everything.
[[nodiscard]] bool grants_only_to(std::span<const std::byte> list, uid_t user) noexcept;

}  // namespace dunlin::security
