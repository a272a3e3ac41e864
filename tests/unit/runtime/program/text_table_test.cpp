// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/text_table.hpp"

#include "tests/support/catch.hpp"

#include <array>

using namespace dunlin::program;

namespace {

constexpr std::array columns{align::left, align::right, align::left};
const std::vector<table_row> rows{
    {"NAME", "CALLS", "NOTE"}, {"a", "12,345", ""}, {"bcdefg", "1", "x"}};

}  // namespace

TEST_CASE("columns are as wide as their widest cell and no line ends with spaces") {
    CHECK(laid_out(rows, columns) ==
          "NAME     CALLS  NOTE\n"
          "a       12,345\n"
          "bcdefg       1  x\n");
}

TEST_CASE("columns that do not fit are left out from the right, and the first one is cut") {
    CHECK(laid_out_within(rows, columns, 20) == laid_out(rows, columns));
    CHECK(laid_out_within(rows, columns, 19) ==
          "NAME     CALLS\n"
          "a       12,345\n"
          "bcdefg       1\n");
    CHECK(laid_out_within(rows, columns, 6) == "NAME\na\nbcdefg\n");
    CHECK(laid_out_within(rows, columns, 5) == "NAME\na\nbc...\n");
}

TEST_CASE("letters of several bytes take one column") {
    CHECK(width_of("z\u00fcrich") == 6);
    CHECK(cut_to("z\u00fcrich", 6) == "z\u00fcrich");
    CHECK(cut_to("z\u00fcrich", 5) == "z\u00fc...");
    CHECK(cut_to("z\u00fcrich", 2) == "z\u00fc");
    CHECK(laid_out({{"\u00fc", "1", ""}, {"ab", "2", ""}}, columns) == "\u00fc   1\nab  2\n");
}

TEST_CASE("nothing that is shown can move a terminal's cursor") {
    CHECK(printable("n1\033[2J\n\x7f") == "n1?[2J??");
    CHECK(printable("a\u009bb\u00fc") == "a?b\u00fc");
    CHECK(printable("a\u2028b\u202ec") == "a?b?c");
    CHECK(printable("a\xff\xe2\x82 b") == "a??? b");
}
