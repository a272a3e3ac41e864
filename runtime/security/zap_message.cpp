// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/zap_message.hpp"

#include "security/curve.hpp"

#include <cstddef>

namespace dunlin::runtime {

namespace {

constexpr std::string_view version = "1.0";
constexpr std::size_t text_bytes_max = 255;

// The order of a question's parts.
enum part : std::size_t {
    at_version,
    at_request_id,
    at_domain,
    at_address,
    at_routing_id,
    at_mechanism,
    at_key,
    part_count
};

}  // namespace

zap_reading read_zap(std::span<const std::string_view> parts) {
    zap_reading read;
    if (parts.size() > at_request_id)
        read.question.request_id = parts[at_request_id].substr(0, text_bytes_max);
    if (parts.empty() || parts[at_version] != version) {
        read.problem = "not a question of ZAP 1.0";
    } else if (parts.size() <= at_mechanism) {
        read.problem = "the question is incomplete";
    } else if (parts[at_request_id].size() > text_bytes_max) {
        read.problem = "its request id is too long";
    } else if (parts[at_domain] != security::zap_domain) {
        read.problem = "another domain";
    } else if (parts[at_mechanism] != "CURVE") {
        read.problem = "a mechanism other than CURVE";
    } else if (parts.size() != part_count || parts[at_key].size() != security::key_bytes) {
        read.problem = "CURVE comes with one key of 32 bytes";
    } else {
        const auto* raw = reinterpret_cast<const std::byte*>(parts[at_key].data());
        read.question.public_key = security::public_key_text(
            std::span<const std::byte, security::key_bytes>(raw, security::key_bytes));
        read.question.address = parts[at_address].substr(0, text_bytes_max);
    }
    return read;
}

std::vector<std::string> write_zap(const std::string& request_id, zap_status status,
                                   std::string_view text, std::string_view user_id) {
    return {
        std::string(version), request_id,           std::to_string(static_cast<unsigned>(status)),
        std::string(text),    std::string(user_id), std::string()};
}

}  // namespace dunlin::runtime
