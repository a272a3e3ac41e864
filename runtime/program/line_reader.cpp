// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/line_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace dunlin::program {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{64} << 10;

}  // namespace

result<line_reader> line_reader::open(const std::string& path) {
    if (path == "-") return line_reader(::dup(STDIN_FILENO));
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return {errc::invalid_argument, "cannot read " + path + ": " + std::strerror(errno)};
    line_reader opened(fd);
    struct stat facts {};
    if (::fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode))
        return {errc::invalid_argument, "cannot read " + path + ": it is a directory"};
    return opened;
}

line_reader::line_reader(line_reader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      buffer_(std::move(other.buffer_)) {}

line_reader::~line_reader() {
    if (fd_ >= 0) ::close(fd_);
}

result<void> line_reader::fill() {
    buffer_.erase(0, at_);
    searched_ -= at_;
    at_ = 0;
    if (buffer_.size() > line_bytes_max)
        return {errc::invalid_argument, "line " + std::to_string(line_number_ + 1) +
                                            " is longer than " +
                                            std::to_string(line_bytes_max >> 20) + " MiB"};
    const auto before = buffer_.size();
    buffer_.resize(before + chunk_bytes);
    const auto got = ::read(fd_, buffer_.data() + before, chunk_bytes);
    const int why = errno;
    buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && why != EINTR && why != EAGAIN)
        return {errc::invalid_argument,
                std::string("cannot read the input: ") + std::strerror(why)};
    at_end_ = got == 0;
    return {};
}

bool line_reader::take(std::string_view& line) {
    while (at_ < buffer_.size()) {
        auto end = buffer_.find('\n', searched_);
        if (end == std::string::npos) {
            searched_ = buffer_.size();
            if (!at_end_) return false;
            end = buffer_.size();
        }
        line = std::string_view(buffer_).substr(at_, end - at_);
        at_ = searched_ = std::min(end + 1, buffer_.size());
        ++line_number_;
        if (line.find_first_not_of(" \t\r") != std::string_view::npos) return true;
    }
    return false;
}

}  // namespace dunlin::program
