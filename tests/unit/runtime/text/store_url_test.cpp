// SPDX-License-Identifier: Apache-2.0
#include "runtime/text/store_url.hpp"

#include "tests/support/catch.hpp"

using namespace dunlin;
using runtime::check_store_url;
using runtime::shown_store_url;

TEST_CASE("a URL of PostgreSQL is taken as it is, and nothing else is one") {
    for (const auto* url :
         {"", "postgres://db", "postgresql://u@db:5433/shop", "postgres://u:p%40x@db/shop",
          "postgres://u@/shop?host=/run/postgresql", "postgres://u@[::1]:5432/shop",
          "postgres://a@h1,h2:5433/shop?target_session_attrs=read-write"})
        CHECK(check_store_url(url).has_value());
    for (const auto* url :
         {"postgres", "host=db dbname=shop password=secret", "redis://db", "POSTGRES://db",
          "postgres://u:se cret@db/shop", "postgres://u:secret@db/shop\n",
          "postgres://u:sec/ret@db/shop", "postgres://u:secret@x@db/shop"}) {
        INFO(url);
        const auto refused = check_store_url(url);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == errc::invalid_argument);
        CHECK_THAT(refused.error().detail, Catch::Contains("the URL of the store") &&
                                               Catch::Contains("postgres://USER@HOST"));
        CHECK_THAT(refused.error().detail, !Catch::Contains("secret"));
    }
}

TEST_CASE("a URL is shown without its password, wherever that is") {
    CHECK(shown_store_url("postgres://u:secret@db:5433/shop?sslmode=require") ==
          "postgres://u@db:5433/shop?sslmode=require");
    CHECK(shown_store_url("postgresql://db/shop") == "postgresql://db/shop");
    CHECK(shown_store_url("postgres://u@/shop?host=/run/pg&password=secret&port=1") ==
          "postgres://u@/shop?host=/run/pg&port=1");
    CHECK(shown_store_url("postgres://db/shop?pass%77ord=secret") == "postgres://db/shop");
    CHECK(shown_store_url("postgres://db/shop?sslpassword=secret&x=1") == "postgres://db/shop?x=1");
    // libpq takes a '?' before the '@' for a part of the password.
    CHECK(shown_store_url("postgres://u:sec?ret@db/shop") == "postgres://u@db/shop");
    CHECK(shown_store_url("postgres://:secret@db/shop") == "postgres://@db/shop");
}
