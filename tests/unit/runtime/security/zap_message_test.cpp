// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/zap_message.hpp"

#include "security/key_file.hpp"
#include "tests/support/catch.hpp"

#include <zmq.h>

#include <array>

using namespace dunlin;
using namespace dunlin::runtime;

namespace {

const std::string key(32, '\x2a');

std::vector<std::string_view> good() {
    return {"1.0", "7", "dunlin", "10.0.0.1", "", "CURVE", key};
}

std::string_view problem(const std::vector<std::string_view>& parts) {
    return read_zap(parts).problem;
}

}  // namespace

TEST_CASE("a question about a key is read") {
    const auto read = read_zap(good());
    CHECK(read.problem.empty());
    CHECK(read.question.request_id == "7");
    CHECK(read.question.address == "10.0.0.1");
    std::array<std::uint8_t, 32> back{};
    REQUIRE(read.question.public_key.size() == 40);
    REQUIRE(zmq_z85_decode(back.data(), read.question.public_key.c_str()) != nullptr);
    CHECK(std::string(back.begin(), back.end()) == key);
}

TEST_CASE("a malformed question is told from a good one, and keeps its number for the answer") {
    CHECK_FALSE(problem({}).empty());
    for (std::size_t parts = 1; parts < 7; ++parts) {
        auto cut = good();
        cut.resize(parts);
        INFO(parts);
        const auto read = read_zap(cut);
        CHECK_FALSE(read.problem.empty());
        CHECK(read.question.request_id == (parts > 1 ? "7" : ""));
        CHECK(read.question.public_key.empty());
    }
    const std::string long_text(100'000, 'x');
    for (const auto& [place, value] :
         std::vector<std::pair<std::size_t, std::string_view>>{{0, "2.0"},
                                                               {0, ""},
                                                               {1, long_text},
                                                               {2, "other"},
                                                               {5, "PLAIN"},
                                                               {5, "NULL"},
                                                               {6, "short"},
                                                               {6, long_text}}) {
        auto wrong = good();
        wrong[place] = value;
        INFO(place << " " << value.substr(0, 20));
        CHECK_FALSE(problem(wrong).empty());
        CHECK(read_zap(wrong).question.request_id.size() <= 255);
    }
    auto longer = good();
    longer.emplace_back("one more");
    CHECK_FALSE(problem(longer).empty());
    auto addressed = good();
    addressed[3] = long_text;
    CHECK(read_zap(addressed).question.address.size() <= 255);
}

TEST_CASE("an answer has the parts that ZeroMQ expects") {
    CHECK(write_zap("7", zap_status::welcome, "OK", "me") ==
          std::vector<std::string>{"1.0", "7", "200", "OK", "me", ""});
    CHECK(write_zap("7", zap_status::refused, "no", "") ==
          std::vector<std::string>{"1.0", "7", "400", "no", "", ""});
}
