#include "postgres/commit_outcome.hpp"

#include "fake_postgres.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace ordercache;
using namespace std::chrono_literals;
using fakes::error_of;
using fakes::gives;
using fakes::PostgresClient;
using fakes::table;

namespace {

const WriteId k_written{
    4294968053, "12001", true,
    Order{parse_date("2023-03-10"), 9999, Amount::parse("23.00"), Amount::parse("1.80")}};

/// A transaction is under way, and its COMMIT will break the connection.
struct Committing : PostgresClient {
    explicit Committing(std::chrono::milliseconds limit = 10s) : PostgresClient(limit) {
        connection->ask([](PostgresSession& session) { session.run("BEGIN"); });
        postgres.breaks_on("COMMIT");
    }

    void order_is_there() { postgres.on("xmin", gives(table({}, {{}}))); }
    void order_is_missing() { postgres.on("xmin", gives(table({}))); }
    void status_is(const char* status) {
        postgres.on("pg_xact_status", gives(table({"status"}, {{status}})));
    }

    Error failure() {
        return error_of([&] { commit(*connection, k_written); });
    }
};

} // namespace

TEST_CASE("a COMMIT whose order is there is done, though its answer was lost") {
    Committing client;
    client.order_is_there();
    commit(*client.connection, k_written);
    CHECK(client.postgres.parameters.back() ==
          std::vector<std::string>{"12001", "757", "2023-03-10", "9999", "23.00", "1.80", "24.80"});
}

TEST_CASE("a COMMIT that was rolled back wrote nothing") {
    Committing client;
    client.status_is("aborted");
    const Error error = client.failure();
    CHECK(error.kind() == ErrorKind::store_failed);
    CHECK(std::string(error.what()).find("before the COMMIT was done") != std::string::npos);
}

TEST_CASE("a COMMIT in progress is asked for until it is known") {
    Committing client;
    client.status_is("in progress");
    client.order_is_missing();
    client.order_is_there();
    commit(*client.connection, k_written);
}

TEST_CASE("a server that is away for a while is asked again") {
    Committing client;
    client.postgres.refusals = 2;
    client.order_is_there();
    commit(*client.connection, k_written);
}

TEST_CASE("an outcome that is not known in time comes with the transaction") {
    Committing client(100ms);
    for (int i = 0; i < 10; ++i) {
        client.status_is("in progress");
    }
    const Error error = client.failure();
    CHECK(error.kind() == ErrorKind::in_doubt);
    CHECK(std::string(error.what()).find("SELECT pg_xact_status('4294968053')") !=
          std::string::npos);
}

TEST_CASE("a row that is gone though its transaction committed is a case to look at") {
    Committing client;
    client.status_is("committed");
    CHECK(client.failure().kind() == ErrorKind::in_doubt);
}

TEST_CASE("a transaction that is forgotten is a case to look at") {
    Committing client;
    client.order_is_missing();
    client.postgres.on("pg_xact_status", gives(table({"status"}, {{std::nullopt}})));
    client.order_is_there(); // if it were asked again
    CHECK(client.failure().kind() == ErrorKind::in_doubt);
}

TEST_CASE("a COMMIT that PostgreSQL refuses wrote nothing, and nobody is asked") {
    PostgresClient client;
    client.connection->ask([](PostgresSession& session) { session.run("BEGIN"); });
    client.postgres.on("COMMIT", fakes::fails("ERROR:  a deferred check\n", "23514"));
    CHECK(error_of([&] { commit(*client.connection, k_written); }).kind() == ErrorKind::rejected);
    CHECK_FALSE(client.postgres.was_asked("pg_xact_status"));
}
