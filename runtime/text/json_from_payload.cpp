// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/base64.hpp"
#include "runtime/text/json_payload.hpp"

#include <dunlin/codec/reader.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace dunlin::runtime {
namespace {

constexpr std::size_t step = 2;

/// Writes while it reads: no tree in between, so a large result takes the memory of its text.
class printer {
public:
    printer(reader& from, std::string& to, json_layout layout)
        : from_(from),
          to_(to),
          layout_(layout) {}

    bool value() {
        switch (from_.peek()) {
            case kind::nil: to_ += "null"; return from_.nil();
            case kind::boolean: return boolean();
            case kind::integer: return integer();
            case kind::real: return real();
            case kind::text: return text();
            case kind::binary: return binary();
            case kind::array: return array();
            case kind::map: return map();
            case kind::extension: return extension();
            case kind::none: break;
        }
        return from_.skip();  // fails, and says why
    }

private:
    bool boolean() {
        bool on = false;
        if (!from_.boolean(on)) return false;
        to_ += on ? "true" : "false";
        return true;
    }

    bool integer() {
        // A negative one is told by its tag: 0xe0.. or 0xd0..0xd3.
        const auto tag = std::to_integer<std::uint8_t>(*from_.position());
        if (tag >= 0xd0) {
            std::int64_t number = 0;
            if (!from_.integer(number)) return false;
            to_ += std::to_string(number);
            return true;
        }
        std::uint64_t number = 0;
        if (!from_.integer(number)) return false;
        to_ += std::to_string(number);
        return true;
    }

    bool real() {
        const bool narrow = std::to_integer<std::uint8_t>(*from_.position()) == 0xca;
        double number = 0;
        if (!from_.real(number)) return false;
        if (!std::isfinite(number)) {
            to_ += "null";
            return true;
        }
        std::array<char, 32> digits{};
        const auto [end, failure] =
            narrow ? std::to_chars(digits.data(), digits.data() + digits.size(),
                                   static_cast<float>(number))
                   : std::to_chars(digits.data(), digits.data() + digits.size(), number);
        const std::string_view shortest(digits.data(),
                                        static_cast<std::size_t>(end - digits.data()));
        to_ += shortest;
        // Read back, it stays a real number.
        if (shortest.find_first_of(".e") == std::string_view::npos) to_ += ".0";
        return true;
    }

    bool text() {
        std::string_view characters;
        if (!from_.text(characters)) return false;
        append_json_string(to_, characters);
        return true;
    }

    bool binary() {
        bytes_view data;
        if (!from_.binary(data)) return false;
        ((to_ += R"({"$bytes":")") += base64_from(data)) += "\"}";
        return true;
    }

    // The type stands before the data: behind one tag (0xd4..0xd8) or a length of 1, 2, 4 bytes.
    bool extension() {
        bytes_view whole;
        if (!from_.raw(whole)) return false;
        const auto tag = std::to_integer<std::uint8_t>(whole[0]);
        const std::size_t at = tag >= 0xd4 ? 1 : 1 + (std::size_t{1} << (tag - 0xc7));
        const auto type = static_cast<std::int8_t>(whole[at]);
        to_ += R"({"$extension":)" + std::to_string(type) + R"(,"$bytes":")" +
               base64_from(whole.subspan(at + 1)) + "\"}";
        return true;
    }

    bool array() {
        std::uint32_t count = 0;
        if (!from_.array(count)) return false;
        to_ += '[';
        ++depth_;
        for (std::uint32_t i = 0; i < count; ++i) {
            separate(i);
            if (!value()) return from_.in_index(i);
        }
        close(count, ']');
        return true;
    }

    bool map() {
        std::uint32_t count = 0;
        if (!from_.map(count)) return false;
        to_ += '{';
        ++depth_;
        for (std::uint32_t i = 0; i < count; ++i) {
            separate(i);
            if (!key()) return false;
            to_ += layout_ == json_layout::indented ? ": " : ":";
            if (!value()) return false;
        }
        close(count, '}');
        return true;
    }

    bool key() {
        if (from_.peek() == kind::text) return text();
        std::string json;
        printer inner(from_, json, json_layout::one_line);
        if (!inner.value()) return false;
        append_json_string(to_, json);
        return true;
    }

    void separate(std::uint32_t index) {
        if (index > 0) to_ += ',';
        line();
    }
    void close(std::uint32_t count, char bracket) {
        from_.leave();
        --depth_;
        if (count > 0) line();
        to_ += bracket;
    }
    void line() {
        if (layout_ == json_layout::indented) (to_ += '\n').append(depth_ * step, ' ');
    }

    reader& from_;
    std::string& to_;
    json_layout layout_;
    std::size_t depth_ = 0;
};

}  // namespace

result<std::string> json_from_payload(bytes_view payload, json_layout layout) {
    if (payload.empty()) return std::string("null");
    std::string json;
    reader from(payload);
    printer print(from, json, layout);
    if (print.value() && from.finish()) return json;
    return from.take_error("result");
}

}  // namespace dunlin::runtime
