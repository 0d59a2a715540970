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
    const char* peer;
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
         {" fallback_application_name='ordercache'", " gssencmode='disable'"}) {
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

TEST_CASE("a PostgreSQL URI becomes libpq's parameters, and the names that messages show") {
    const auto table = std::to_array<Reading>({
        {"postgres://", "dbname='dellstore'", "local socket .s.PGSQL.5432", "dellstore"},
        {"postgresql://h", "dbname='dellstore' host='h'", "h:5432", "dellstore"},
        {"POSTGRES://h/d", "dbname='d' host='h'", "h:5432", "d"},
        {"postgres://avnadmin:AVNS_x@s.aivencloud.com:12345/defaultdb?sslmode=require",
         "dbname='dellstore' host='s.aivencloud.com' password='AVNS_x' port='12345' "
         "sslmode='require' user='avnadmin'",
         "s.aivencloud.com:12345", "dellstore"},
        {"postgres://u@h", "dbname='dellstore' host='h' user='u'", "h:5432", "dellstore"},
        {"postgres://:p%40%2F%3F%23%25%27%5C%20w@h",
         R"(dbname='dellstore' host='h' password='p@/?#%\'\\ w')", "h:5432", "dellstore"},
        {"postgres://u:p+w:x@h", "dbname='dellstore' host='h' password='p+w:x' user='u'", "h:5432",
         "dellstore"},
        {"postgres://h:/d", "dbname='d' host='h'", "h:5432", "d"},
        {"postgres://[::1]:5433/d", "dbname='d' host='::1' port='5433'", "[::1]:5433", "d"},
        {"postgres://h1:1,h2:2,[::1]/d?target_session_attrs=read-write",
         "connect_timeout='2' dbname='d' host='h1,h2,::1' port='1,2,' "
         "target_session_attrs='read-write'",
         "h1:1, h2:2, [::1]:5432", "d"},
        {"postgres://%2Frun%2Fpg:5433/d", "dbname='d' host='/run/pg' port='5433'",
         "/run/pg/.s.PGSQL.5433", "d"},
        {"postgres:///d?host=/run/pg", "dbname='d' host='/run/pg'", "/run/pg/.s.PGSQL.5432", "d"},
        {"postgres://h/d?dbname=e&", "dbname='e' host='h'", "h:5432", "e"},
        {"postgres://h/a%2Fb", "dbname='a/b' host='h'", "h:5432", "a/b"},
        {"postgres://h?ssl=true", "dbname='dellstore' host='h' sslmode='require'", "h:5432",
         "dellstore"},
        {"postgres://h?user=me%40server&password=a%26b",
         "dbname='dellstore' host='h' password='a&b' user='me@server'", "h:5432", "dellstore"},
        {"postgres://?hostaddr=127.0.0.1&port=5433",
         "dbname='dellstore' hostaddr='127.0.0.1' port='5433'", "127.0.0.1:5433", "dellstore"},
        {"postgres://?service=shop", "service='shop'", "service shop", ""},
        {"host=h port=5433 dbname=d user=u password=pw",
         "dbname='d' host='h' password='pw' port='5433' user='u'", "h:5433", "d"},
        {" host = h\n\tdbname\t=\td ", "dbname='d' host='h'", "h:5432", "d"},
        {R"(password='it\'s \\ x' host=h)", R"(dbname='dellstore' host='h' password='it\'s \\ x')",
         "h:5432", "dellstore"},
        {R"(password=a\ b\'c host=h)", R"(dbname='dellstore' host='h' password='a b\'c')", "h:5432",
         "dellstore"},
        {R"(host=h password=a'b)", R"(dbname='dellstore' host='h' password='a\'b')", "h:5432",
         "dellstore"},
        {"host='h'dbname=d", "dbname='d' host='h'", "h:5432", "d"},
        {"host=h password=x://y@z", "dbname='dellstore' host='h' password='x://y@z'", "h:5432",
         "dellstore"},
        {"host=a host=b", "dbname='dellstore' host='b'", "b:5432", "dellstore"},
        {"host=/run/pg", "dbname='dellstore' host='/run/pg'", "/run/pg/.s.PGSQL.5432", "dellstore"},
        {"host=@abstract", "dbname='dellstore' host='@abstract'", "@abstract/.s.PGSQL.5432",
         "dellstore"},
        {"host=h1,h2 port=5433", "connect_timeout='2' dbname='dellstore' host='h1,h2' port='5433'",
         "h1:5433, h2:5433", "dellstore"},
        {"host=h1,h2 connect_timeout=3", "connect_timeout='3' dbname='dellstore' host='h1,h2'",
         "h1:5432, h2:5432", "dellstore"},
        {"host=h hostaddr=10.0.0.1", "dbname='dellstore' host='h' hostaddr='10.0.0.1'", "h:5432",
         "dellstore"},
    });
    for (const Reading& row : table) {
        CAPTURE(row.text);
        const PostgresService service = parse(row.text);
        CHECK(given(service) == row.connection_string);
        CHECK(service.peer == row.peer);
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

TEST_CASE("what a PostgreSQL URI leaves open is named by libpq's variables") {
    const PostgresService from_variables = parse(
        "postgres://", "", {{"PGHOST", "db.example"}, {"PGPORT", "6000"}, {"PGDATABASE", "shop"}});
    CHECK(from_variables.peer == "db.example:6000");
    CHECK(from_variables.database == "shop");
    CHECK(given(from_variables).empty());

    const PostgresService given =
        parse("postgres://h:1/d", "",
              {{"PGHOST", "db.example"}, {"PGPORT", "6000"}, {"PGDATABASE", "shop"}});
    CHECK(given.peer == "h:1");
    CHECK(given.database == "d");

    CHECK(parse("postgres://", "", {{"PGPORT", "6000"}}).peer == "local socket .s.PGSQL.6000");
    CHECK(parse("postgres://", "", {{"PGHOSTADDR", "10.0.0.1"}}).peer == "10.0.0.1:5432");
    CHECK(parse("postgres://", "", {{"PGSERVICE", "shop"}}).peer == "service shop");
    CHECK(parse("postgres://h", "", {{"PGSERVICE", "shop"}}).peer == "h:5432");
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
        {"postgres://h/d?passwort=s3cret", "invalid URI query parameter"},
        {"postgres://h/d?password=s3cret%zz", "%25"},
        {"postgres://h:0/s3cret", "port"},
        {"postgres://h?port=s3cret", "port"},
        {"postgres://h,h:1,h:2?port=1,2", "one port"},
        {"postgres://h%0as3cret", "control character"},
        {"postgres://h/s3cret%0a", "control character"},
        {"host=h password=x s3cret", "quotes"},
        {"host=h password=x s3cret=y", "quotes"},
        {"host=h passwort=s3cret", "invalid connection option"},
        {"host=h password='s3cret", "unterminated quoted string"},
        {"host=h password='x's3cret", "quotes"},
        {"host=h password=x =s3cret", "invalid connection option"},
        {"host=h port=s3cret", "port"},
        {"HOST=s3cret", "invalid connection option"},
    });
    for (const Rejected& row : table) {
        CAPTURE(row.text);
        const std::string message = refusal(row.text);
        CHECK(message.find(row.message_part) != std::string::npos);
        CHECK(message.find("s3cret") == std::string::npos);
    }
}
