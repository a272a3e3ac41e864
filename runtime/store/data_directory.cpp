// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/data_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace dunlin::runtime::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view marker_name = "/dunlin-data";
constexpr std::string_view new_marker_name = "/dunlin-data.new";
constexpr std::string_view lock_name = "/dunlin-lock";
// State is as private as what it is about.
constexpr mode_t directory_mode = S_IRWXU;
constexpr mode_t file_mode = S_IRUSR | S_IWUSR;

class descriptor {
public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_;
};

std::string joined(const std::string& path, std::string_view name) {
    return path + std::string(name);
}

error system_error_at(const std::string& path, std::string_view doing, int number) {
    std::string problem = "cannot " + std::string(doing) + ": " + std::strerror(number);
    switch (number) {
        case EROFS:
        case EACCES:
        case EPERM:
            problem += "; let the node's user write there, or name another directory";
            break;
        case ENOSPC:
        case EDQUOT: problem += "; make room there, or name another directory"; break;
        case ENOENT: problem += "; make its parent first, or name another directory"; break;
        default: break;
    }
    return bad_directory(errc::unavailable, path, problem);
}

// Empty where there is no such file.
result<std::optional<std::string>> read_small_file(const std::string& path,
                                                   const std::string& file) {
    const descriptor from(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (from.get() < 0) {
        if (errno == ENOENT) return std::optional<std::string>{};
        return system_error_at(path, "read " + file, errno);
    }
    // One byte more than is allowed: what is too long is seen to be.
    std::string text(marker_bytes_max + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const auto got = ::read(from.get(), text.data() + size, text.size() - size);
        if (got == 0) break;
        if (got > 0) size += static_cast<std::size_t>(got);
        if (got < 0 && errno != EINTR) return system_error_at(path, "read " + file, errno);
    }
    text.resize(size);
    return std::optional(std::move(text));
}

result<void> write_all(int fd, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const auto put = ::write(fd, text.data(), text.size());
        if (put > 0) text.remove_prefix(static_cast<std::size_t>(put));
        if (put < 0 && errno != EINTR) return system_error_at(path, "write to it", errno);
    }
    return {};
}

// So that what was made or renamed in it survives a crash of the machine.
result<void> sync_directory(const std::string& of, const std::string& path) {
    const descriptor directory(::open(of.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
    if (directory.get() < 0 || ::fsync(directory.get()) != 0)
        return system_error_at(path, "sync " + of, errno);
    return {};
}

// In place of the old one, at once: after a crash there is one or the other.
result<void> replace_marker(const std::string& path, const store_marker& marker) {
    const auto file = joined(path, new_marker_name);
    const descriptor to(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, file_mode));
    if (to.get() < 0) return system_error_at(path, "write to it", errno);
    if (auto done = write_all(to.get(), write_marker(marker), path); !done) return done;
    if (::fsync(to.get()) != 0 || ::rename(file.c_str(), joined(path, marker_name).c_str()) != 0)
        return system_error_at(path, "write to it", errno);
    return sync_directory(path, path);
}

// Whether all that is in it may have been left by a node that was killed while it made it.
result<bool> is_unused(const std::string& path) {
    std::error_code failed;
    for (fs::directory_iterator at(path, failed), end; !failed && at != end; at.increment(failed)) {
        const auto name = "/" + at->path().filename().string();
        if (name != lock_name && name != new_marker_name) return false;
    }
    if (failed) return system_error_at(path, "list it", failed.value());
    return true;
}

// What it is, without touching it. Empty: nothing yet.
result<std::optional<store_marker>> look_at(const std::string& path) {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return system_error_at(path, "look at it", errno);
    if (!S_ISDIR(about.st_mode))
        return bad_directory(errc::invalid_argument, path,
                             "it is not a directory; name one that is, or is not there yet");
    const auto file = joined(path, marker_name);
    auto text = read_small_file(path, file);
    if (!text) return text.error();
    if (*text) {
        auto marker = read_marker(**text);
        if (marker) return std::optional(*std::move(marker));
        return bad_directory(marker.error().code, path, file + " " + marker.error().detail);
    }
    auto unused = is_unused(path);
    if (!unused) return unused.error();
    if (!*unused)
        return bad_directory(errc::invalid_argument, path,
                             "it is not empty, and Dunlin did not make what is in it; name a "
                             "directory that is new or empty");
    return std::optional<store_marker>{};
}

result<void> check_owner(const std::string& path, const store_marker& marker,
                         std::string_view cluster, std::string_view node) {
    const bool other_cluster = marker.cluster != cluster;
    const bool other_node = !node.empty() && !marker.node.empty() && marker.node != node;
    if (!other_cluster && !other_node) return {};
    const auto name = [](std::string_view of_node, std::string_view of_cluster) {
        std::string text = of_node.empty() ? "a node" : "node " + std::string(of_node);
        return text + " of cluster " + std::string(of_cluster);
    };
    return bad_directory(errc::invalid_argument, path,
                         "it has the state of " + name(marker.node, marker.cluster) +
                             ", and this is " + name(node, cluster) +
                             "; name the directory of this node, or a new one");
}

result<int> take_lock(const std::string& path) {
    const auto file = joined(path, lock_name);
    descriptor locked(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_mode));
    if (locked.get() < 0) return system_error_at(path, "write to it", errno);
    if (::flock(locked.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return system_error_at(path, "lock it", errno);
        std::string who = "another process";
        const auto text = read_small_file(path, file);
        if (text && *text && (*text)->ends_with('\n') && (*text)->size() < 16)
            who = "process " + (*text)->substr(0, (*text)->size() - 1);
        return bad_directory(errc::unavailable, path,
                             who + " uses it; stop that one, or name another directory");
    }
    // For the sentence above, and for nothing else.
    if (::ftruncate(locked.get(), 0) != 0) return system_error_at(path, "write to it", errno);
    auto done = write_all(locked.get(), std::to_string(::getpid()) + "\n", path);
    if (!done) return done.error();
    return locked.release();
}

result<void> make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), directory_mode) != 0) {
        if (errno == EEXIST) return {};
        return system_error_at(path, "make it", errno);
    }
    auto parent = fs::path(path).lexically_normal();
    if (!parent.has_filename()) parent = parent.parent_path();  // "d/"
    parent = parent.parent_path();
    return sync_directory(parent.empty() ? "." : parent.string(), path);
}

struct manifest_state {
    std::string name;
    std::uint64_t bytes = 0;
};

// The list of files that is in use, as the database's CURRENT names it; no name: none.
manifest_state manifest_of(const std::string& path, const std::string& database) {
    const auto text = read_small_file(path, database + "/CURRENT");
    if (!text || !*text || !(*text)->ends_with('\n')) return {};
    manifest_state found{(*text)->substr(0, (*text)->size() - 1), 0};
    struct stat about {};
    if (::stat((database + "/" + found.name).c_str(), &about) != 0) return {};
    found.bytes = static_cast<std::uint64_t>(about.st_size);
    return found;
}

}  // namespace

error bad_directory(errc code, const std::string& path, std::string_view problem) {
    return {code, "data directory " + path + ": " + std::string(problem)};
}

result<data_directory> data_directory::claim(std::string path, std::string_view cluster,
                                             std::string_view node) {
    if (auto made = make_directory(path); !made) return made.error();
    // Before the lock, which would leave a file in a directory that is somebody else's.
    if (auto found = look_at(path); !found) return found.error();
    auto locked = take_lock(path);
    if (!locked) return locked.error();
    data_directory claimed(std::move(path), {}, *locked);
    // Once more: before the lock another process may have been at work.
    auto found = look_at(claimed.path_);
    if (!found) return found.error();
    if (*found) {
        claimed.marker_ = **std::move(found);
        if (auto ours = check_owner(claimed.path_, claimed.marker_, cluster, node); !ours)
            return ours.error();
        if (claimed.marker_.node.empty()) claimed.marker_.node = node;
        return claimed;
    }
    claimed.marker_.cluster = cluster;
    claimed.marker_.node = node;
    if (auto done = replace_marker(claimed.path_, claimed.marker_); !done) return done.error();
    return claimed;
}

data_directory::data_directory(std::string path, store_marker marker, int lock) noexcept
    : path_(std::move(path)),
      marker_(std::move(marker)),
      lock_(lock) {}

data_directory::data_directory(data_directory&& other) noexcept
    : path_(std::move(other.path_)),
      marker_(std::move(other.marker_)),
      lock_(std::exchange(other.lock_, -1)) {}

data_directory::~data_directory() {
    if (lock_ >= 0) ::close(lock_);  // and with it the lock
}

result<void> data_directory::check_manifest() const {
    const auto now = manifest_of(path_, database());
    // Another name is another list: the node was killed after the database had begun it.
    if (marker_.manifest.empty() || now.name != marker_.manifest ||
        now.bytes >= marker_.manifest_bytes)
        return {};
    return bad_directory(errc::unavailable, path_,
                         "it is damaged: " + database() + "/" + now.name + " has " +
                             std::to_string(now.bytes) + " bytes and had " +
                             std::to_string(marker_.manifest_bytes) +
                             "; restore the directory from a backup");
}

result<void> data_directory::note_ready() {
    auto now = manifest_of(path_, database());
    store_marker marker = marker_;
    marker.ready = true;
    marker.manifest = std::move(now.name);
    marker.manifest_bytes = now.bytes;
    if (marker == marker_) return {};
    if (auto done = replace_marker(path_, marker); !done) return done;
    marker_ = std::move(marker);
    return {};
}

std::uint64_t data_directory::free_bytes() const noexcept {
    struct statvfs about {};
    if (::statvfs(path_.c_str(), &about) != 0) return UINT64_MAX;
    return std::uint64_t{about.f_bavail} * about.f_frsize;
}

}  // namespace dunlin::runtime::store
