// SPDX-License-Identifier: Apache-2.0
//
// What is RocksDB's own: whose directory it is, damage, and what is dropped from it.
#include "runtime/store/data_directory.hpp"
#include "runtime/store/rocks_database.hpp"
#include "runtime/store/store_record.hpp"
#include "test_paths.hpp"
#include "tests/store/child_process.hpp"
#include "tests/store/child_values.hpp"
#include "tests/store/store_steps.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

using namespace dunlin;
using namespace dunlin::tests;
using actors::state_store;
using actors::write_outcome;
using runtime::store::rocks_settings;

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t hour_ms = 3'600'000;

rocks_settings settings_of(const std::string& directory, std::string node = "a",
                           std::string cluster = "shop") {
    rocks_settings settings;
    settings.directory = directory;
    settings.node = std::move(node);
    settings.cluster = std::move(cluster);
    return settings;
}

std::unique_ptr<state_store> open(rocks_settings settings) {
    return runtime::store::open_rocks_store(std::move(settings)).value();
}

// The sentence with which it does not open.
std::string refusal(rocks_settings settings) {
    const auto directory = settings.directory;
    const auto opened = runtime::store::open_rocks_store(std::move(settings));
    if (opened) return "it was opened";
    CHECK_THAT(opened.error().detail, Catch::Contains(directory));
    return opened.error().detail;
}

void fill(state_store& store, std::size_t count) {
    const auto space = store.open_space("s").value();
    for (std::size_t i = 0; i < count; ++i) {
        const auto key = std::to_string(i);
        REQUIRE(write_one(store,
                          put(space, key, 0, 1, "the value of " + std::string(100, 'v') + key)) ==
                write_outcome::written);
    }
}

// How many of them are there with their value; an error of the first that cannot be read.
result<std::size_t> count_good(state_store& store, std::size_t count) {
    const auto space = store.open_space("s").value();
    std::size_t good = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto key = std::to_string(i);
        actors::state_read one;
        one.space = space;
        one.key = as_bytes(key);
        if (auto done = store.read({&one, 1}); !done) return done.error();
        if (one.failure) return *one.failure;
        if (one.found.version == 0) continue;
        CHECK(text_of(one.found) == "the value of " + std::string(100, 'v') + key);
        ++good;
    }
    return good;
}

std::vector<std::string> files_of(const std::string& directory, const std::string& ending) {
    std::vector<std::string> found;
    for (const auto& each : fs::directory_iterator(directory + "/rocks"))
        if (each.path().string().ends_with(ending) && each.file_size() != 0)
            found.push_back(each.path().string());
    std::sort(found.begin(), found.end());
    return found;
}

std::string manifest_of(const std::string& directory) {
    auto name = temporary_folder::read(directory + "/rocks/CURRENT");
    name.pop_back();
    return directory + "/rocks/" + name;
}

void flip_bits(const std::string& file, std::uintmax_t at) {
    std::fstream data(file, std::ios::in | std::ios::out | std::ios::binary);
    data.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(data.get());
    data.seekp(static_cast<std::streamoff>(at));
    data.put(static_cast<char>(~byte));
}

}  // namespace

// -- whose it is ----------------------------------------------------------------------------------

TEST_CASE("a data directory is made where there is none, or an empty one", "[store]") {
    const temporary_folder folder;
    const auto directory = folder.file("data");
    CHECK(open(settings_of(directory))->describe() == "RocksDB in " + directory);
    struct stat about {};
    REQUIRE(::stat(directory.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0700);
    fs::create_directory(folder.file("empty"));
    CHECK_FALSE(open(settings_of(folder.file("empty")))->shared());
    CHECK_THAT(refusal(settings_of(folder.file("no/parent"))),
               Catch::Contains("make its parent first"));
}

TEST_CASE("a directory that is not Dunlin's is not touched", "[store]") {
    const temporary_folder folder;
    const auto directory = folder.file("mine");
    fs::create_directory(directory);
    folder.write("mine/letter", "dear", 0600);
    const auto before = fs::last_write_time(directory);
    CHECK_THAT(refusal(settings_of(directory)),
               Catch::Contains("is not empty, and Dunlin did not make what is in it"));
    CHECK(std::distance(fs::directory_iterator(directory), fs::directory_iterator()) == 1);
    CHECK(fs::last_write_time(directory) == before);

    folder.write("file", "", 0600);
    CHECK_THAT(refusal(settings_of(folder.file("file"))), Catch::Contains("is not a directory"));
    folder.write("mine/dunlin-data", "groceries\n", 0600);
    CHECK_THAT(refusal(settings_of(directory)),
               Catch::Contains("is not the one of a data directory"));
}

TEST_CASE("what a node left that was killed while it made its directory is no obstacle",
          "[store]") {
    const temporary_folder folder;
    const auto directory = folder.file("data");
    fs::create_directory(directory);
    folder.write("data/dunlin-lock", "123\n", 0600);
    folder.write("data/dunlin-data.new", "dunlin", 0600);
    fill(*open(settings_of(directory)), 3);
    CHECK(count_good(*open(settings_of(directory)), 3).value() == 3);

    // Killed between the marker and the end of making the database.
    const auto half = folder.file("half");
    fs::create_directories(half + "/rocks");
    folder.write("half/dunlin-data",
                 "dunlin data\nformat 1\ncluster shop\nnode a\nready no\nmanifest  0\n", 0600);
    fill(*open(settings_of(half)), 3);
    CHECK(count_good(*open(settings_of(half)), 3).value() == 3);
}

TEST_CASE("a data directory belongs to one node of one cluster", "[store]") {
    const temporary_folder folder;
    const auto directory = folder.file("data");
    fill(*open(settings_of(directory)), 2);
    CHECK_THAT(refusal(settings_of(directory, "b")),
               Catch::Contains("has the state of node a of cluster shop, and this is node b of "
                               "cluster shop"));
    CHECK_THAT(refusal(settings_of(directory, "a", "other")), Catch::Contains("cluster other"));
    // A node that has no name of its own is not compared, and takes none away.
    CHECK(count_good(*open(settings_of(directory, "")), 2).value() == 2);
    CHECK_THAT(refusal(settings_of(directory, "b")), Catch::Contains("node a"));

    const auto nameless = folder.file("nameless");
    fill(*open(settings_of(nameless, "")), 1);
    fill(*open(settings_of(folder.file("other"), "")), 1);
    CHECK(count_good(*open(settings_of(nameless, "c")), 1).value() == 1);
    CHECK_THAT(refusal(settings_of(nameless, "b")), Catch::Contains("node c"));
}

TEST_CASE("a data directory of a newer version is refused, and a damaged marker", "[store]") {
    const temporary_folder folder;
    const auto directory = folder.file("data");
    fill(*open(settings_of(directory)), 1);
    folder.write("data/dunlin-data", "dunlin data\nformat 2\nquite different\n", 0600);
    CHECK_THAT(refusal(settings_of(directory)),
               Catch::Contains("newer version of Dunlin") && Catch::Contains("format 2"));
    folder.write("data/dunlin-data", "dunlin data\nformat 1\ncluster shop\nno", 0600);
    CHECK_THAT(refusal(settings_of(directory)), Catch::Contains("damaged"));
}

TEST_CASE("a data directory is used by one process, and the second is told which", "[store]") {
    const temporary_folder folder;
    const auto directory = folder.file("data");
    {
        const auto first = open(settings_of(directory, "", "test"));
        CHECK_THAT(refusal(settings_of(directory, "", "test")),
                   Catch::Contains("process " + std::to_string(::getpid()) + " uses it"));
    }
    child_process other({DUNLIN_TEST_PROGRAMS "/dunlin_store_child", "hold", directory});
    REQUIRE(other.read_line() == "ready");
    CHECK_THAT(refusal(settings_of(directory, "", "test")),
               Catch::Contains("process " + std::to_string(other.pid()) + " uses it"));
    other.kill();
    CHECK_NOTHROW(open(settings_of(directory, "", "test")));
}

TEST_CASE("a directory that may not be written to is said to be one", "[store]") {
    const temporary_folder folder;
    const auto directory = folder.file("data");
    fs::create_directory(directory);
    REQUIRE(::chmod(directory.c_str(), 0555) == 0);
    REQUIRE(::chmod(folder.file("").c_str(), 0755) == 0);
    // Permissions do not bind root: this thread becomes nobody for files.
    constexpr uid_t nobody = 65534;
    const auto before = ::setfsuid(::geteuid() == 0 ? nobody : ::geteuid());
    const auto existing = runtime::store::open_rocks_store(settings_of(directory));
    const auto below = runtime::store::open_rocks_store(settings_of(directory + "/new"));
    ::setfsuid(static_cast<uid_t>(before));
    REQUIRE_FALSE(existing.has_value());
    CHECK_THAT(existing.error().detail, Catch::Contains("cannot write to it: Permission denied") &&
                                            Catch::Contains("let the node's user write there"));
    REQUIRE_FALSE(below.has_value());
    CHECK_THAT(below.error().detail, Catch::Contains("cannot make it: Permission denied"));
    CHECK(fs::is_empty(directory));
}

// -- damage ---------------------------------------------------------------------------------------

TEST_CASE("a database without its list of files is damaged, and never an empty one", "[store]") {
    const temporary_folder folder;
    const auto directory = folder.file("data");
    fill(*open(settings_of(directory)), 50);
    const auto current = directory + "/rocks/CURRENT";
    const auto manifest = manifest_of(directory);

    SECTION("CURRENT is empty") { fs::resize_file(current, 0); }
    SECTION("CURRENT is cut") { fs::resize_file(current, 8); }
    SECTION("CURRENT is gone") { fs::remove(current); }
    SECTION("all of it is gone") { fs::remove_all(directory + "/rocks"); }
    SECTION("the manifest is gone") { fs::remove(manifest); }
    SECTION("the manifest is empty") { fs::resize_file(manifest, 0); }
    SECTION("the manifest is cut") { fs::resize_file(manifest, fs::file_size(manifest) / 2); }
    SECTION("the manifest lacks its last byte") {
        fs::resize_file(manifest, fs::file_size(manifest) - 1);
    }
    SECTION("the manifest has another byte") { flip_bits(manifest, fs::file_size(manifest) / 2); }
    SECTION("a sorted file is gone") { fs::remove(files_of(directory, ".sst").at(0)); }
    SECTION("a sorted file is cut") {
        const auto file = files_of(directory, ".sst").at(0);
        fs::resize_file(file, fs::file_size(file) / 2);
    }
    CHECK_THAT(refusal(settings_of(directory)),
               Catch::Contains("it is damaged") && Catch::Contains("from a backup"));
    // And so it stays.
    CHECK_THAT(refusal(settings_of(directory)), Catch::Contains("it is damaged"));
}

TEST_CASE("a sorted file with another byte gives an error and no other value", "[store]") {
    constexpr std::size_t count = 500;
    const temporary_folder folder;
    const auto directory = folder.file("data");
    fill(*open(settings_of(directory)), count);
    const auto file = files_of(directory, ".sst").at(0);
    flip_bits(file, fs::file_size(file) / 3);
    const auto opened = runtime::store::open_rocks_store(settings_of(directory));
    if (!opened) {
        CHECK_THAT(opened.error().detail, Catch::Contains("it is damaged"));
        return;
    }
    const auto good = count_good(**opened, count);
    REQUIRE_FALSE(good.has_value());
    CHECK(good.error().code == errc::unavailable);
    CHECK_THAT(good.error().detail, Catch::Contains(directory) && Catch::Contains("it is damaged"));
    const auto space = (*opened)->open_space("s").value();
    CHECK_FALSE((*opened)->list(space, "", "", count).has_value());
}

TEST_CASE("a damaged value fails alone: what is read and written with it is not its affair",
          "[store]") {
    constexpr std::size_t count = 2000;
    const temporary_folder folder;
    const auto directory = folder.file("data");
    fill(*open(settings_of(directory)), count);
    const auto file = files_of(directory, ".sst").at(0);
    flip_bits(file, fs::file_size(file) / 3);
    const auto store = open(settings_of(directory));
    const auto space = store->open_space("s").value();
    std::vector<std::string> keys;
    std::vector<actors::state_read> wanted;
    for (std::size_t i = 0; i < count; ++i) keys.push_back(std::to_string(i));
    for (const auto& each : keys) wanted.push_back({space, as_bytes(each)});
    REQUIRE(store->read(wanted));
    std::vector<std::size_t> bad;
    for (std::size_t i = 0; i < count; ++i) {
        if (!wanted[i].failure) {
            REQUIRE(text_of(wanted[i].found) == "the value of " + std::string(100, 'v') + keys[i]);
            continue;
        }
        bad.push_back(i);
        CHECK(wanted[i].failure->code == errc::unavailable);
        CHECK_THAT(wanted[i].failure->detail,
                   Catch::Contains(directory) && Catch::Contains("it is damaged"));
    }
    // Of the block that has the byte, and of no other.
    REQUIRE_FALSE(bad.empty());
    CHECK(bad.size() < count / 4);

    std::vector<actors::state_write> batch;
    for (const auto& each : keys) batch.push_back(put(space, each, 1, 2, "new"));
    REQUIRE(store->write(batch));
    std::size_t next = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const bool damaged = next < bad.size() && bad[next] == i;
        next += damaged ? 1 : 0;
        REQUIRE(batch[i].outcome == (damaged ? write_outcome::damaged : write_outcome::written));
    }
}

TEST_CASE("a log that is damaged is an error, and one that is torn at its end is not", "[store]") {
    const temporary_folder folder;
    const auto directory = folder.file("data");
    {
        child_process child({DUNLIN_TEST_PROGRAMS "/dunlin_store_child", "write", directory});
        // Of batches some; nothing of it has left the log.
        child_report report;
        for (std::size_t i = 0; i < child_keys + 300; ++i)
            REQUIRE(child.read(&report, sizeof report) == sizeof report);
        child.kill();
    }
    const auto logs = files_of(directory, ".log");
    REQUIRE_FALSE(logs.empty());
    const auto& log = logs.back();
    const auto settings = settings_of(directory, "", "test");

    SECTION("damaged in the middle") {
        flip_bits(log, fs::file_size(log) / 2);
        CHECK_THAT(refusal(settings), Catch::Contains("it is damaged"));
        CHECK_THAT(refusal(settings), Catch::Contains("it is damaged"));
    }
    SECTION("torn") {
        fs::resize_file(log, fs::file_size(log) - 3);
        const auto store = open(settings);
        const auto space = store->open_space("s").value();
        CHECK(store->list(space, "", "", 100).value().size() > 10);
    }
}

// -- what is dropped ------------------------------------------------------------------------------

TEST_CASE("tombstones and expired values are dropped an hour after their end, and not before",
          "[store]") {
    std::int64_t now_ms = 1'800'000'000'000;
    const temporary_folder folder;
    const auto directory = folder.file("data");
    const auto settings = [&] {
        auto made = settings_of(directory);
        made.now_ms = [&now_ms] { return now_ms; };
        return made;
    };
    {
        const auto store = open(settings());
        const auto space = store->open_space("s").value();
        for (const auto* key : {"erased", "expired", "expires later", "stays"}) {
            auto one = put(space, key, 0, 1, "value");
            if (std::string_view(key) == "expired") one.expires_ms = now_ms + 1;
            if (std::string_view(key) == "expires later") one.expires_ms = now_ms + hour_ms;
            REQUIRE(write_one(*store, one) == write_outcome::written);
        }
        REQUIRE(write_one(*store, erase(space, "erased", 1, 2)) == write_outcome::written);
    }
    const auto merge = [&] {
        const runtime::store::rocks_options options(settings());
        const auto owned = runtime::store::data_directory::claim(directory, "shop", "a").value();
        const auto database = runtime::store::rocks_database::open(options, owned).value();
        rocksdb::CompactRangeOptions all;
        all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
        REQUIRE((*database)->CompactRange(all, database->find("s"), nullptr, nullptr).ok());
    };
    const auto versions = [&] {
        const auto store = open(settings());
        const auto space = store->open_space("s").value();
        std::vector<std::uint64_t> found;
        for (const auto* key : {"erased", "expired", "expires later", "stays"})
            found.push_back(read_one(*store, space, key).version);
        return found;
    };
    now_ms += hour_ms;  // not more than an hour since the end of either
    merge();
    CHECK(versions() == std::vector<std::uint64_t>{2, 1, 1, 1});
    now_ms += 2;
    merge();
    CHECK(versions() == std::vector<std::uint64_t>{0, 0, 1, 1});

    // A key that was dropped begins anew, for who has looked and for nobody else.
    const auto store = open(settings());
    const auto space = store->open_space("s").value();
    CHECK(write_one(*store, put(space, "erased", 2, 3, "stale")) == write_outcome::conflict);
    CHECK(write_one(*store, put(space, "erased", 0, 1'800'000, "new")) == write_outcome::written);
}

TEST_CASE("a full disk is told as one, also by a write that only hears of the failed flush",
          "[store]") {
    // What RocksDB answers to the write during which the log failed, and to one after a flush did.
    const auto at_once =
        rocksdb::Status::NoSpace("While appending to file", "No space left on device");
    const auto later =
        rocksdb::Status::Incomplete("IO error: No space left on device: While appending");
    for (const auto& status : {at_once, later}) {
        const auto told = runtime::store::rocks_database::explain("/data", status);
        CHECK(told.code == errc::unavailable);
        CHECK_THAT(told.detail, Catch::Contains("no space is left on its disk; make room"));
    }
    const auto other = runtime::store::rocks_database::explain(
        "/data", rocksdb::Status::Incomplete("Write stall"));
    CHECK_THAT(other.detail, !Catch::Contains("no space"));
}
