#include "postgres/failure_text.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace ordercache;

namespace {

ErrorKind kind_of(const char* sqlstate) {
    return judge({"x", sqlstate}).kind;
}

} // namespace

TEST_CASE("the severity is left out in whatever language the server speaks") {
    for (const char* message :
         {"ERROR:  P0001: we are closed\nCONTEXT:  act()\n", "FEHLER:  P0001: we are closed\n",
          "ОШИБКА:  P0001: we are closed", "エラー:  P0001: we are closed\nHINT:  none\n"}) {
        CAPTURE(message);
        const SessionFailure failure = parse_failure(message);
        CHECK(judge(failure).reason == "rejected: we are closed");
        CHECK(reason_of_failure(failure) == "we are closed");
    }
    CHECK(reason_of_failure(parse_failure("we are closed")) == "we are closed");
    CHECK(reason_of_failure(parse_failure("ERROR:  P0001: credit check failed: no\n")) ==
          "credit check failed: no");
    CHECK(reason_of_failure(parse_failure("ERROR:  XX000: a reason:  two blanks\n")) ==
          "a reason:  two blanks");
    CHECK(reason_of_failure(parse_failure("a reason:  two blanks\n")) == "a reason:  two blanks");
}

TEST_CASE("what PostgreSQL judged is told apart from what it could not do, by the SQLSTATE") {
    for (const char* sqlstate : {"22003", "23503", "23514", "44000", "P0001", "PT402", "U0001",
                                 "45000", "ZZ001", "50000", "99999", "I0000"}) {
        CHECK(kind_of(sqlstate) == ErrorKind::rejected);
    }
    for (const char* sqlstate : {"", "25006", "40001", "42P01", "57014", "57P01", "53100", "54000",
                                 "55P03", "58030", "72000", "XX000", "HV000", "F0000", "08006"}) {
        CHECK(kind_of(sqlstate) != ErrorKind::rejected);
    }
}

TEST_CASE("a foreign key that is violated names the customer, in any language") {
    const char* english =
        "insert or update on table \"orders\" violates foreign key "
        "constraint \"fk_customerid\"\n"
        "DETAIL:  Key (customerid)=(20001) is not present in table \"customers\".";
    const char* german = "Einfügen oder Aktualisieren in Tabelle »orders« verletzt "
                         "Fremdschlüssel-Constraint »fk_customerid«\n"
                         "DETAIL:  Schlüssel (customerid)=(20001) ist nicht in Tabelle »customers« "
                         "vorhanden.";
    for (const char* what : {english, german}) {
        CHECK(judge({what, "23503"}).reason == "rejected: customer 20001 does not exist");
    }
    CHECK(judge({"no detail for this role\n", "23503"}).reason ==
          "rejected: no detail for this role");
    CHECK(
        judge({"x\nDETAIL:  Key (customerid)=(a) b) is not present\nHINT:  (y)", "23503"}).reason ==
        "rejected: customer a) b does not exist");
}

TEST_CASE("what does not fit the table is told by the view's names and its variable") {
    const OrdersView view = {
        .table = "\"sale\"", .customer = "\"userId\"", .condition = "paid GROUP BY paid"};
    const auto reason = [&](const char* sqlstate) { return judge({"x", sqlstate}, view); };
    CHECK(reason("42703").reason == "cannot use the table \"sale\": x; check ORDERS_COLUMNS");
    CHECK(reason("42601").reason == "cannot use the table \"sale\": x; check ORDERS_WHERE");
    CHECK(reason("55000").reason == "cannot use the table \"sale\": x; check ORDERS_TABLE");
    CHECK(judge({"x\nDETAIL:  Key (userId)=(5) is not present", "23503"}, view).reason ==
          "rejected: customer 5 does not exist");
}

TEST_CASE("a key that is there already is not called a customer that is missing") {
    const char* what = "duplicate key value violates unique constraint \"one_each\"\n"
                       "DETAIL:  Key (customerid)=(5) already exists.";
    CHECK(judge({what, "23505"}).reason ==
          "rejected: duplicate key value violates unique constraint \"one_each\"");
}

TEST_CASE("a table that is missing hints at the other databases") {
    const char* advice =
        "; set PG_DATABASE to use another database, or ORDERS_TABLE if the table is in a schema "
        "that the role's search_path does not name, or has another name, as in shop.\"Orders\"";
    CHECK(reason_of_failure({"relation \"orders\" does not exist\nLINE 1: …", "42P01"}) ==
          std::string("relation \"orders\" does not exist") + advice);
    CHECK(reason_of_failure({"Relation »orders« existiert nicht", "42P01"}) ==
          std::string("Relation »orders« existiert nicht") + advice);
    CHECK(judge({"relation \"orders\" does not exist", "42P01"}).kind == ErrorKind::usage);
    CHECK(judge({"relation \"shop.Sale\" does not exist", "42P01"}, {.table = "\"shop\".\"Sale\""})
              .kind == ErrorKind::usage);
    for (const std::string other : {"audit", "orders_2024", "old.reorders"}) {
        const std::string what = "relation \"" + other + "\" does not exist";
        CHECK(reason_of_failure({what, "42P01"}) == what);
    }
}

TEST_CASE("the SQLSTATE is read from what libpq says, in any language, and not shown") {
    const auto failure = parse_failure("FATAL:  57P01: terminating connection due to "
                                       "administrator command\nLOCATION:  ProcessInterrupts, "
                                       "postgres.c:3301\nserver closed the connection\n");
    CHECK(failure.sqlstate() == "57P01");
    CHECK(reason_of_failure(failure) == "terminating connection due to administrator command");
    CHECK(parse_failure("ОШИБКА:  42P01: нет\n").sqlstate() == "42P01");
    CHECK(parse_failure("ERROR:  P0001: credit check failed: no\n").sqlstate() == "P0001");
    CHECK(parse_failure("ERROR:  P0001: no\nDETAIL:  12345: more\n").sqlstate() == "P0001");
    for (const char* plain :
         {"server closed the connection unexpectedly\n", "a:  b", ":  12", ""}) {
        CHECK(parse_failure(plain).sqlstate().empty());
    }
}

namespace {

constexpr auto k_address = "connection to server at \"h\" (10.0.0.1), port 5432 failed: ";

std::string told(const std::string& message, Attempt attempt = {}) {
    return explain_no_connection(message, attempt).what();
}

} // namespace

TEST_CASE("why there is no connection is said for each address in libpq's words") {
    CHECK(
        told("connection to server at \"::1\", port 1 failed: Connection refused\n\tIs the server "
             "running?\nconnection to server at \"127.0.0.1\", port 1 failed: Connection "
             "refused\n\tIs the server running?\n") ==
        "connection to server at \"::1\", port 1 failed: Connection refused; "
        "connection to server at \"127.0.0.1\", port 1 failed: Connection refused");
}

TEST_CASE("the advice goes by the cause, not by the words") {
    const std::string address = k_address;
    const auto advice_for = [&](const char* said, Attempt attempt) {
        const std::string reason = told(address + "FATAL:  " + said + "\n", attempt);
        const auto at = reason.find("; ");
        return at == std::string::npos ? "none" : reason.substr(at + 2);
    };
    CHECK(advice_for("3D000: Datenbank »shop« existiert nicht", {}) ==
          "set PG_DATABASE to use another database");
    for (const char* said : {"28P01: Passwort-Authentifizierung fehlgeschlagen", "28P01: no"}) {
        CHECK(advice_for(said, {}).starts_with("check the user and the password"));
    }
    CHECK(advice_for("28000: Peer authentication failed", {.is_local = true}) ==
          "check the user: over a local socket it may have to be the operating system's");
    CHECK(advice_for("28000: no pg_hba.conf entry for database \"shop\"", {.declines_tls = true}) ==
          "the server may require TLS: set sslmode=require");
    for (const char* said :
         {"28000: no pg_hba.conf entry for database \"shop\", no encryption",
          "53300: sorry, too many clients", "28000: role \"shop\" does not exist",
          "57P03: the database system is starting up"}) {
        CHECK(advice_for(said, {}) == "none");
    }
    CHECK(told(address + "fe_sendauth: no password supplied\n", {.needs_password = true})
              .starts_with(address + "fe_sendauth: no password supplied; check the user"));
}

TEST_CASE("a login that the server refuses is told apart from a server that is away") {
    const auto refuses = [](const std::string& said, Attempt attempt = {}) {
        return explain_no_connection(k_address + said, attempt).refuses_login();
    };
    CHECK(refuses("FATAL:  28P01: password authentication failed\n"));
    CHECK(refuses("FATAL:  28000: pg_hba.conf rejects connection\n"));
    CHECK(refuses("FATAL:  3D000: database \"shop\" does not exist\n"));
    CHECK(refuses("FATAL:  08P01: password authentication failed\n"));
    CHECK(refuses("fe_sendauth: no password supplied\n", {.needs_password = true}));
    CHECK_FALSE(refuses("Connection refused\n"));
    CHECK_FALSE(refuses("FATAL:  57P03: the database system is starting up\n"));
    CHECK_FALSE(refuses("FATAL:  53300: sorry, too many clients already\n"));
}

TEST_CASE("a value that libpq refuses is told apart from a server's refusal, and not shown") {
    for (const std::string message :
         {"invalid sslmode value: \"s3cret\"\n", "invalid channel_binding value: \"s3cret\"\n"}) {
        REQUIRE(refused_setting(message));
        CHECK(refused_setting(message)->find("s3cret") == std::string::npos);
        CHECK(refused_setting(message)->ends_with(" value: \"…\""));
    }
    CHECK(refused_setting("could not match 2 port numbers to 3 hosts\n"));
    CHECK(refused_setting("definition of service \"shop\" not found\n") ==
          "definition of service \"…\" not found");
    CHECK(refused_setting(std::string(k_address) + "invalid integer value \"x\"\n"));
    CHECK(refused_setting(std::string(k_address) + "keepalives parameter must be an integer\n"));
    CHECK_FALSE(refused_setting(std::string(k_address) + "FATAL:  invalid value\n"));
    CHECK_FALSE(refused_setting("could not translate host name \"h\" to address: unknown\n"));
}

TEST_CASE("a pooler that forbids transactions is told apart from one that is at its end") {
    CHECK(judge(parse_failure("FATAL:  08P01: transaction blocks not allowed in statement pooling "
                              "mode\n"))
              .kind == ErrorKind::usage);
    CHECK(judge(parse_failure("FATAL:  08P01: query_wait_timeout\n")).kind ==
          ErrorKind::store_failed);
}

TEST_CASE("a table that is another than it must be is told by the SQLSTATE") {
    for (const char* sqlstate : {"0A000", "42703", "42804", "42883", "428C9"}) {
        CHECK(kind_of(sqlstate) == ErrorKind::usage);
    }
    for (const char* sqlstate : {"", "23503", "42501", "42P01", "57014"}) {
        CHECK(kind_of(sqlstate) != ErrorKind::usage);
    }
}
