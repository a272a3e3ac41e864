// SPDX-License-Identifier: Apache-2.0
#include "security/file_access.hpp"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace dunlin::security {
namespace {

constexpr const char* list_name = "system.posix_acl_access";
constexpr std::size_t list_bytes_max = 4096;  // some 500 entries; one is expected
constexpr mode_t of_others = S_IRWXG | S_IRWXO;

struct grant {
    std::uint16_t tag;
    std::uint16_t rights;
    std::uint32_t id;
};

grant read_grant(std::span<const std::byte> entry) noexcept {
    posix_acl_xattr_entry raw{};
    std::memcpy(&raw, entry.data(), sizeof raw);
    return {le16toh(raw.e_tag), le16toh(raw.e_perm), le32toh(raw.e_id)};
}

}  // namespace

bool grants_only_to(std::span<const std::byte> list, uid_t user) noexcept {
    posix_acl_xattr_header header{};
    if (list.size() < sizeof header) return false;
    std::memcpy(&header, list.data(), sizeof header);
    const auto entries = list.subspan(sizeof header);
    constexpr std::size_t step = sizeof(posix_acl_xattr_entry);
    if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION || entries.size() % step != 0)
        return false;
    // The mask bounds what all others than the owner and "other" have; there need not be one.
    std::uint32_t mask = 0xffff;
    for (std::size_t at = 0; at < entries.size(); at += step) {
        const auto each = read_grant(entries.subspan(at, step));
        if (each.tag == ACL_MASK) mask = each.rights;
    }
    bool is_whole = false;
    for (std::size_t at = 0; at < entries.size(); at += step) {
        const auto each = read_grant(entries.subspan(at, step));
        switch (each.tag) {
            case ACL_USER_OBJ:
            case ACL_MASK: break;
            case ACL_USER:
                if (each.id != user && (each.rights & mask) != 0) return false;
                break;
            case ACL_GROUP_OBJ:
            case ACL_GROUP:
                if ((each.rights & mask) != 0) return false;
                break;
            case ACL_OTHER:
                if (each.rights != 0) return false;
                is_whole = true;  // each list ends with it
                break;
            default: return false;
        }
    }
    return is_whole;
}

bool is_private_file(int fd, const struct stat& about) noexcept {
    if ((about.st_mode & of_others) == 0) return true;
    // Who owns the file may read it, and may grant anything at any time.
    const auto user = ::geteuid();
    if (about.st_uid != 0 && about.st_uid != user) return false;
    std::array<std::byte, list_bytes_max> list{};
    const auto size = ::fgetxattr(fd, list_name, list.data(), list.size());
    return size > 0 && grants_only_to(std::span(list).first(static_cast<std::size_t>(size)), user);
}

}  // namespace dunlin::security
