// SPDX-License-Identifier: Apache-2.0
#include "runtime/security/allow_list.hpp"

#include "security/key_file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <sys/stat.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

using namespace dunlin;
using namespace dunlin::runtime;
using dunlin::tests::temporary_folder;

namespace {

// Any 40 characters of Z85 with a digit other than 0 do as a key here.
std::string key_of(char c) { return std::string(40, c); }

allow_list parsed(std::string_view text) {
    auto list = allow_list::parse(text, "/etc/dunlin/allow.toml");
    INFO((list ? std::string() : list.error().detail));
    REQUIRE(list);
    return std::move(*list);
}

std::string complaint(std::string_view text) {
    const auto list = allow_list::parse(text, "/etc/dunlin/allow.toml");
    REQUIRE_FALSE(list);
    CHECK(list.error().code == errc::invalid_argument);
    CHECK_THAT(list.error().detail, Catch::Contains("/etc/dunlin/allow.toml"));
    return list.error().detail;
}

// A client with these lines in its entry.
grant client_with(const std::string& lines) {
    const auto list = parsed("[[allow]]\nname = \"shop\"\nkey = \"" + key_of('1') + "\"\n" + lines);
    const auto* found = list.find(key_of('1'));
    REQUIRE(found != nullptr);
    return *found;
}

std::string entry_complaint(const std::string& lines) {
    return complaint("[[allow]]\nname = \"shop\"\nkey = \"" + key_of('1') + "\"\n" + lines);
}

}  // namespace

TEST_CASE("an allow-list says who holds a key, and what they may do") {
    const auto list = parsed("[[allow]]\nname = \"shop\"\nkey = \"" + key_of('1') +
                             "\"\nfunctions = [\"text/*\"]\n"
                             "[[allow]]\nname = \"ann\"\nrole = \"operator\"\nkey = \"" +
                             key_of('2') +
                             "\"\n"
                             "[[allow]]\nname = \"old-nodes\"\nrole = \"node\"\nkey = \"" +
                             key_of('3') + "\"\n");
    CHECK(list.size() == 3);
    REQUIRE(list.find(key_of('1')) != nullptr);
    CHECK(list.find(key_of('1'))->name == "shop");
    CHECK(list.find(key_of('1'))->as == role::client);
    REQUIRE(list.find(key_of('2')) != nullptr);
    CHECK(list.find(key_of('2'))->name == "ann");
    CHECK(list.find(key_of('2'))->as == role::operator_);
    REQUIRE(list.find(key_of('3')) != nullptr);
    CHECK(list.find(key_of('3'))->as == role::node);
    CHECK(list.find(key_of('4')) == nullptr);
    CHECK(list.find("") == nullptr);
}

TEST_CASE("an empty allow-list lets nobody in") {
    CHECK(parsed("").size() == 0);
    CHECK(parsed("# nobody yet\n").find(key_of('1')) == nullptr);
}

TEST_CASE("the last pattern that matches decides what a client may call") {
    const auto shop = client_with(R"(functions = ["text/*", "!text/secret*", "text/secret_not"])");
    CHECK(shop.may_call("text/count"));
    CHECK_FALSE(shop.may_call("text/secret"));
    CHECK_FALSE(shop.may_call("text/secret_key"));
    CHECK(shop.may_call("text/secret_not"));
    CHECK_FALSE(shop.may_call("bench/echo"));
    CHECK_FALSE(shop.may_call(""));

    const auto all_but = client_with(R"(functions = ["*", "!text/*"])");
    CHECK(all_but.may_call("bench/echo"));
    CHECK_FALSE(all_but.may_call("text/count"));
}

TEST_CASE("without patterns a client may call every function, and with none of them nothing") {
    CHECK(client_with("").may_call("text/count"));
    CHECK_FALSE(client_with("functions = []").may_call("text/count"));
    CHECK_FALSE(client_with(R"(functions = ["!text/*"])").may_call("bench/echo"));
}

TEST_CASE("of the node's own functions a client may call only those that read, and if told so") {
    for (const auto* lines : {"", R"(functions = ["*", "*/*", "d*/drain", "*rain", "dunlin*"])"}) {
        const auto shop = client_with(lines);
        CHECK(shop.may_call("dunlin/functions"));
        for (const auto* own : {"dunlin/drain", "dunlin/scale", "dunlin/explain", "dunlin/stats",
                                "dunlin/nodes", "dunlin/record", "dunlin/x"})
            CHECK_FALSE(shop.may_call(own));
    }
    const auto watcher = client_with(R"(functions = ["dunlin/*"])");
    CHECK(watcher.may_call("dunlin/stats"));
    CHECK(watcher.may_call("dunlin/nodes"));
    CHECK(watcher.may_call("dunlin/explain"));
    CHECK(watcher.may_call("dunlin/record"));
    CHECK_FALSE(watcher.may_call("dunlin/drain"));
    CHECK_FALSE(watcher.may_call("dunlin/scale"));
    CHECK_FALSE(watcher.may_call("dunlin/added_later"));
    CHECK_FALSE(watcher.may_call("text/count"));
    CHECK_FALSE(client_with(R"(functions = ["!dunlin/*"])").may_call("dunlin/functions"));
    CHECK(client_with(R"(functions = ["!*"])").may_call("dunlin/functions"));

    CHECK_THAT(entry_complaint(R"(functions = ["dunlin/drain"])"),
               Catch::Contains(":4:14:") && Catch::Contains("the role operator"));
}

TEST_CASE("operators and nodes may call everything") {
    for (const auto* lines : {R"(role = "operator")", R"(role = "node")"}) {
        const auto who = client_with(lines);
        for (const auto* each :
             {"text/count", "dunlin/drain", "dunlin/scale", "dunlin/stats", "dunlin/functions"})
            CHECK(who.may_call(each));
    }
    CHECK_THAT(entry_complaint("role = \"operator\"\nfunctions = [\"text/*\"]"),
               Catch::Contains("operator may call everything"));
}

TEST_CASE("an allow-list that is only nearly right is refused") {
    CHECK_THAT(complaint("[[allow]\n"), Catch::Contains("line 1 is not valid TOML"));
    CHECK_THAT(complaint("[allow]\nname = \"shop\"\n"), Catch::Contains("begin each with [[allow"));
    CHECK_THAT(complaint("allow = [1]\n"), Catch::Contains("begin each with [[allow]]"));
    CHECK_THAT(complaint("[[deny]]\n"), Catch::Contains(":1: unknown key 'deny'"));
    CHECK_THAT(complaint("[[allow]]\nkey = \"" + key_of('1') + "\"\n"),
               Catch::Contains("an entry has a name"));
    CHECK_THAT(complaint("[[allow]]\nname = \"a b\"\n"), Catch::Contains("an entry has a name"));
    CHECK_THAT(complaint("[[allow]]\nname = \"shop\"\n"), Catch::Contains("key or key_file"));
    CHECK_THAT(entry_complaint("key_file = \"shop.pub\""), Catch::Contains("key or key_file"));
    CHECK_THAT(entry_complaint("fuctions = []"), Catch::Contains("did you mean functions"));
    CHECK_THAT(entry_complaint("role = \"admin\""),
               Catch::Contains(":4:8: role is client, operator or node"));
    CHECK_THAT(entry_complaint("role = 1"), Catch::Contains("role is not a text"));
    CHECK_THAT(entry_complaint("functions = \"text/*\""), Catch::Contains("is not a list"));
    CHECK_THAT(entry_complaint("functions = [\"text/*\", 1]"), Catch::Contains("not a text"));
    CHECK_THAT(entry_complaint("functions = [\"text/*\",\n \"text\"]"),
               Catch::Contains(":5:2: pattern \"text\" names no function"));
    std::string many = "functions = [";
    for (int i = 0; i < 257; ++i) many += "\"a/b\",";
    CHECK_THAT(entry_complaint(many + "]"), Catch::Contains("at most 256 patterns"));
}

TEST_CASE("a key twice in an allow-list is refused, a name twice is not") {
    const auto entry = [](char key) {
        return "[[allow]]\nname = \"shop\"\nkey = \"" + key_of(key) + "\"\n";
    };
    CHECK(parsed(entry('1') + entry('2')).size() == 2);
    CHECK_THAT(complaint(entry('1') + entry('2') + entry('1')),
               Catch::Contains(":7:") && Catch::Contains("already, in line 1"));
}

TEST_CASE("a bad key in an allow-list is refused without being shown") {
    const std::string pasted = "s3cr3t-pasted-by-mistake";
    const auto said = complaint("[[allow]]\nname = \"shop\"\nkey = \"" + pasted + "\"\n");
    CHECK_THAT(said, Catch::Contains(":3:7: key is not a public key"));
    CHECK(said.find(pasted) == std::string::npos);
    CHECK_THAT(complaint("[[allow]]\nname = \"shop\"\nkey = \"" + key_of('0') + "\"\n"),
               Catch::Contains("key is not a public key"));
}

TEST_CASE("a key file named in an allow-list is looked for beside it") {
    std::map<std::string, int> asked;
    const auto from_memory = [&](const std::string& path) -> result<security::key_pair> {
        ++asked[path];
        if (path.ends_with("none.pub")) return {errc::invalid_argument, "no such file"};
        return security::key_pair{"shop", key_of('1'), {}};
    };
    const auto list = [&](const std::string& file) {
        return allow_list::parse("[[allow]]\nname = \"shop\"\nkey_file = \"" + file + "\"\n",
                                 "/etc/dunlin/allow.toml", from_memory);
    };
    REQUIRE(list("shop.pub"));
    CHECK(list("shop.pub")->find(key_of('1')) != nullptr);
    CHECK(list("/keys/shop.pub"));
    CHECK(list("../keys/shop.pub"));
    CHECK(asked == std::map<std::string, int>{{"/etc/dunlin/shop.pub", 2},
                                              {"/keys/shop.pub", 1},
                                              {"/etc/keys/shop.pub", 1}});
    const auto none = list("none.pub");
    REQUIRE_FALSE(none);
    CHECK_THAT(none.error().detail, Catch::Contains("allow.toml:3:12: no such file"));
}

TEST_CASE("an allow-list is read from a file, with the key files beside it") {
    const temporary_folder folder;
    auto pair = security::make_key_pair("shop");
    REQUIRE(pair);
    REQUIRE(security::write_key_files(*pair, folder.file("shop.key"), folder.file("shop.pub")));
    const auto path =
        folder.write("allow.toml", "[[allow]]\nname = \"shop\"\nkey_file = \"shop.pub\"\n", 0644);
    const auto list = allow_list::read(path);
    REQUIRE(list);
    CHECK(list->find(pair->public_key) != nullptr);

    const auto complaint_at = [&](const std::string& at) {
        const auto read = allow_list::read(at);
        REQUIRE_FALSE(read);
        CHECK_THAT(read.error().detail, Catch::Contains(at));
        return read.error().detail;
    };
    CHECK_THAT(complaint_at(folder.file("none.toml")), Catch::Contains("No such file"));
    CHECK_THAT(complaint_at(folder.file("")), Catch::Contains("not a regular file"));
    CHECK_THAT(complaint_at(folder.write("cut.toml", "", 0644)), Catch::Contains("it is empty"));
    const auto nobody = allow_list::read(folder.write("nobody.toml", "# nobody\n", 0644));
    REQUIRE(nobody);
    CHECK(nobody->size() == 0);
    REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
    CHECK_THAT(complaint_at(folder.file("pipe")), Catch::Contains("not a regular file"));
}
