#include "postgres/failure_text.hpp"

#include <doctest/doctest.h>

using namespace ordercache;

TEST_CASE("the severity is left out in whatever language the server speaks") {
    for (const char* what :
         {"ERROR:  we are closed\nCONTEXT:  act()\n", "FEHLER:  we are closed\n",
          "ОШИБКА:  we are closed", "エラー:  we are closed\nHINT:  none\n", "we are closed"}) {
        CAPTURE(what);
        CHECK(reason_of_rejection({what, "P0001"}) == "we are closed");
        CHECK(reason_of_failure({what, "P0001"}) == "we are closed");
    }
    CHECK(reason_of_failure({"ERROR:  a reason:  two blanks\n", "XX000"}) ==
          "a reason:  two blanks");
    CHECK(reason_of_failure({"a reason:  two blanks\n", ""}) == "a reason:  two blanks");
}

TEST_CASE("what PostgreSQL judged is told apart from what it could not do, by the SQLSTATE") {
    for (const char* sqlstate : {"22003", "23503", "23514", "44000", "P0001"}) {
        CHECK(rejects_the_order({"FEHLER:  x", sqlstate}));
    }
    for (const char* sqlstate : {"", "25006", "40001", "42P01", "57014", "57P01"}) {
        CHECK_FALSE(rejects_the_order({"FEHLER:  x", sqlstate}));
    }
}

TEST_CASE("a foreign key that is violated names the customer, in any language") {
    const char* english =
        "ERROR:  insert or update on table \"orders\" violates foreign key "
        "constraint \"fk_customerid\"\n"
        "DETAIL:  Key (customerid)=(20001) is not present in table \"customers\".";
    const char* german = "FEHLER:  Einfügen oder Aktualisieren in Tabelle »orders« verletzt "
                         "Fremdschlüssel-Constraint »fk_customerid«\n"
                         "DETAIL:  Schlüssel (customerid)=(20001) ist nicht in Tabelle »customers« "
                         "vorhanden.";
    CHECK(missing_customer({english, "23503"}) == 20001);
    CHECK(missing_customer({german, "23503"}) == 20001);
    CHECK(missing_customer({"ERROR:  no detail for this role\n", "23503"}) == std::nullopt);
}

TEST_CASE("a key that is there already is not called a customer that is missing") {
    const char* what = "ERROR:  duplicate key value violates unique constraint \"one_each\"\n"
                       "DETAIL:  Key (customerid)=(5) already exists.";
    CHECK(missing_customer({what, "23505"}) == std::nullopt);
    CHECK(reason_of_rejection({what, "23505"}) ==
          "duplicate key value violates unique constraint \"one_each\"");
}

TEST_CASE("a table that is missing hints at the other databases") {
    const char* advice = "; set PG_DATABASE to use another database";
    CHECK(reason_of_failure({"ERROR:  relation \"orders\" does not exist\nLINE 1: …", "42P01"}) ==
          std::string("relation \"orders\" does not exist") + advice);
    CHECK(reason_of_failure({"FEHLER:  Relation »orders« existiert nicht", "42P01"}) ==
          std::string("Relation »orders« existiert nicht") + advice);
    CHECK(reason_of_failure({"ERROR:  relation \"audit\" does not exist", "42P01"}) ==
          "relation \"audit\" does not exist");
}

TEST_CASE("why there is no connection is said once for each address") {
    const SessionFailure refused("connection to server at \"::1\", port 1 failed: Connection "
                                 "refused\n\tIs the server running?\n"
                                 "connection to server at \"127.0.0.1\", port 1 failed: Connection "
                                 "refused\n\tIs the server running?\n",
                                 "");
    CHECK(reason_of_no_connection(refused, "shop") == "Connection refused");

    const SessionFailure missing("connection to server at \"h\" (10.0.0.1), port 5432 failed: "
                                 "FATAL:  Datenbank »shop« existiert nicht\n",
                                 "");
    CHECK(reason_of_no_connection(missing, "shop") ==
          "Datenbank »shop« existiert nicht; set PG_DATABASE to use another database");
    CHECK(reason_of_no_connection(missing, "") == "Datenbank »shop« existiert nicht");
}

TEST_CASE("a password that is wrong or missing is told with where to look for it") {
    const std::string advice = "; check the user and the password in PG_SERVICE_URI or ~/.pgpass";
    for (const char* reason :
         {"password authentication failed for user \"shop\"", "SASL authentication failed"}) {
        const SessionFailure rejected("connection to server at \"h\" (10.0.0.1), port 5432 failed: "
                                      "FATAL:  " +
                                          std::string(reason) + "\n",
                                      "");
        CHECK(reason_of_no_connection(rejected, "shop") == reason + advice);
    }
    const SessionFailure missing("connection to server at \"h\" (10.0.0.1), port 5432 failed: "
                                 "fe_sendauth: no password supplied\n",
                                 "");
    CHECK(reason_of_no_connection(missing, "shop") == "fe_sendauth: no password supplied" + advice);
}

TEST_CASE("a row that COPY rejects is told by its place in the file, in any language") {
    for (const char* line : {"line 3, column tax: \"1\"", "Zeile 3: »2023-03-10«", "ligne 3"}) {
        const std::string what =
            "ERROR:  value too long\nCONTEXT:  COPY orders, " + std::string(line) + "\n";
        CAPTURE(what);
        CHECK(reason_of_rejection({what, "22001"}) == "value too long (order 3 of the file)");
    }
    CHECK(reason_of_rejection({"ERROR:  no\nCONTEXT:  COPY orders, ", "22001"}) == "no");
}

TEST_CASE("a table that is another than it must be is told by the SQLSTATE") {
    for (const char* sqlstate : {"0A000", "42703", "42804", "42883", "428C9"}) {
        CHECK(finds_another_table({"FEHLER:  x", sqlstate}));
    }
    for (const char* sqlstate : {"", "23503", "42501", "42P01", "57014"}) {
        CHECK_FALSE(finds_another_table({"FEHLER:  x", sqlstate}));
    }
}
