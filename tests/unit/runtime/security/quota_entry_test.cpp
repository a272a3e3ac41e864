// SPDX-License-Identifier: Apache-2.0
//
// Quotas as the allow-list has them: what is read, and what is refused and where.
#include "runtime/security/quota_entry.hpp"

#include "runtime/security/access.hpp"
#include "runtime/security/allow_list.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <string_view>
#include <utility>

using namespace dunlin;
using namespace dunlin::runtime;
using Catch::Contains;

namespace {

std::string key_of(char c) { return std::string(40, c); }

std::string entry(const std::string& name, char key, const std::string& as = "client") {
    return "[[allow]]\nname = \"" + name + "\"\nkey = \"" + key_of(key) + "\"\nrole = \"" + as +
           "\"\n";
}

// Three keys in twelve lines; a quota that follows begins in line 13.
const std::string three =
    entry("shop", '1') + entry("ann", '2', "operator") + entry("old-nodes", '3', "node");

std::string quota_of(const std::string& name, const std::string& lines) {
    return "[[quota]]\nname = \"" + name + "\"\n" + lines + "\n";
}

allow_list parsed(const std::string& text) {
    auto list = allow_list::parse(text, "allow.toml");
    INFO((list ? std::string() : list.error().detail));
    REQUIRE(list);
    return std::move(*list);
}

std::string complaint(const std::string& text) {
    const auto list = allow_list::parse(text, "allow.toml");
    REQUIRE_FALSE(list);
    CHECK(list.error().code == errc::invalid_argument);
    return list.error().detail;
}

std::string quota_complaint(const std::string& lines) {
    return complaint(three + quota_of("shop", lines));
}

}  // namespace

TEST_CASE("a quota in the allow-list says how much the keys of one name may ask of a node") {
    const auto list = parsed(
        three + quota_of("shop", "concurrency = 100\nrate = 500\nburst = 1_000\nweight = 2") +
        quota_of("ann", "rate = 5"));
    const auto* shop = list.find(key_of('1'));
    REQUIRE(shop != nullptr);
    CHECK(shop->limits.concurrency == 100);
    CHECK(shop->limits.rate == 500);
    CHECK(shop->limits.burst == 1000);
    CHECK(shop->limits.weight == 2);
    CHECK(shop->use);
    const auto* ann = list.find(key_of('2'));
    REQUIRE(ann != nullptr);
    CHECK(ann->limits.concurrency == 0);
    CHECK(ann->limits.burst == 5);  // a second's worth
    CHECK(ann->limits.weight == 1);
    CHECK(ann->use);
    CHECK_FALSE(list.find(key_of('3'))->use);
}

TEST_CASE("a quota may stand before its key, and be a weight alone, which limits nothing") {
    const auto list = parsed(quota_of("shop", "weight = 1000") + three);
    const auto* shop = list.find(key_of('1'));
    REQUIRE(shop != nullptr);
    CHECK(shop->limits.weight == 1000);
    CHECK_FALSE(shop->limits.limits());
    CHECK_FALSE(shop->use);
}

TEST_CASE("each key of a name has its quota for itself") {
    const auto list =
        parsed(entry("shop", '1') + entry("shop", '2') + quota_of("shop", "concurrency = 3"));
    const auto* one = list.find(key_of('1'));
    const auto* other = list.find(key_of('2'));
    CHECK(one->limits.concurrency == 3);
    CHECK(other->limits.concurrency == 3);
    CHECK(one->use != other->use);
}

TEST_CASE("a quota for a key that does not exist is refused, with the name that was meant") {
    const auto said = complaint(three + quota_of("shpo", "concurrency = 1"));
    CHECK_THAT(said, Contains("allow.toml:14:8: a quota for a key that is not in this list") &&
                         Contains("did you mean shop?"));
    CHECK_THAT(complaint(quota_of("shop", "rate = 1")), Contains("not in this list"));
    CHECK_THAT(complaint(three + quota_of("old-nodes", "rate = 1")),
               Contains(":14:8:") && Contains("nodes have no quota"));
}

TEST_CASE("a quota that nobody can mean is refused with its line") {
    for (const auto* number :
         {"0", "-1", "10000001", "9223372036854775807", "1.5", "\"1\"", "true", "[1]", "inf"}) {
        INFO(number);
        const std::string given = std::string("concurrency = ") + number;
        CHECK_THAT(quota_complaint(given),
                   Contains("allow.toml:15:15: concurrency is a whole number from 1 to 10000000: "
                            "calls at once"));
    }
    CHECK_THAT(quota_complaint("rate = 0"), Contains(":15:8: rate is a whole number from 1 to "));
    CHECK_THAT(quota_complaint("rate = 1000001"), Contains("from 1 to 1000000: calls a second"));
    CHECK_THAT(quota_complaint("rate = 1\nburst = 0"), Contains(":16:9: burst is a whole"));
    CHECK_THAT(quota_complaint("weight = 1001"), Contains(":15:10: weight is a whole number from"));
    CHECK_THAT(quota_complaint("burst = 5"), Contains(":15:9:") && Contains("no rate is given"));
    CHECK_THAT(quota_complaint("weight = 1\nburst = 5"), Contains("no rate is given"));
    CHECK_THAT(quota_complaint("rate = 9223372036854775808"), Contains("line 15 is not valid"));
    CHECK_THAT(quota_complaint("rate = 1\nrate = 2"), Contains("line 16 is not valid TOML"));
}

TEST_CASE("a quota that is only nearly one is refused with its line") {
    CHECK_THAT(quota_complaint(""), Contains(":13:1: a quota says how much"));
    CHECK_THAT(quota_complaint("concurency = 1"),
               Contains(":15:1: unknown key 'concurency'") && Contains("did you mean concurrency"));
    CHECK_THAT(complaint(three + "[[quota]]\nrate = 1\n"), Contains(":13:1: a quota says whose"));
    CHECK_THAT(complaint(three + "[[quota]]\nname = 1\nrate = 1\n"), Contains(":14:8:"));
    CHECK_THAT(complaint(three + "[quota]\nname = \"shop\"\n"),
               Contains("quota is not a list of entries; begin each with [[quota]]"));
    CHECK_THAT(complaint(three + quota_of("shop", "rate = 1") + quota_of("shop", "weight = 2")),
               Contains(":17:8: \"shop\" has a quota already, in line 14"));
    CHECK_THAT(complaint("[[qouta]]\n"), Contains("[[allow]] and [[quota]] entries"));
}

TEST_CASE("the next allow-list goes on with what each key has used of its quota") {
    const runtime::access first(
        key_of('7'), "n1",
        parsed(three + quota_of("shop", "rate = 1") + quota_of("ann", "rate = 1")));
    const auto use = first.find(key_of('1'))->use;
    const auto more = first.next(parsed(three + quota_of("shop", "rate = 2\nconcurrency = 3")));
    CHECK(more.find(key_of('1'))->use == use);
    CHECK(more.find(key_of('1'))->limits.rate == 2);
    CHECK_FALSE(more.find(key_of('2'))->use);
    CHECK(more.find(key_of('7'))->name == "n1");
    // A quota that was gone begins anew; so does one of a key that was.
    const auto none = more.next(parsed(entry("ann", '2')));
    const auto again = none.next(parsed(three + quota_of("shop", "rate = 1")));
    REQUIRE(again.find(key_of('1'))->use);
    CHECK(again.find(key_of('1'))->use != use);
}
