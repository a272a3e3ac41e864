// SPDX-License-Identifier: Apache-2.0
#include "security/key_file.hpp"

#include "security/file_access.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::security;
using dunlin::tests::temporary_folder;

namespace {

key_pair new_pair(std::string name = "shop") {
    auto made = make_key_pair(std::move(name));
    REQUIRE(made);
    return std::move(*made);
}

mode_t mode_of(const std::string& path) {
    struct stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    return about.st_mode & 07777;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string secret_text_of(const key_pair& pair) {
    return "name = \"" + pair.name + "\"\npublic_key = \"" + pair.public_key +
           "\"\nsecret_key = \"" + pair.secret_key.reveal() + "\"\n";
}

struct acl_entry {
    std::uint16_t tag = 0;
    std::uint16_t rights = 0;
    std::uint32_t id = 0xffffffff;
};

// An access control list as the kernel takes it.
std::vector<std::byte> acl_bytes(const std::vector<acl_entry>& entries) {
    const posix_acl_xattr_header header{htole32(POSIX_ACL_XATTR_VERSION)};
    std::vector<std::byte> out(sizeof header);
    std::memcpy(out.data(), &header, sizeof header);
    for (const auto& each : entries) {
        const posix_acl_xattr_entry raw{htole16(each.tag), htole16(each.rights), htole32(each.id)};
        const auto at = out.size();
        out.resize(at + sizeof raw);
        std::memcpy(out.data() + at, &raw, sizeof raw);
    }
    return out;
}

std::string secret_complaint(const std::string& path) {
    const auto read = read_secret_key(path);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == errc::invalid_argument);
    CHECK_THAT(read.error().detail, Catch::Contains(path));
    return read.error().detail;
}

// The umask of the process, which tests of one program share, and what it was.
class umask_for_now {
public:
    explicit umask_for_now(mode_t mask) : before_(::umask(mask)) {}
    umask_for_now(const umask_for_now&) = delete;
    umask_for_now& operator=(const umask_for_now&) = delete;
    ~umask_for_now() { ::umask(before_); }

private:
    mode_t before_;
};

}  // namespace

TEST_CASE("a new pair is written to two files and read back") {
    const temporary_folder folder;
    const auto pair = new_pair();
    CHECK(is_public_key(pair.public_key));
    CHECK(pair.public_key != new_pair().public_key);
    REQUIRE(write_key_files(pair, folder.file("shop.key"), folder.file("shop.pub")));

    const auto both = read_secret_key(folder.file("shop.key"));
    REQUIRE(both);
    CHECK(both->name == "shop");
    CHECK(both->public_key == pair.public_key);
    CHECK(both->secret_key.reveal() == pair.secret_key.reveal());
    for (const auto* file : {"shop.pub", "shop.key"}) {
        INFO(file);
        const auto half = read_public_key(folder.file(file));
        REQUIRE(half);
        CHECK(half->name == "shop");
        CHECK(half->public_key == pair.public_key);
        CHECK(half->secret_key.empty());
    }
    CHECK(temporary_folder::read(folder.file("shop.pub")).find(pair.secret_key.reveal()) ==
          std::string::npos);
}

TEST_CASE("key files get their permissions whatever the umask") {
    const temporary_folder folder;
    const auto pair = new_pair();
    for (const mode_t mask : {mode_t{0}, mode_t{0777}, mode_t{0027}}) {
        CAPTURE(mask);
        const auto secret = folder.file("of-" + std::to_string(mask) + ".key");
        const auto open = folder.file("of-" + std::to_string(mask) + ".pub");
        {
            const umask_for_now strange(mask);
            REQUIRE(write_key_files(pair, secret, open));
        }
        CHECK(mode_of(secret) == 0600);
        CHECK(mode_of(open) == 0644);
    }
}

TEST_CASE("keys are never overwritten, and half a pair is not left behind") {
    const temporary_folder folder;
    const auto pair = new_pair();
    const auto secret = folder.file("shop.key");
    const auto open = folder.file("shop.pub");

    folder.write("shop.key", "mine", 0600);
    auto written = write_key_files(pair, secret, open);
    REQUIRE_FALSE(written);
    CHECK_THAT(written.error().detail, Catch::Contains("shop.key: it exists already"));
    CHECK(temporary_folder::read(secret) == "mine");
    CHECK_FALSE(exists(open));

    REQUIRE(::unlink(secret.c_str()) == 0);
    folder.write("shop.pub", "mine too", 0644);
    written = write_key_files(pair, secret, open);
    REQUIRE_FALSE(written);
    CHECK_THAT(written.error().detail, Catch::Contains("shop.pub: it exists already"));
    CHECK(temporary_folder::read(open) == "mine too");
    CHECK_FALSE(exists(secret));

    // Nor through a link that leads nowhere yet.
    REQUIRE(::unlink(open.c_str()) == 0);
    REQUIRE(::symlink(folder.file("elsewhere").c_str(), secret.c_str()) == 0);
    CHECK_FALSE(write_key_files(pair, secret, open));
    CHECK_FALSE(exists(folder.file("elsewhere")));

    const auto nowhere = write_key_files(pair, folder.file("no/shop.key"), open);
    REQUIRE_FALSE(nowhere);
    CHECK_THAT(nowhere.error().detail, Catch::Contains("cannot make it: No such file"));
}

TEST_CASE("a secret key that others can reach is refused") {
    const temporary_folder folder;
    const auto text = secret_text_of(new_pair());
    for (const mode_t mode : {0640u, 0604u, 0620u, 0602u, 0666u, 0610u}) {
        CAPTURE(mode);
        const auto path = folder.write("shop.key", text, mode);
        CHECK_THAT(secret_complaint(path), Catch::Contains("chmod 600"));
        // As a public key too: it should not lie about like this.
        CHECK_FALSE(read_public_key(path));
    }
    for (const mode_t mode : {0600u, 0400u}) {
        CAPTURE(mode);
        CHECK(read_secret_key(folder.write("shop.key", text, mode)));
    }
}

TEST_CASE("a secret key that a list of rights shows to its reader alone is taken") {
    const temporary_folder folder;
    const auto self = ::geteuid();
    const auto path = folder.write("shop.key", secret_text_of(new_pair()), 0400);
    constexpr std::uint16_t reads = 4;
    const auto with = [&](const std::vector<acl_entry>& entries) {
        const auto list = acl_bytes(entries);
        if (::setxattr(path.c_str(), "system.posix_acl_access", list.data(), list.size(), 0) != 0)
            return std::string("no lists here: ") + std::strerror(errno);
        const auto pair = read_secret_key(path);
        return pair ? std::string("taken") : pair.error().detail;
    };

    // As systemd leaves a credential to a service's user.
    const auto credential = with({{ACL_USER_OBJ, reads},
                                  {ACL_USER, reads, self},
                                  {ACL_GROUP_OBJ, 0},
                                  {ACL_MASK, reads},
                                  {ACL_OTHER, 0}});
    if (credential.starts_with("no lists here")) {
        WARN(credential);
        return;
    }
    CHECK(credential == "taken");
    CHECK(mode_of(path) == 0440);

    // A group, another user, another group.
    const acl_entry owner{ACL_USER_OBJ, reads}, me{ACL_USER, reads, self}, mask{ACL_MASK, reads};
    const acl_entry nobody{ACL_GROUP_OBJ, 0}, others{ACL_OTHER, 0};
    for (const auto& shown :
         {std::vector{owner, me, {ACL_GROUP_OBJ, reads}, mask, others},
          std::vector{owner, me, {ACL_USER, reads, self + 1}, nobody, mask, others},
          std::vector{owner, nobody, {ACL_GROUP, reads, self}, mask, others}})
        CHECK_THAT(with(shown), Catch::Contains("chmod 600"));
}

TEST_CASE("lists of rights that make no sense grant everything") {
    const std::vector<acl_entry> alone{{ACL_USER_OBJ, 4}, {ACL_GROUP_OBJ, 0}, {ACL_OTHER, 0}};
    const auto good = acl_bytes(alone);
    CHECK(grants_only_to(good, 7));
    CHECK_FALSE(grants_only_to({}, 7));
    CHECK_FALSE(grants_only_to(std::span(good).first(3), 7));
    CHECK_FALSE(grants_only_to(std::span(good).first(good.size() - 1), 7));
    CHECK_FALSE(grants_only_to(acl_bytes({}), 7));
    CHECK_FALSE(grants_only_to(acl_bytes({{ACL_OTHER, 4}}), 7));
    CHECK_FALSE(grants_only_to(acl_bytes({{0x40, 0}}), 7));
    auto newer = good;
    newer[0] = std::byte{3};
    CHECK_FALSE(grants_only_to(newer, 7));
    // Without a mask a grant is what it says; behind one it is what the mask leaves of it.
    CHECK_FALSE(grants_only_to(acl_bytes({{ACL_USER, 4, 8}, {ACL_OTHER, 0}}), 7));
    CHECK(grants_only_to(acl_bytes({{ACL_USER, 4, 8}, {ACL_MASK, 0}, {ACL_OTHER, 0}}), 7));
}

TEST_CASE("what is not a file cannot be a key file") {
    const temporary_folder folder;
    CHECK_THAT(secret_complaint(folder.file("none.key")),
               Catch::Contains("no such file; dunlin keygen makes keys"));
    CHECK_THAT(secret_complaint(folder.file("")), Catch::Contains("not a regular file"));
    REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
    CHECK_THAT(secret_complaint(folder.file("pipe")), Catch::Contains("not a regular file"));
    CHECK_THAT(secret_complaint("/dev/zero"), Catch::Contains("not a regular file"));
    CHECK_THAT(secret_complaint(folder.write("large", std::string(100'000, '#'), 0600)),
               Catch::Contains("too large"));
    if (::geteuid() != 0) {
        CHECK_THAT(secret_complaint(folder.write("closed", "", 0000)),
                   Catch::Contains("cannot open it: Permission denied"));
    }
    // A link to one can: that is how orchestrators hand them out.
    const auto to = folder.write("real.key", secret_text_of(new_pair()), 0600);
    REQUIRE(::symlink(to.c_str(), folder.file("link.key").c_str()) == 0);
    CHECK(read_secret_key(folder.file("link.key")));
}

TEST_CASE("one kind of key file in place of the other is said to be that") {
    const temporary_folder folder;
    REQUIRE(write_key_files(new_pair(), folder.file("shop.key"), folder.file("shop.pub")));
    CHECK_THAT(secret_complaint(folder.file("shop.pub")),
               Catch::Contains("holds a public key only") && Catch::Contains(".key"));
    const auto refused = read_public_key(folder.file("shop.key"), secret_too::refuse);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().detail,
               Catch::Contains("holds a secret key") && Catch::Contains(".pub"));
    CHECK(read_public_key(folder.file("shop.pub"), secret_too::refuse));
}

TEST_CASE("a key file with wrong content is refused, and its content stays unsaid") {
    const temporary_folder folder;
    const auto pair = new_pair();
    const auto& secret = pair.secret_key.reveal();
    const auto name = std::string("name = \"shop\"\n");
    const auto open = "public_key = \"" + pair.public_key + "\"\n";
    const auto closed = "secret_key = \"" + secret + "\"\n";
    const auto half = secret.substr(0, 20);
    struct {
        std::string text;
        std::string complaint;
    } const cases[] = {
        {"", "has no good name"},
        {"x" + secret, "line 1 is none of a key file"},
        {"secret_key = " + secret + "\n", "line 1 is none of a key file"},
        {name + open + "secret_key = \"" + secret + "\nx", "line 3 is none"},
        {name + open + closed.substr(0, closed.size() - 1) + " x\n", "line 3 is none"},
        {name + open + "secret_key = \"\\u0031" + secret + "\"\n", "line 3 is none"},
        {name + open + "secret_key = '" + secret + "'\n", "line 3 is none"},
        {open + closed, "has no good name"},
        {"name = \"../shop\"\n" + open + closed, "has no good name"},
        {name + closed, "public_key is not there, or not a key"},
        {name + "public_key = \"" + half + "\"\n" + closed, "not there, or not a key"},
        {name + "public_key = \"" + std::string(40, '0') + "\"\n" + closed, "or not a key"},
        {name + open + "secret_key = \"" + half + "\"\n", "secret_key is not a key"},
        {name + open + "secret_key = \"\"\n", "secret_key is not a key"},
        {name + open + "secret_key = 7\n", "line 3 is none"},
        {name + open + "secret_key = \"" + new_pair().secret_key.reveal() + "\"\n",
         "public_key is not that of its secret_key"},
        {name + open + closed + "secret = \"1\"\n", "line 4 is none"},
        {name + open + closed + closed, "line 4 is none"},
        {name + open + closed + "[shop]\n", "line 4 is none"},
        {std::string("\0\xff\n=\n", 5), "line 1 is none"},
    };
    for (const auto& each : cases) {
        const auto said = secret_complaint(folder.write("shop.key", each.text, 0600));
        CHECK_THAT(said, Catch::Contains(each.complaint));
        CHECK(said.find(half) == std::string::npos);
    }
}

TEST_CASE("a key file may have blanks, comments and foreign line ends") {
    const temporary_folder folder;
    const auto pair = new_pair();
    const auto text = "# mine\r\n\r\n\tpublic_key=\"" + pair.public_key +
                      "\"# open\r\n  secret_key\t=  \"" + pair.secret_key.reveal() +
                      "\"  # closed\r\nname = \"shop\"";
    const auto read = read_secret_key(folder.write("shop.key", text, 0600));
    REQUIRE(read);
    CHECK(read->public_key == pair.public_key);
    CHECK(read->secret_key.reveal() == pair.secret_key.reveal());
    CHECK(read_secret_key(folder.write("plain.key", secret_text_of(pair), 0600)));
}

TEST_CASE("a public key is 40 characters of Z85 that are 32 bytes") {
    const auto pair = new_pair();
    CHECK(is_public_key(pair.public_key));
    CHECK_FALSE(is_public_key(""));
    CHECK_FALSE(is_public_key(pair.public_key + "0"));
    CHECK_FALSE(is_public_key(std::string_view(pair.public_key).substr(1)));
    CHECK_FALSE(is_public_key(std::string(40, '0')));  // nobody's
    CHECK_FALSE(is_public_key(std::string(40, '#')));  // five of them are more than 32 bits
    CHECK_FALSE(is_public_key(std::string(40, '"')));  // not in the alphabet
    CHECK_FALSE(is_public_key(std::string(40, '\0')));
    CHECK_FALSE(is_public_key(std::string(40, '\xff')));

    std::array<std::byte, key_bytes> raw{};
    REQUIRE(zmq_z85_decode(reinterpret_cast<std::uint8_t*>(raw.data()), pair.public_key.c_str()) !=
            nullptr);
    CHECK(public_key_text(raw) == pair.public_key);
}

TEST_CASE("a key's name can be the name of a file") {
    for (const auto* good : {"shop", "a", "shop-2.test_x", "0"}) CHECK(is_key_name(good));
    for (const auto* bad : {"", ".", "..", ".shop", "-rf", "_x", "a/b", "Shop", "a b", "a\n"})
        CHECK_FALSE(is_key_name(bad));
    CHECK(is_key_name(std::string(64, 'a')));
    CHECK_FALSE(is_key_name(std::string(65, 'a')));
}

TEST_CASE("a secret is wiped, copied and moved as a value") {
    std::string text(40, 's');
    wipe(text);
    CHECK(text.empty());
    CHECK(std::string_view(text.data(), 40) == std::string(40, '\0'));

    secret_text first(std::string(40, 'a'));
    secret_text copy = first;
    CHECK(copy.reveal() == first.reveal());
    secret_text moved = std::move(first);
    CHECK(moved.reveal() == copy.reveal());
    moved = secret_text(std::string(40, 'b'));
    CHECK(moved.reveal() == std::string(40, 'b'));
    moved = copy;
    CHECK(moved.reveal() == copy.reveal());
    moved = {};
    CHECK(moved.empty());
}
