// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/suggest.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <vector>

using namespace dunlin::runtime;

TEST_CASE("edit distance counts insertions, deletions, replacements and swaps") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("listen", "listen") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("lisen", "listen") == 1);
    CHECK(edit_distance("listten", "listen") == 1);
    CHECK(edit_distance("lusten", "listen") == 1);
    CHECK(edit_distance("lisetn", "listen") == 1);
    CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("edit distance takes case, and dashes for underscores, as equal") {
    CHECK(edit_distance("Queue_Depth", "queue-depth") == 0);
}

TEST_CASE("a name that is nearly a known one is recognised") {
    const std::vector<std::string> known{"bench/echo", "text/count_words", "text/visits"};
    CHECK(nearest("text/cuont_words", known) == "text/count_words");
    CHECK(nearest("text/visit", known) == "text/visits");
    CHECK(nearest("bench/ehco", known) == "bench/echo");
}

TEST_CASE("a name that is near to nothing gets no suggestion") {
    const std::vector<std::string> known{"node", "invoke", "functions"};
    CHECK(nearest("deploy", known).empty());
    CHECK(nearest("x", known).empty());
    CHECK(nearest("", known).empty());
    CHECK(nearest("node", {}).empty());
    CHECK(nearest(std::string(100'000, 'a'), known).empty());
}

TEST_CASE("a function's name in another module is near") {
    const std::vector<std::string> known{"text/count_words", "images/resize"};
    CHECK(nearest("pictures/resize", known) == "images/resize");
    CHECK(nearest("resize", known) == "images/resize");
}

TEST_CASE("a suggestion is a clause to put behind a sentence") {
    const std::vector<std::string> known{"node", "invoke"};
    CHECK(did_you_mean("nod", known) == "; did you mean node?");
    CHECK(did_you_mean("zzz", known).empty());
}
