#include "app/config.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace ordercache;
using namespace std::chrono_literals;

namespace {

using Variables = std::map<std::string, std::string>;

struct Fixture {
    explicit Fixture(Variables given)
        : variables(std::move(given)),
          config(
              [this](const char* name) -> std::optional<std::string> {
                  const auto found = variables.find(name);
                  return found == variables.end() ? std::nullopt : std::optional(found->second);
              },
              [this](const std::string& warning) { warnings.push_back(warning); }) {}

    Fixture(const Fixture&) = delete;
    Fixture& operator=(const Fixture&) = delete;

    Variables variables;
    std::vector<std::string> warnings;
    Config config;
};

template <typename Read>
std::string refusal(Variables variables, Read read) {
    const Fixture fixture(std::move(variables));
    try {
        read(fixture.config);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.what();
    }
    return "accepted";
}

std::string redis_refusal(Variables variables) {
    return refusal(std::move(variables), [](const Config& config) { config.redis(); });
}

std::string postgres_refusal(Variables variables) {
    return refusal(std::move(variables), [](const Config& config) { config.postgres(); });
}

std::string prefix_refusal(const char* prefix) {
    return refusal({{"CACHE_KEY_PREFIX", prefix}},
                   [](const Config& config) { config.key_prefix(); });
}

} // namespace

TEST_CASE("a service that is not named is refused by its variable's name") {
    const Variables one = {{"PG_SERVICE_URI", "postgres://h"}};
    CHECK(redis_refusal(one) == "REDIS_SERVICE_URI is not set: it must name the service, as in "
                                "redis://user:password@host:6379/0");
    CHECK(redis_refusal({{"REDIS_SERVICE_URI", ""}, *one.begin()}) == redis_refusal(one));
    CHECK(postgres_refusal({}) == "PG_SERVICE_URI is not set: it must name the service, as in "
                                  "postgres://user:password@host:5432/defaultdb");
    CHECK(postgres_refusal({{"PG_SERVICE_URI", ""}}) == postgres_refusal({}));
}

TEST_CASE("of two services that are not named both are told") {
    CHECK(redis_refusal({}) ==
          "REDIS_SERVICE_URI is not set: it must name the service, as in "
          "redis://user:password@host:6379/0; PG_SERVICE_URI is not set either");
    CHECK(redis_refusal({{"REDIS_SERVICE_URI", ""}, {"PG_SERVICE_URI", ""}}) == redis_refusal({}));
}

TEST_CASE("a malformed service URI is refused by its variable's name") {
    CHECK(redis_refusal({{"REDIS_SERVICE_URI", "redis://h:0"}}) ==
          "REDIS_SERVICE_URI: the port must be a number from 1 to 65535");
    CHECK(postgres_refusal({{"PG_SERVICE_URI", "postgres://h:0"}}) ==
          "PG_SERVICE_URI: the port must be a number from 1 to 65535");
}

TEST_CASE("the Redis service is the URI's") {
    Fixture fixture(Variables{{"REDIS_SERVICE_URI", "rediss://u:pw@cache.example:7000/3"}});
    const RedisService service = fixture.config.redis();
    CHECK(service.peer() == "cache.example:7000");
    CHECK(service.database == 3);
    CHECK(fixture.warnings.empty());
}

TEST_CASE("a certificate that is not to be verified is warned of once") {
    Fixture fixture(Variables{{"REDIS_SERVICE_URI", "rediss://u:pw@h?ssl_cert_reqs=none"}});
    CHECK_FALSE(fixture.config.redis().verify_certificate);
    CHECK_FALSE(fixture.config.redis().verify_certificate);
    REQUIRE(fixture.warnings.size() == 1);
    CHECK(fixture.warnings[0].find("REDIS_SERVICE_URI: ssl_cert_reqs=none") == 0);
}

TEST_CASE("a value that a file of settings has spoilt is refused by its variable's name") {
    const std::string carriage_return =
        ": it contains a carriage return, as in a file with CRLF line ends";
    const std::string control = ": it must not contain a control character";
    const std::string blank = ": it begins or ends with a blank";
    const std::string quotes = ": the value is in quotes: remove them";
    const auto database_refusal = [](const std::string& name) {
        return postgres_refusal({{"PG_SERVICE_URI", "postgres://h"}, {"PG_DATABASE", name}});
    };
    CHECK(prefix_refusal("shop\r") == "CACHE_KEY_PREFIX" + carriage_return);
    CHECK(database_refusal("shop\r") == "PG_DATABASE" + carriage_return);
    CHECK(prefix_refusal("redis://:pw@h") == "CACHE_KEY_PREFIX: it must not be a URI");
    CHECK(database_refusal("postgres://u:pw@h") == "PG_DATABASE: it must not be a URI");
    for (const char* text : {"shop\n", "a\tb", "\x7f", "\x1b[31m"}) {
        CAPTURE(text);
        CHECK(prefix_refusal(text) == "CACHE_KEY_PREFIX" + control);
        CHECK(database_refusal(text) == "PG_DATABASE" + control);
    }
    for (const char* text : {" shop", "shop ", " "}) {
        CAPTURE(text);
        CHECK(prefix_refusal(text) == "CACHE_KEY_PREFIX" + blank);
        CHECK(database_refusal(text) == "PG_DATABASE" + blank);
    }
    for (const char* text : {"\"shop\"", "'shop'", "\"\"", "''"}) {
        CAPTURE(text);
        CHECK(prefix_refusal(text) == "CACHE_KEY_PREFIX" + quotes);
        CHECK(database_refusal(text) == "PG_DATABASE" + quotes);
    }
    CHECK(prefix_refusal("the shop's \"orders\"") == "accepted");
    CHECK(database_refusal("the shop's") == "accepted");
    CHECK(redis_refusal({{"REDIS_SERVICE_URI", "\"redis://h\""}}) == "REDIS_SERVICE_URI" + quotes);
    CHECK(postgres_refusal({{"PG_SERVICE_URI", "'postgres://h'"}}) == "PG_SERVICE_URI" + quotes);
    CHECK(postgres_refusal({{"PG_SERVICE_URI", "\"host=h user='u'\""}}) ==
          "PG_SERVICE_URI" + quotes);
    CHECK(postgres_refusal({{"PG_SERVICE_URI", "host=h user='u'"}}) == "accepted");
    CHECK(redis_refusal({{"REDIS_SERVICE_URI", "redis://h\r"}}).starts_with("REDIS_SERVICE_URI: "));
    CHECK(postgres_refusal({{"PG_SERVICE_URI", "postgres://h\r"}}).starts_with("PG_SERVICE_URI: "));
}

TEST_CASE("the database is dellstore, another, or the URI's own") {
    const auto database = [](Variables variables) {
        variables.emplace("PG_SERVICE_URI", "postgres://u:pw@h/defaultdb");
        const Fixture fixture(std::move(variables));
        return fixture.config.postgres().database;
    };
    CHECK(database({}) == "dellstore");
    CHECK(database({{"PG_DATABASE", "shop"}}) == "shop");
    CHECK(database({{"PG_DATABASE", ""}}) == "dellstore");
    CHECK(database({{"PG_SERVICE_URI", "postgres://h/mydb"}}) == "mydb");
    CHECK(database({{"PGDATABASE", "other"}}) == "dellstore");
}

TEST_CASE("keys begin with num_orders unless another prefix is set") {
    CHECK(Fixture(Variables{}).config.key_prefix() == "num_orders");
    CHECK(Fixture(Variables{{"CACHE_KEY_PREFIX", ""}}).config.key_prefix() == "num_orders");
    CHECK(Fixture(Variables{{"CACHE_KEY_PREFIX", "shop"}}).config.key_prefix() == "shop");
    CHECK(Fixture(Variables{{"CACHE_KEY_PREFIX", "{shop}:o"}}).config.key_prefix() == "{shop}:o");
    CHECK(Fixture(Variables{{"CACHE_KEY_PREFIX", "a{b}"}}).config.key_prefix() == "a{b}");
}

TEST_CASE("a prefix whose braces are not one hash tag is refused") {
    for (const char* prefix :
         {"{", "}", "{}", "a{}b", "}{", "{a", "a}", "{a}{b}", "{{a}}", "{a}}"}) {
        CAPTURE(prefix);
        CHECK(prefix_refusal(prefix) ==
              "CACHE_KEY_PREFIX: braces must enclose one hash tag, as in {shop}:orders");
    }
}

TEST_CASE("customers are integers unless another type is set") {
    const auto type = [](Variables variables) {
        return Fixture(std::move(variables)).config.customer_type();
    };
    CHECK(type({}) == CustomerType::integer);
    CHECK(type({{"ORDERS_CUSTOMER_TYPE", ""}}) == CustomerType::integer);
    CHECK(type({{"ORDERS_CUSTOMER_TYPE", "integer"}}) == CustomerType::integer);
    CHECK(type({{"ORDERS_CUSTOMER_TYPE", "uuid"}}) == CustomerType::uuid);
    CHECK(type({{"ORDERS_CUSTOMER_TYPE", "text"}}) == CustomerType::text);
}

TEST_CASE("another type of customers is refused, and not shown") {
    const auto type_refusal = [](const char* type) {
        return refusal({{"ORDERS_CUSTOMER_TYPE", type}},
                       [](const Config& config) { config.customer_type(); });
    };
    for (const char* type : {"int", "INTEGER", "texts", "uuid,text"}) {
        CAPTURE(type);
        CHECK(type_refusal(type) == "ORDERS_CUSTOMER_TYPE: it must be integer, uuid or text");
    }
    CHECK(type_refusal("'text'") == "ORDERS_CUSTOMER_TYPE: the value is in quotes: remove them");
    CHECK(type_refusal("text ") == "ORDERS_CUSTOMER_TYPE: it begins or ends with a blank");
}

TEST_CASE("a count lives for 120 seconds unless another time to live is set") {
    CHECK(Fixture(Variables{}).config.time_to_live() == 120s);
    const Fixture with_an_empty_one(Variables{{"CACHE_TIMEOUT_SECONDS", ""}});
    CHECK(with_an_empty_one.config.time_to_live() == 120s);
    CHECK(with_an_empty_one.warnings.empty());
    CHECK(Fixture(Variables{{"CACHE_TIMEOUT_SECONDS", "1"}}).config.time_to_live() == 1s);
    CHECK(Fixture(Variables{{"CACHE_TIMEOUT_SECONDS", "010"}}).config.time_to_live() == 10s);
    CHECK(Fixture(Variables{{"CACHE_TIMEOUT_SECONDS", "2147483647"}}).config.time_to_live() ==
          2147483647s);
}

TEST_CASE("a bad time to live is warned of once, and 120 is used") {
    for (const char* text : {"0", "-1", "+5", "1.5", "60s", " 60", "60 ", "60\r", "\"60\"", "0x10",
                             "1e3", "2147483648", "99999999999999999999", "abc"}) {
        CAPTURE(text);
        Fixture fixture(Variables{{"CACHE_TIMEOUT_SECONDS", text}});
        CHECK(fixture.config.time_to_live() == 120s);
        CHECK(fixture.config.time_to_live() == 120s);
        REQUIRE(fixture.warnings.size() == 1);
        CHECK(fixture.warnings[0] == "CACHE_TIMEOUT_SECONDS: a time to live must be a whole number "
                                     "of seconds from 1 to 2147483647; 120 is used");
    }
}

TEST_CASE("an option of REDIS_SERVICE_URI that is ignored is warned of by name, once") {
    Fixture fixture(
        Variables{{"REDIS_SERVICE_URI", "rediss://u:pw@h?client_name=s3cret&protocol=3"}});
    fixture.config.redis();
    fixture.config.redis();
    REQUIRE(fixture.warnings.size() == 2);
    CHECK(fixture.warnings[0] == "REDIS_SERVICE_URI: the option client_name is ignored: it has "
                                 "no effect here");
    CHECK(fixture.warnings[1].find("protocol") != std::string::npos);
}

TEST_CASE("without variables the orders are the tutorial's") {
    for (const Variables& variables :
         {Variables{},
          Variables{{"ORDERS_TABLE", ""}, {"ORDERS_COLUMNS", ""}, {"ORDERS_WHERE", ""}}}) {
        const OrdersView view = Fixture(variables).config.orders();
        CHECK(view.table == "orders");
        CHECK(view.customer == "customerid");
        CHECK(view.condition.empty());
    }
}

TEST_CASE("the view of orders is a table, its columns and a condition") {
    const OrdersView view = Fixture({{"ORDERS_TABLE", "spree_orders"},
                                     {"ORDERS_COLUMNS", "orderid=id,customerid=user_id"},
                                     {"ORDERS_WHERE", "completed_at IS NOT NULL"}})
                                .config.orders();
    CHECK(view.table == "\"spree_orders\"");
    CHECK(view.customer == "\"user_id\"");
    CHECK(view.condition == "completed_at IS NOT NULL");
}

TEST_CASE("a bad name of the view is refused by its variable's name") {
    const auto read = [](const Config& config) { config.orders(); };
    CHECK(refusal({{"ORDERS_TABLE", "a.b.c"}}, read) ==
          "ORDERS_TABLE: it must be one or two SQL names, as in shop.orders");
    CHECK(refusal({{"ORDERS_COLUMNS", "customerid=user-id"}}, read) ==
          "ORDERS_COLUMNS: an SQL name must end at a comma or a blank");
}
