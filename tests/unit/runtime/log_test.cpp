// SPDX-License-Identifier: Apache-2.0
#include "runtime/log.hpp"

#include "tests/support/catch.hpp"

#include <spdlog/sinks/ostream_sink.h>

#include <limits>
#include <sstream>
#include <string>

using namespace dunlin::runtime;

namespace {

/// What is logged while this lives, without time and level.
class log_lines {
public:
    log_lines() {
        auto to = std::make_shared<spdlog::logger>(
            "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
        to->set_pattern("%v");
        to->set_level(spdlog::level::info);
        spdlog::set_default_logger(std::move(to));
    }
    log_lines(const log_lines&) = delete;
    log_lines& operator=(const log_lines&) = delete;
    ~log_lines() { spdlog::set_default_logger(before_); }
    [[nodiscard]] std::string text() const { return text_.str(); }

private:
    std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
    std::ostringstream text_;
};

}  // namespace

TEST_CASE("values of a log line are written by their type") {
    const log_lines log_here;
    const std::string text = "two words";
    log().info("all kinds", {{"text", text},
                             {"view", std::string_view("b")},
                             {"literal", "c"},
                             {"number", "12"},
                             {"least", std::numeric_limits<std::int64_t>::min()},
                             {"most", std::numeric_limits<std::uint64_t>::max()},
                             {"small", std::uint8_t{7}},
                             {"yes", true}});
    log().debug("not at this level", {{"a", 1}});
    log().info("100 % {} %v");
    CHECK(log_here.text() ==
          "all kinds text=\"two words\" view=b literal=c number=\"12\" least=-9223372036854775808 "
          "most=18446744073709551615 small=7 yes=true\n100 % {} %v\n");
}

TEST_CASE("a name with a line end, or with another one's fields, forges no log line") {
    const log_lines log_here;
    log().warn("peer dropped", {{"name", "x\n2026-01-01 warn: member died node=b"}, {"bytes", 1}});
    log().warn("peer dropped", {{"name", "x bytes=0"}, {"bytes", 2}});
    log().line(spdlog::level::warn, "said by\na module \xff", {{"function", "f"}});
    CHECK(log_here.text() ==
          "peer dropped name=\"x\\n2026-01-01 warn: member died node=b\" bytes=1\n"
          "peer dropped name=\"x bytes=0\" bytes=2\n"
          "said by\\na module \\xff function=f\n");
}

TEST_CASE("nobody fills the log with one line") {
    const log_lines log_here;
    log().line(spdlog::level::warn, std::string(1u << 20, 'a'),
               {{"name", std::string(1u << 20, '\n')}, {"last", 1}});
    CHECK(log_here.text() == std::string(log_text_bytes_max, 'a') + "... name=\"" + [] {
        std::string escaped;
        for (std::size_t i = 0; i < log_value_bytes_max; ++i) escaped += "\\n";
        return escaped;
    }() + "...\" last=1\n");
}
