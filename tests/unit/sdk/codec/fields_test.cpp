// SPDX-License-Identifier: Apache-2.0
#include "tests/support/catch.hpp"
#include "tests/support/msgpack_oracle.hpp"

#include <dunlin/codec.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#ifdef __clang__
#pragma clang diagnostic error "-Wctad-maybe-unsupported"  // what authors may have switched on
#endif

using namespace dunlin;
using namespace dunlin::testing;

namespace shop {
namespace {

struct author {
    std::string name;
    int age = 0;
    DUNLIN_FIELDS(name, age)
    bool operator==(const author&) const = default;
};

struct page {
    std::string url;
    std::string text;
    std::string language = "en";
    std::vector<std::uint8_t> words = {};
    std::map<std::string, author> authors = {};
    DUNLIN_FIELDS(url, text, language, words, authors)
    DUNLIN_REQUIRED(url, text)
    bool operator==(const page&) const = default;
};

struct node {
    int value = 0;
    std::vector<node> children = {};
    std::unique_ptr<node> next = nullptr;
    DUNLIN_FIELDS(value, children, next)
};

struct empty {
    DUNLIN_FIELDS()
};

struct borrowed {
    std::string_view name;
    DUNLIN_FIELDS(name)
};

template <class T>
struct box {
    T content{};
    DUNLIN_FIELDS(content)
};

struct article : author {
    std::string title;
    DUNLIN_FIELDS(title)
    DUNLIN_BASE(author)
    DUNLIN_REQUIRED(title)
};

// A base of a base, and a constructor: no aggregate.
struct entry : article {
    entry() = default;
    int number = 0;
    DUNLIN_FIELDS(number)
    DUNLIN_BASE(article)
};

struct by_name : author {
    int number = 0;
    DUNLIN_FIELDS(name, number)
};

struct without_base : author {
    int number = 0;
    DUNLIN_FIELDS(number)
    DUNLIN_BASE()
};

struct numbered {
    int number = 0;
    DUNLIN_FIELDS(number)
    DUNLIN_REQUIRED(number)
};

struct two_bases : author, numbered {
    DUNLIN_FIELDS()
    DUNLIN_BASE(author, numbered)
};

struct names_required : numbered {
    std::string name;
    DUNLIN_FIELDS(number, name)
};

struct long_names {
    int thirty_one_characters_of_a_name = 0;
    int a_name_of_thirty_two_characters_ = 0;
    int a_name_that_is_rather_longer_than_all_the_others_and_says_little_for_it = 0;
    DUNLIN_FIELDS(thirty_one_characters_of_a_name, a_name_of_thirty_two_characters_,
                  a_name_that_is_rather_longer_than_all_the_others_and_says_little_for_it)
};

// clang-format off
#define EIGHT(p) int p##0 = 0, p##1 = 0, p##2 = 0, p##3 = 0, p##4 = 0, p##5 = 0, p##6 = 0, p##7 = 0;
struct wide {
    EIGHT(a) EIGHT(b) EIGHT(c) EIGHT(d) EIGHT(e) EIGHT(f) EIGHT(g) EIGHT(h) EIGHT(i)
    DUNLIN_FIELDS(a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7,
                  c0, c1, c2, c3, c4, c5, c6, c7, d0, d1, d2, d3, d4, d5, d6, d7,
                  e0, e1, e2, e3, e4, e5, e6, e7, f0, f1, f2, f3, f4, f5, f6, f7,
                  g0, g1, g2, g3, g4, g5, g6, g7, h0, h1, h2, h3, h4, h5, h6, h7,
                  i0, i1, i2, i3, i4, i5, i6, i7)
    DUNLIN_REQUIRED(a0, i7)
};
#undef EIGHT
// clang-format on

using object = std::map<std::string, std::string>;

}  // namespace
}  // namespace shop

using namespace shop;

static_assert(std::is_aggregate_v<page>);
static_assert(sizeof(author) == sizeof(std::string) + sizeof(std::size_t));
static_assert(field_count<page> == 5 && field_count<empty> == 0 && field_count<wide> == 72);
static_assert(std::is_aggregate_v<article> && field_count<article> == 3 && field_count<entry> == 4);
static_assert(field_count<by_name> == 2 && field_count<without_base> == 1);
static_assert(is_required<entry>("title") && !is_required<entry>("number"));
static_assert(is_required<two_bases>("number") && is_required<names_required>("number"));
static_assert(borrows_v<borrowed> && borrows_v<std::vector<box<borrowed>>>);
static_assert(!borrows_v<page> && !borrows_v<node>);
static_assert(detail::type_name<page>() == "page");
static_assert(detail::type_name<int>() == "int");
static_assert(detail::without_scope("a::b<c::d>::e") == "e");
static_assert(detail::without_scope("a::b<c::d>") == "b<c::d>");

TEST_CASE("DUNLIN_BASE puts the fields of bases in front of a struct's own") {
    entry made;
    made.name = "Ada";
    made.age = 36;
    made.title = "Notes";
    made.number = 7;
    const bytes payload = encode(made);
    CHECK(payload == packed([](auto& to) {
              to.pack_map(4);
              to.pack("name");
              to.pack("Ada");
              to.pack("age");
              to.pack(36);
              to.pack("title");
              to.pack("Notes");
              to.pack("number");
              to.pack(7);
          }));
    const auto back = decode<entry>(payload);
    REQUIRE(back);
    CHECK(back->name == "Ada");
    CHECK(back->age == 36);
    CHECK(back->title == "Notes");
    CHECK(back->number == 7);
    CHECK(refusal<entry>(encode(object{{"name", "Ada"}})) ==
          "entry: required field \"title\" is missing");

    const auto both = decode<two_bases>(encode(std::map<std::string, int>{{"number", 3}}));
    REQUIRE(both);
    CHECK(both->number == 3);
    CHECK(refusal<two_bases>(encode(object{})) ==
          "two_bases: required field \"number\" is missing");
}

TEST_CASE(
    "a struct that names members of its base, or DUNLIN_BASE(), decides itself what is sent") {
    by_name named;
    named.name = "Ada";
    named.age = 36;
    named.number = 7;
    const auto back = decode<by_name>(encode(named));
    REQUIRE(back);
    CHECK(back->name == "Ada");
    CHECK(back->age == 0);
    CHECK(back->number == 7);

    without_base alone;
    alone.name = "Ada";
    CHECK(encode(alone) == packed([](auto& to) {
              to.pack_map(1);
              to.pack("number");
              to.pack(0);
          }));
}

TEST_CASE("a struct travels as a map from names to values") {
    const author someone{.name = "Ada", .age = 36};
    CHECK(encode(someone) == packed([](auto& to) {
              to.pack_map(2);
              to.pack(std::string("name"));
              to.pack(std::string("Ada"));
              to.pack(std::string("age"));
              to.pack(36);
          }));
    const page whole{.url = "u", .text = "t", .words = {1, 2}, .authors = {{"x", someone}}};
    CHECK(decode<page>(encode(whole)).value() == whole);
    CHECK(encode(empty{}) == octets({0x80}));
    CHECK(decode<empty>(encode(whole)));
}

TEST_CASE("names of any length travel") {
    const auto back = decode<long_names>(encode(long_names{1, 2, 3}));
    REQUIRE(back);
    CHECK(back->thirty_one_characters_of_a_name == 1);
    CHECK(back->a_name_of_thirty_two_characters_ == 2);
    CHECK(back->a_name_that_is_rather_longer_than_all_the_others_and_says_little_for_it == 3);
    using map = std::map<std::string, int>;
    CHECK(unpacked_as<map>(encode(long_names{1, 2, 3})).size() == 3);
}

TEST_CASE("fields come in any order") {
    const bytes payload = encode(object{{"url", "u"}, {"language", "de"}, {"text", "t"}});
    const auto value = decode<page>(payload);
    REQUIRE(value);
    CHECK(*value == page{.url = "u", .text = "t", .language = "de"});
}

TEST_CASE("a field that the reader does not know is ignored, whatever it holds") {
    const bytes payload = packed([](auto& to) {
        to.pack_map(5);
        to.pack(std::string("colour"));
        to.pack(std::map<int, std::vector<int>>{{1, {2}}});
        to.pack(std::string("url"));
        to.pack(std::string("u"));
        to.pack(17);  // a key that is no text
        to.pack(std::string("seventeen"));
        to.pack(std::string(60, 'k'));
        to.pack_ext(3, 5);
        to.pack_ext_body("abc", 3);
        to.pack(std::string("text"));
        to.pack(std::string("t"));
    });
    CHECK(decode<page>(payload).value() == page{.url = "u", .text = "t"});
}

TEST_CASE("a field that the writer does not send keeps its default") {
    const auto value = decode<page>(encode(object{{"url", "u"}, {"text", "t"}}));
    REQUIRE(value);
    CHECK(value->language == "en");
    CHECK(decode<author>(encode(object{})).value() == author{});
}

TEST_CASE("a payload without a required field is refused") {
    CHECK(refusal<page>(encode(object{{"text", "t"}})) ==
          "page: required field \"url\" is missing");
    CHECK(refusal<page>(encode(object{})) == "page: required field \"url\" is missing");
    CHECK(refusal<page>(encode(object{{"url", "u"}})) ==
          "page: required field \"text\" is missing");
    CHECK(refusal<std::vector<page>>(encode(std::vector<object>{{{"url", "u"}}})) ==
          "payload[0]: required field \"text\" is missing");
}

TEST_CASE("a field that appears twice is refused") {
    CHECK(refusal<author>(packed([](auto& to) {
              to.pack_map(2);
              for (int age : {1, 2}) {
                  to.pack(std::string("age"));
                  to.pack(age);
              }
          })) == "author.age: the field appears twice");
}

TEST_CASE("a decode error names the path to the value") {
    CHECK(refusal<page>(encode(std::map<std::string, int>{{"text", 5}})) ==
          "page.text: expected string, got integer 5");
    CHECK(
        refusal<page>(encode(std::map<std::string, std::vector<int>>{{"words", {1, 2, 3, 300}}})) ==
        "page.words[3]: expected integer from 0 to 255, got 300");
    using authors = std::map<std::string, std::map<std::string, object>>;
    CHECK(refusal<page>(encode(authors{{"authors", {{"the first", {{"age", "old"}}}}}})) ==
          "page.authors[\"the first\"].age: expected integer from -2147483648 to 2147483647, got "
          "string \"old\"");
    CHECK(refusal<page>(encode(5)) == "page: expected map, got integer 5");
    CHECK(refusal<page>(bytes{}) == "page: expected map, but the payload is empty");
    CHECK(refusal<box<int>>(encode(object{{"content", "x"}})) ==
          "box<int>.content: expected integer from -2147483648 to 2147483647, got string \"x\"");
    // The broken value is an unknown one.
    CHECK(refusal<author>(octets({0x81, 0xa1, 'x', 0xc1})) ==
          "author[\"x\"]: expected a value, got a byte that msgpack does not use");
}

TEST_CASE("a struct may contain itself, as deep as a reader follows") {
    node root{.value = 1};
    root.children.push_back({.value = 2});
    root.next = std::make_unique<node>(node{.value = 3});
    const auto back = decode<node>(encode(root));
    REQUIRE(back);
    CHECK(back->children.at(0).value == 2);
    CHECK(back->next->value == 3);

    const auto chain = [](int length) {
        node first;
        for (int i = 1; i < length; ++i) {
            node outer;
            outer.next = std::make_unique<node>(std::move(first));
            first = std::move(outer);
        }
        return encode(first);
    };
    CHECK(decode<node>(chain(63)));
    std::string path = "node";
    for (int i = 0; i < 63; ++i) path += ".next";
    CHECK(refusal<node>(chain(64)) == path + ".children: nested deeper than 64 levels");
}

TEST_CASE("a struct of 72 fields is one like any other") {
    wide value;
    value.a0 = 1;
    value.h7 = 64;
    value.i7 = 72;
    const auto back = decode<wide>(encode(value));
    REQUIRE(back);
    CHECK(back->h7 == 64);
    CHECK(back->i7 == 72);
    CHECK(refusal<wide>(encode(std::map<std::string, int>{{"a0", 1}})) ==
          "wide: required field \"i7\" is missing");
    CHECK(refusal<wide>(packed([](auto& to) {
              to.pack_map(2);
              for (int i : {1, 2}) {
                  to.pack(std::string("i0"));
                  to.pack(i);
              }
          })) == "wide.i0: the field appears twice");
}
