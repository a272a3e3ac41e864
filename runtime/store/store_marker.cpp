// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/store_marker.hpp"

#include <charconv>
#include <optional>

namespace dunlin::runtime::store {
namespace {

constexpr std::string_view first_line = "dunlin data";

error not_ours() {
    return {errc::invalid_argument, "is not the one of a data directory of Dunlin's"};
}

error damaged(std::string_view line) {
    return {errc::unavailable, "is damaged: it has no line '" + std::string(line) +
                                   "' where one belongs; restore it from a backup"};
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [at, failed] = std::from_chars(text.data(), end, value);
    if (failed != std::errc{} || at != end) return std::nullopt;
    return value;
}

class lines {
public:
    explicit lines(std::string_view text) noexcept : rest_(text) {}

    /// The next line, if it ends: a file that was cut has one that does not.
    [[nodiscard]] std::optional<std::string_view> next() noexcept {
        const auto end = rest_.find('\n');
        if (end == std::string_view::npos) return std::nullopt;
        const auto line = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return line;
    }
    /// What follows `name` and a blank in the next line.
    [[nodiscard]] std::optional<std::string_view> next(std::string_view name) noexcept {
        const auto line = next();
        if (!line || !line->starts_with(name) || line->size() == name.size()) return std::nullopt;
        if ((*line)[name.size()] != ' ') return std::nullopt;
        return line->substr(name.size() + 1);
    }
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

private:
    std::string_view rest_;
};

}  // namespace

std::string write_marker(const store_marker& marker) {
    std::string text(first_line);
    text += "\nformat " + std::to_string(data_format);
    text += "\ncluster " + marker.cluster;
    text += "\nnode " + marker.node;
    text += marker.ready ? "\nready yes" : "\nready no";
    text += "\nmanifest " + marker.manifest + " " + std::to_string(marker.manifest_bytes) + "\n";
    return text;
}

result<store_marker> read_marker(std::string_view text) {
    lines rest(text);
    if (text.size() > marker_bytes_max || rest.next() != first_line) return not_ours();
    // A later format may have any other lines, so this one comes first and is judged first.
    const auto format = rest.next("format");
    if (!format || !number(*format) || number(*format) == 0u) return damaged("format N");
    if (number(*format) > data_format)
        return {errc::invalid_argument,
                "was written by a newer version of Dunlin: it is of format " +
                    std::to_string(*number(*format)) + ", and this version reads up to " +
                    std::to_string(data_format) + "; use that version again, or a newer one"};
    store_marker marker;
    const auto cluster = rest.next("cluster");
    if (!cluster) return damaged("cluster NAME");
    marker.cluster = *cluster;
    const auto node = rest.next("node");
    if (!node) return damaged("node NAME");
    marker.node = *node;
    const auto ready = rest.next("ready");
    if (ready != "yes" && ready != "no") return damaged("ready yes");
    marker.ready = ready == "yes";
    const auto manifest = rest.next("manifest");
    const auto blank = manifest ? manifest->rfind(' ') : std::string_view::npos;
    if (blank == std::string_view::npos) return damaged("manifest NAME SIZE");
    const auto bytes = number(manifest->substr(blank + 1));
    marker.manifest = manifest->substr(0, blank);
    // It becomes part of a path.
    if (!bytes || marker.manifest.find('/') != std::string::npos || !rest.at_end())
        return damaged("manifest NAME SIZE");
    marker.manifest_bytes = *bytes;
    return marker;
}

}  // namespace dunlin::runtime::store
