// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/base64.hpp"
#include "runtime/text/json_payload.hpp"

#include <dunlin/codec.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace dunlin::runtime {
namespace {

using nlohmann::json;

/// A JSON text that has been read, on its way into a payload.
struct document {
    json root;
};

class packer {
public:
    explicit packer(writer& to) : to_(to) {}

    void value(const json& from) {
        switch (from.type()) {
            case json::value_t::boolean: return to_.boolean(from.get<bool>());
            case json::value_t::number_integer: return to_.integer(from.get<std::int64_t>());
            case json::value_t::number_unsigned: return to_.integer(from.get<std::uint64_t>());
            case json::value_t::number_float: return to_.real(from.get<double>());
            case json::value_t::string: return to_.text(from.get_ref<const std::string&>());
            case json::value_t::array: return array(from);
            case json::value_t::object: return object(from);
            default: return to_.nil();
        }
    }

private:
    void array(const json& from) {
        const nesting inner(*this);
        to_.array(from.size());
        for (const auto& item : from) value(item);
    }

    void object(const json& from) {
        const nesting inner(*this);
        if (from.size() == 1 && from.begin().key() == "$bytes") return binary(*from.begin());
        if (from.size() == 1 && from.begin().key() == "$map") return map_of_pairs(*from.begin());
        to_.map(from.size());
        for (const auto& [key, item] : from.items()) {
            to_.text(key);
            value(item);
        }
    }

    void map_of_pairs(const json& from) {
        const bool pairs = from.is_array() && std::all_of(from.begin(), from.end(), [](auto& each) {
                               return each.is_array() && each.size() == 2;
                           });
        if (!pairs)
            throw call_error(
                {errc::invalid_argument,
                 "\"$map\" takes a list of pairs, as in [[1, \"one\"], [2, \"two\"]]"});
        to_.map(from.size());
        for (const auto& each : from) {
            value(each[0]);
            value(each[1]);
        }
    }

    void binary(const json& from) {
        const auto data =
            from.is_string() ? bytes_from_base64(from.get_ref<const std::string&>()) : std::nullopt;
        if (!data)
            throw call_error({errc::invalid_argument, "\"$bytes\" takes a string of base64"});
        to_.binary(*data);
    }

    struct nesting {
        explicit nesting(packer& of) : depth(of.depth_) {
            if (++depth > reader::depth_max)
                throw call_error({errc::invalid_argument, "JSON is nested deeper than " +
                                                              std::to_string(reader::depth_max)});
        }
        ~nesting() { --depth; }
        nesting(const nesting&) = delete;
        nesting& operator=(const nesting&) = delete;
        std::size_t& depth;
    };

    writer& to_;
    std::size_t depth_ = 0;
};

// "[json.exception.parse_error.101] parse error at line 1, column 3: syntax error while ..." to
// "not valid JSON at line 1, column 3: syntax error while ...".
std::string in_words(const json::exception& failure) {
    std::string text = failure.what();
    if (const auto bracket = text.find("] "); text.starts_with('[') && bracket != std::string::npos)
        text.erase(0, bracket + 2);
    if (constexpr std::string_view lead = "parse error"; text.starts_with(lead))
        text.erase(0, lead.size());
    return "not valid JSON" + (text.starts_with(' ') ? text : ": " + text);
}

}  // namespace
}  // namespace dunlin::runtime

template <>
struct dunlin::codec<dunlin::runtime::document> {
    static void encode(writer& to, const runtime::document& value) {
        runtime::packer(to).value(value.root);
    }
};

namespace dunlin::runtime {

result<bytes> payload_from_json(std::string_view text) {
    try {
        return dunlin::encode(document{json::parse(text)});
    } catch (const json::exception& failure) {
        return {errc::invalid_argument, in_words(failure)};
    } catch (const call_error& failure) {
        return failure.why();
    }
}

}  // namespace dunlin::runtime
