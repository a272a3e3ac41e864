// SPDX-License-Identifier: Apache-2.0
#include "security/key_file.hpp"

#include "security/file_access.hpp"
#include "support/names.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace dunlin::security {
namespace {

constexpr std::size_t file_bytes_max = 64u << 10;
constexpr mode_t secret_mode = S_IRUSR | S_IWUSR;
constexpr mode_t public_mode = secret_mode | S_IRGRP | S_IROTH;

using key_text = std::array<char, key_characters + 1>;

error bad_file(const std::string& path, const std::string& problem) {
    return {errc::invalid_argument, "key file " + path + ": " + problem};
}

error system_error_at(const std::string& path, const char* doing, int number) {
    return bad_file(path, std::string("cannot ") + doing + ": " + std::strerror(number));
}

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

struct file_text {
    std::string text;
    bool is_private = false;

    ~file_text() { wipe(text); }
};

result<void> read_file(const std::string& path, file_text& to) {
    // Not blocking: a pipe would be waited for until someone writes to it.
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) {
        return errno == ENOENT ? bad_file(path, "no such file; dunlin keygen makes keys")
                               : system_error_at(path, "open it", errno);
    }
    struct stat about {};
    if (::fstat(file.get(), &about) != 0) return system_error_at(path, "look at it", errno);
    if (!S_ISREG(about.st_mode)) return bad_file(path, "it is not a regular file");
    to.is_private = is_private_file(file.get(), about);
    // In one piece: memory that grows would leave copies of the secret behind.
    to.text.resize(file_bytes_max);
    std::size_t size = 0;
    while (size < to.text.size()) {
        const auto got = ::read(file.get(), to.text.data() + size, to.text.size() - size);
        if (got == 0) break;
        if (got > 0) size += static_cast<std::size_t>(got);
        if (got < 0 && errno != EINTR) return system_error_at(path, "read it", errno);
    }
    if (size == to.text.size()) return bad_file(path, "it is too large to be a key file");
    to.text.resize(size);
    return {};
}

bool is_key(std::string_view z85) noexcept {
    if (z85.size() != key_characters) return false;
    key_text terminated{};
    std::copy(z85.begin(), z85.end(), terminated.begin());
    std::array<std::uint8_t, key_bytes> key{};
    const bool good = zmq_z85_decode(key.data(), terminated.data()) != nullptr &&
                      std::any_of(key.begin(), key.end(), [](auto byte) { return byte != 0; });
    wipe_bytes(key.data(), key.size());
    wipe_bytes(terminated.data(), terminated.size());
    return good;
}

bool belong_together(const key_pair& pair) {
    key_text made{};
    return zmq_curve_public(made.data(), pair.secret_key.reveal().c_str()) == 0 &&
           pair.public_key == made.data();
}

// The lines of a key file, pointing into its text.
struct key_lines {
    std::optional<std::string_view> name;
    std::optional<std::string_view> public_key;
    std::optional<std::string_view> secret_key;

    [[nodiscard]] std::optional<std::string_view>* find(std::string_view key) noexcept {
        if (key == "name") return &name;
        if (key == "public_key") return &public_key;
        return key == "secret_key" ? &secret_key : nullptr;
    }
};

std::string_view without_blanks(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\r";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// `key = "value"`, and perhaps a comment behind it. Nothing else of TOML is needed, so nothing else
// is understood: every client carries this, and what it reads may be anything.
bool read_line(std::string_view line, key_lines& to) {
    line = without_blanks(line);
    if (line.empty() || line.front() == '#') return true;
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return false;
    auto* const field = to.find(without_blanks(line.substr(0, equals)));
    auto value = without_blanks(line.substr(equals + 1));
    if (field == nullptr || *field || !value.starts_with('"')) return false;
    value.remove_prefix(1);
    const auto end = value.find('"');
    if (end == std::string_view::npos) return false;
    const auto behind = without_blanks(value.substr(end + 1));
    value = value.substr(0, end);
    // No key and no name has an escape in it.
    if ((!behind.empty() && behind.front() != '#') || value.find('\\') != std::string_view::npos)
        return false;
    *field = value;
    return true;
}

result<key_pair> to_pair(const std::string& path, const key_lines& lines) {
    key_pair pair;
    pair.name = lines.name.value_or("");
    pair.public_key = lines.public_key.value_or("");
    if (!is_key_name(pair.name))
        return bad_file(path, "it has no good name; a name is " + std::string(key_name_rule));
    if (!is_public_key(pair.public_key))
        return bad_file(path,
                        "public_key is not there, or not a key: 40 characters of Z85, as dunlin "
                        "keygen writes them");
    if (!lines.secret_key) return pair;
    pair.secret_key = secret_text(std::string(*lines.secret_key));
    if (!is_key(pair.secret_key.reveal()))
        return bad_file(path,
                        "secret_key is not a key: 40 characters of Z85, as dunlin keygen writes "
                        "them");
    if (!belong_together(pair))
        return bad_file(path,
                        "its public_key is not that of its secret_key; copy both from the same "
                        "file");
    return pair;
}

// What a file of either kind holds.
result<key_pair> read_key_file(const std::string& path) {
    file_text file;
    if (auto read = read_file(path, file); !read) return std::move(read.error());
    auto pair = parse_key_file(file.text, path);
    if (pair && !pair->secret_key.empty() && !file.is_private)
        return bad_file(path,
                        "it holds a secret key, and others than its owner may read or change it; "
                        "run chmod 600 on it, and make new keys if others may have read it");
    return pair;
}

std::string in_quotes(std::string_view text) {
    std::string out(1, '"');
    out += text;
    out += '"';
    return out;
}

std::string public_text(const key_pair& pair) {
    return "# The public key of " + pair.name + ", for whoever is to talk to it. No secret.\n" +
           "name = " + in_quotes(pair.name) + "\n" + "public_key = " + in_quotes(pair.public_key) +
           "\n";
}

result<void> write_file(const std::string& path, std::string_view text, mode_t mode) {
    descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret_mode));
    if (file.get() < 0) {
        return errno == EEXIST
                   ? bad_file(path,
                              "it exists already, and keys are never overwritten; move it "
                              "away, or choose another name")
                   : system_error_at(path, "make it", errno);
    }
    const auto failed = [&](const char* doing) {
        auto why = system_error_at(path, doing, errno);
        ::unlink(path.c_str());
        return why;
    };
    // The mode of open passes through the umask, which may take from us what we need.
    if (::fchmod(file.get(), mode) != 0) return failed("set its permissions");
    while (!text.empty()) {
        const auto put = ::write(file.get(), text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return failed("write it");
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fsync(file.get()) != 0) return failed("write it");
    if (::close(file.release()) != 0) return failed("write it");
    return {};
}

}  // namespace

result<key_pair> parse_key_file(std::string_view text, const std::string& path) {
    key_lines lines;
    std::size_t number = 0;
    for (auto rest = text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        ++number;
        if (!read_line(line, lines))
            return bad_file(path, "line " + std::to_string(number) +
                                      " is none of a key file; those have name, public_key and "
                                      "secret_key once, each as in name = \"shop\"");
    }
    return to_pair(path, lines);
}

result<key_pair> read_secret_key(const std::string& path) {
    auto pair = read_key_file(path);
    if (pair && pair->secret_key.empty())
        return bad_file(path,
                        "it holds a public key only; give the file with the secret key, "
                        "whose name ends in .key");
    return pair;
}

result<key_pair> read_public_key(const std::string& path, secret_too secret) {
    auto pair = read_key_file(path);
    if (!pair || pair->secret_key.empty()) return pair;
    if (secret == secret_too::refuse)
        return bad_file(path,
                        "it holds a secret key, which belongs to its owner alone; give the "
                        "public file, whose name ends in .pub");
    pair->secret_key = {};
    return pair;
}

result<key_pair> make_key_pair(std::string name) {
    key_text public_key{};
    key_text secret_key{};
    if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0)
        return {errc::unavailable, "this ZeroMQ makes no keys: it has been built without CURVE"};
    key_pair pair{std::move(name), public_key.data(), secret_text(secret_key.data())};
    wipe_bytes(secret_key.data(), secret_key.size());
    return pair;
}

result<void> write_key_files(const key_pair& pair, const std::string& secret_path,
                             const std::string& public_path) {
    std::string text;
    text.reserve(4096);  // so that it never moves
    text += "# The secret key of " + pair.name +
            ". Whoever reads this file can act in that name: keep it where it is used,\n"
            "# never send it, never commit it. Its public half is in the file that ends in .pub.\n"
            "name = " +
            in_quotes(pair.name) + "\npublic_key = " + in_quotes(pair.public_key) +
            "\nsecret_key = \"";
    text += pair.secret_key.reveal();
    text += "\"\n";
    auto written = write_file(secret_path, text, secret_mode);
    wipe(text);
    if (!written) return written;
    written = write_file(public_path, public_text(pair), public_mode);
    if (!written) ::unlink(secret_path.c_str());
    return written;
}

bool is_public_key(std::string_view z85) noexcept { return is_key(z85); }

std::string public_key_text(std::span<const std::byte, key_bytes> key) {
    key_text text{};
    zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
    return text.data();
}

bool is_key_name(std::string_view name) noexcept {
    return support::is_name(name) && name.front() != '.' && name.front() != '-' &&
           name.front() != '_';
}

}  // namespace dunlin::security
