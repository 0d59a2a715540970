#include "postgres/uri.hpp"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <stdexcept>
#include <string>

using namespace ordercache;

namespace {

struct Reading {
    const char* text;
    const char* connection_string;
    const char* database;
};

Environment environment(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

PostgresService parse(const char* text, const char* database = "",
                      std::map<std::string, std::string> variables = {}) {
    return parse_postgres_uri(text, database, environment(std::move(variables)));
}

/// The connection string without the program's own defaults.
std::string given(const PostgresService& service) {
    std::string text = ' ' + service.connection_string;
    for (const std::string own :
         {" client_encoding='UTF8'", " fallback_application_name='ordercache'",
          " gssencmode='disable'", " keepalives_count='3'", " keepalives_idle='60'",
          " keepalives_interval='10'", " tcp_user_timeout='60000'"}) {
        if (const auto at = text.find(own); at != std::string::npos) {
            text.erase(at, own.size());
        }
    }
    return text.empty() ? text : text.substr(1);
}

std::string refusal(const char* text) {
    try {
        parse(text);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "accepted";
}

} // namespace

TEST_CASE("a PostgreSQL URI becomes libpq's parameters, and the database's name") {
    const auto table = std::to_array<Reading>({
        {"postgres://", "dbname='dellstore'", "dellstore"},
        {"postgresql://h", "dbname='dellstore' host='h'", "dellstore"},
        {"POSTGRES://h/d", "dbname='d' host='h'", "d"},
        {"postgres://avnadmin:AVNS_x@s.aivencloud.com:12345/defaultdb?sslmode=require",
         "dbname='dellstore' host='s.aivencloud.com' password='AVNS_x' port='12345' "
         "sslmode='require' user='avnadmin'",
         "dellstore"},
        {"postgres://u@h", "dbname='dellstore' host='h' user='u'", "dellstore"},
        {"postgres://:p%40%2F%3F%23%25%27%5C%20w@h",
         R"(dbname='dellstore' host='h' password='p@/?#%\'\\ w')", "dellstore"},
        {"postgres://u:p+w:x@h", "dbname='dellstore' host='h' password='p+w:x' user='u'",
         "dellstore"},
        {"postgres://h:/d", "dbname='d' host='h'", "d"},
        {"postgres://[::1]:5433/d", "dbname='d' host='::1' port='5433'", "d"},
        {"postgres://h1:1,h2:2,[::1]/d?target_session_attrs=read-write",
         "dbname='d' host='h1,h2,::1' port='1,2,' "
         "target_session_attrs='read-write'",
         "d"},
        {"postgres://%2Frun%2Fpg:5433/d", "dbname='d' host='/run/pg' port='5433'", "d"},
        {"postgres:///d?host=/run/pg", "dbname='d' host='/run/pg'", "d"},
        {"postgres://h/d?dbname=e&", "dbname='e' host='h'", "e"},
        {"postgres://h/a%2Fb", "dbname='a/b' host='h'", "a/b"},
        {"postgres://h?ssl=true", "dbname='dellstore' host='h' sslmode='require'", "dellstore"},
        {"postgres://h?user=me%40server&password=a%26b",
         "dbname='dellstore' host='h' password='a&b' user='me@server'", "dellstore"},
        {"postgres://?hostaddr=127.0.0.1&port=5433",
         "dbname='dellstore' hostaddr='127.0.0.1' port='5433'", "dellstore"},
        {"postgres://?service=shop", "service='shop'", ""},
        {"host=h port=5433 dbname=d user=u password=pw",
         "dbname='d' host='h' password='pw' port='5433' user='u'", "d"},
        {" host = h\n\tdbname\t=\td ", "dbname='d' host='h'", "d"},
        {R"(password='it\'s \\ x' host=h)", R"(dbname='dellstore' host='h' password='it\'s \\ x')",
         "dellstore"},
        {R"(password=a\ b\'c host=h)", R"(dbname='dellstore' host='h' password='a b\'c')",
         "dellstore"},
        {R"(host=h password=a'b)", R"(dbname='dellstore' host='h' password='a\'b')", "dellstore"},
        {"host='h'dbname=d", "dbname='d' host='h'", "d"},
        {"host=h password=x://y@z", "dbname='dellstore' host='h' password='x://y@z'", "dellstore"},
        {"host=a host=b", "dbname='dellstore' host='b'", "dellstore"},
        {"host=/run/pg", "dbname='dellstore' host='/run/pg'", "dellstore"},
        {"host=@abstract", "dbname='dellstore' host='@abstract'", "dellstore"},
        {"host=h1,h2 port=5433", "dbname='dellstore' host='h1,h2' port='5433'", "dellstore"},
        {"host=h1,h2 connect_timeout=3", "connect_timeout='3' dbname='dellstore' host='h1,h2'",
         "dellstore"},
        {"host=h hostaddr=10.0.0.1", "dbname='dellstore' host='h' hostaddr='10.0.0.1'",
         "dellstore"},
    });
    for (const Reading& row : table) {
        CAPTURE(row.text);
        const PostgresService service = parse(row.text);
        CHECK(given(service) == row.connection_string);
        CHECK(service.database == row.database);
    }
}

TEST_CASE("another database takes the place of the one that is named") {
    for (const char* text : {"postgres://h", "postgres://h/defaultdb", "postgres://h/x?dbname=y",
                             "host=h", "host=h dbname=defaultdb"}) {
        CAPTURE(text);
        const PostgresService service = parse(text, "shop");
        CHECK(given(service) == "dbname='shop' host='h'");
        CHECK(service.database == "shop");
    }
    CHECK(given(parse("postgres://h", R"(it's \ a=b)")) == R"(dbname='it\'s \\ a=b' host='h')");
}

TEST_CASE("a database that a PostgreSQL URI leaves open is named by libpq's variable") {
    const PostgresService from_variables = parse("postgres://", "", {{"PGDATABASE", "shop"}});
    CHECK(from_variables.database == "shop");
    CHECK(given(from_variables).empty());
    CHECK(parse("postgres://h:1/d", "", {{"PGDATABASE", "shop"}}).database == "d");
}

TEST_CASE("dellstore takes the place of a database that is not named, and of a provider's") {
    for (const char* text : {"postgres://h", "postgres://h/defaultdb", "host=h dbname=''"}) {
        CAPTURE(text);
        CHECK(parse(text).database == "dellstore");
    }
    CHECK(parse("postgres://h", "", {{"PGDATABASE", "defaultdb"}}).database == "dellstore");
    CHECK(parse("postgres://h/mydb").database == "mydb");
    CHECK(parse("postgres://h/defaultdb", "defaultdb").database == "defaultdb");
    CHECK(parse("service=shop").database.empty());
    CHECK(parse("service=shop", "other").database == "other");
}

TEST_CASE("the origin of a count is its server and database, whatever the password") {
    const auto origin = [](const char* text, const char* database = "",
                           std::map<std::string, std::string> variables = {}) {
        return parse(text, database, std::move(variables)).origin;
    };
    const std::string one = origin("postgres://u:old@h:1/d");
    CHECK(one == origin("postgres://u:new%27%20x@h:1/d"));
    CHECK(one == origin("host=h port=1 user=u dbname=d"));
    CHECK(one == origin("host=h port=1 user=u dbname=d sslpassword=s3cret"));
    for (const char* other : {"postgres://u@i:1/d", "postgres://u@h:2/d", "postgres://u@h:1/e",
                              "postgres://u@h:1/d?target_session_attrs=standby"}) {
        CAPTURE(other);
        CHECK(one != origin(other));
    }
    CHECK(one != origin("postgres://u@h:1/d", "e"));
    CHECK(origin("postgres:///d") != origin("postgres:///d", "", {{"PGHOST", "h"}}));
    CHECK(one.find_first_of(" \n") == std::string::npos);
}

TEST_CASE("the program has a name, and asks for no GSS encryption, unless the user says so") {
    const auto has = [](const PostgresService& service, const char* parameter) {
        return service.connection_string.find(parameter) != std::string::npos;
    };
    CHECK(has(parse("postgres://h"), "gssencmode='disable'"));
    CHECK(has(parse("postgres://h"), "fallback_application_name='ordercache'"));
    CHECK(has(parse("postgres://h?gssencmode=prefer"), "gssencmode='prefer'"));
    CHECK_FALSE(has(parse("postgres://h", "", {{"PGGSSENCMODE", "prefer"}}), "gssencmode"));
    CHECK_FALSE(has(parse("service=shop"), "gssencmode"));
    CHECK(has(parse("postgres://h?application_name=cron"), "application_name='cron'"));
}

TEST_CASE("what would make libpq show a password is refused, and the refusal shows none") {
    struct Rejected {
        const char* text;
        const char* message_part;
    };
    const auto table = std::to_array<Rejected>({
        {"s3cret", "must begin with postgres://"},
        {"s3cret", "key=value form"},
        {"http://u:s3cret@h/d", "must begin with postgres://"},
        {"http://u:s3cret@h/d?a=b", "must begin with postgres://"},
        {"jdbc:postgresql://h/d?user=u&password=s3cret", "must begin with postgres://"},
        {"\"postgres://u:s3cret@h/d\"", "must begin with postgres://"},
        {"postgres:u:s3cret@h", "must begin with postgres://"},
        {" postgres://u:s3cret@h/d", "blank"},
        {"postgres://u:s3cret@h/d\n", "blank"},
        {"postgres://u:s3cret x@h/d", "blank"},
        {"postgres://u:s3cret%zz@h/d", "%25"},
        {"postgres://u:s3cret%4@h/d", "%25"},
        {"postgres://u:s3cret%00@h/d", "%00"},
        {"postgres://u:x/s3cret@h/d", "%2F"},
        {"postgres://u:1/s3cret@h/d", "%2F"},
        {"postgres://u:x#s3cret@h/d", "%23"},
        {"postgres://u:x?s3cret@h/d", "%3F"},
        {"postgres://u:1?s3cret=x/y@h/d", "%3F"},
        {"postgres://u:x@s3cret@h/d", "%40"},
        {"postgres://u:s3cret", "port"},
        {"postgres://h:1:s3cret", "port"},
        {"postgres://[s3cret", "matching"},
        {"postgres://[::1]s3cret", "unexpected character"},
        {"postgres://h/d?s3cret", "missing key/value separator"},
        {"postgres://h/d?password=x&s3cret=y", "%26"},
        {"postgres://h/d?password=x&s3cret", "%26"},
        {"postgres://h/d?passwort=s3cret", "the option passwort is unknown: leave it out"},
        {"postgres://h/d?password=s3cret%zz", "%25"},
        {"postgres://h:0/s3cret", "port"},
        {"postgres://h?port=s3cret", "port"},
        {"postgres://h%0as3cret", "control character"},
        {"postgres://h/s3cret%0a", "control character"},
        {"host=h password=x s3cret", "quotes"},
        {"host=h password=x s3cret=y", "quotes"},
        {"host=h passwort=s3cret", "the option passwort is unknown: leave it out"},
        {"host=h password='s3cret", "unterminated quoted string"},
        {"host=h password='x's3cret", "quotes"},
        {"host=h password=x =s3cret", "invalid connection option"},
        {"host=h port=s3cret", "port"},
        {"HOST=s3cret", "the option HOST is unknown: leave it out"},
        {"postgres://u:s3cret@h/d?schema=public", "the option schema is unknown: leave it out"},
        {"postgres://h/d?sslmode=disable&pgbouncer=true", "the option pgbouncer is unknown"},
        {"postgres://h/d?sslpassword=x&s3cret=y", "%26"},
        {"host=h password = x s3cret=y", "quotes"},
    });
    for (const Rejected& row : table) {
        CAPTURE(row.text);
        const std::string message = refusal(row.text);
        CHECK(message.find(row.message_part) != std::string::npos);
        CHECK(message.find("s3cret") == std::string::npos);
    }
}
