// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace word_count {

namespace {

constexpr std::string_view help = R"(usage: word_count [DIR...] [OPTION...]

Counts the words of every text file under the folders by calling the function text/count_words of
a node or a cluster, many calls at a time. Without a folder: the texts that a Debian machine has,
which are /usr/share/common-licenses, /usr/share/doc and README files.

  --node ENDPOINT   Where a node listens; may be given again for other nodes of its cluster.
                    Default: tcp://127.0.0.1:7440
  --chunk SIZE      Text in one call, 1KiB to 2MiB. Default: 256KiB
  --window N        Calls in flight, 1 to 4096. Default: 64
  --top N           Words to list, most frequent first; 0 lists all. Default: 20
  --json            Print one JSON object.
  --help            This text.

Symbolic links inside the folders are not followed. Files with a NUL byte in their first 8 KiB are
taken for binary and passed over. Exit codes: 0 success, 1 a call failed, 2 usage, 3 no node
reached, 130 interrupted.
)";

struct unit {
    std::string_view name;
    std::size_t bytes;
};
constexpr std::array units{unit{"", 1},       unit{"B", 1},
                           unit{"KiB", 1024}, unit{"MiB", 1024 * 1024},
                           unit{"KB", 1000},  unit{"MB", 1'000'000}};

struct bounds {
    std::size_t min;
    std::size_t max;
};

std::optional<std::size_t> parse_number(std::string_view text, bool with_unit, bounds allowed) {
    std::size_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, failure] = std::from_chars(text.data(), end, number);
    if (failure != std::errc{} || (rest != end && !with_unit)) return std::nullopt;
    for (const unit& each : units) {
        if (each.name != std::string_view(rest, end)) continue;
        if (number > allowed.max / each.bytes) return std::nullopt;
        number *= each.bytes;
        if (number < allowed.min) return std::nullopt;
        return number;
    }
    return std::nullopt;
}

/// Goes through the arguments and fills in an `options`.
class parser {
public:
    explicit parser(const std::vector<std::string_view>& arguments) : left_(arguments) {}

    options parse() {
        while (at_ < left_.size() && read_.mistake.empty()) take(left_[at_++]);
        return std::move(read_);
    }

private:
    void take(std::string_view word) {
        if (folders_only_ || !word.starts_with('-')) {
            read_.folders.emplace_back(word);
            return;
        }
        // --name=value is --name value.
        const std::size_t equals = word.find('=');
        const std::string_view name = word.substr(0, equals);
        if (equals != std::string_view::npos) attached_ = word.substr(equals + 1);
        if (name == "--") {
            folders_only_ = true;
        } else if (name == "--json") {
            read_.json = true;
        } else if (name == "--help" || name == "-h") {
            read_.help = true;
        } else if (name == "--node") {
            // The first one given takes the default's place.
            if (!std::exchange(node_given_, true)) read_.nodes.clear();
            read_.nodes.push_back(value(name).value_or(""));
        } else if (name == "--chunk") {
            number(name, read_.chunk_bytes, true, {1024, 2 * 1024 * 1024});
        } else if (name == "--window") {
            number(name, read_.window, false, {1, 4096});
        } else if (name == "--top") {
            number(name, read_.top, false, {0, 1'000'000'000});
        } else {
            fail("no option " + std::string(name));
        }
        if (attached_) fail(std::string(name) + " takes no value");
    }

    std::optional<std::string> value(std::string_view name) {
        if (attached_) return std::string(*std::exchange(attached_, std::nullopt));
        if (at_ < left_.size()) return std::string(left_[at_++]);
        fail(std::string(name) + " needs a value");
        return std::nullopt;
    }

    void number(std::string_view name, std::size_t& to, bool with_unit, bounds allowed) {
        const auto text = value(name);
        if (!text) return;
        const auto parsed = parse_number(*text, with_unit, allowed);
        if (parsed)
            to = *parsed;
        else
            fail(std::string(name) + " " + *text + ": a number from " +
                 std::to_string(allowed.min) + " to " + std::to_string(allowed.max) +
                 (with_unit ? " bytes, as in 256KiB," : "") + " is needed");
    }

    void fail(std::string what) {
        if (read_.mistake.empty()) read_.mistake = std::move(what) + "; see word_count --help";
    }

    const std::vector<std::string_view>& left_;
    std::size_t at_ = 0;
    std::optional<std::string_view> attached_;
    bool folders_only_ = false;
    bool node_given_ = false;
    options read_;
};

}  // namespace

options parse_options(const std::vector<std::string_view>& arguments) {
    return parser(arguments).parse();
}

std::string_view help_text() { return help; }

}  // namespace word_count
