#include "postgres/commit_outcome.hpp"
#include "postgres/order_insert.hpp"

#include "fake_postgres.hpp"

#include <doctest/doctest.h>

#include <new>
#include <string>

using namespace ordercache;
using namespace std::chrono_literals;
using fakes::gives;
using fakes::PostgresClient;
using fakes::table;

namespace {

InsertedOrder an_order() {
    return {{4294968053, OrderId("12001")}, "(2023-03-10,9999,23.00,1.80,24.80)"};
}

/// A transaction is under way, and its COMMIT will break the connection.
struct Committing : PostgresClient {
    explicit Committing(std::chrono::milliseconds limit = 10s) : PostgresClient({}, limit) {
        connection->ask([](PostgresSession& session) { session.run("BEGIN"); });
    }

    void breaks() { postgres.breaks_on("COMMIT"); }
    void status_is(const char* status) {
        postgres.on("pg_xact_status", gives(table({"status"}, {{status}})));
    }

    CommitEnd end(const InsertedOrder& write = an_order()) {
        return commit_and_learn_outcome(*connection, write);
    }
};

bool says(const CommitEnd& end, const std::string& text) {
    return end.error && std::string(end.error->what()).find(text) != std::string::npos;
}

} // namespace

TEST_CASE("a COMMIT whose order is there is done, though its answer was lost") {
    Committing client;
    client.breaks();
    client.status_is("committed");
    CHECK(client.end().outcome == CommitOutcome::committed);
    CHECK(client.postgres.parameters.back() ==
          std::vector<std::string>{"4294968053", "12001", "(2023-03-10,9999,23.00,1.80,24.80)"});
}

TEST_CASE("a COMMIT that was rolled back wrote nothing") {
    Committing client;
    client.breaks();
    client.status_is("aborted");
    const CommitEnd end = client.end();
    CHECK(end.outcome == CommitOutcome::server_lost);
    CHECK(end.error->kind() == ErrorKind::store_failed);
    CHECK(says(end, "before the COMMIT was done"));
}

TEST_CASE("a COMMIT in progress is asked for until it is known") {
    Committing client;
    client.breaks();
    client.status_is("in progress");
    client.status_is("committed");
    CHECK(client.end().outcome == CommitOutcome::committed);
}

TEST_CASE("a server that is away for a while is asked again") {
    Committing client;
    client.breaks();
    client.postgres.refusals = 2;
    client.status_is("committed");
    CHECK(client.end().outcome == CommitOutcome::committed);
}

TEST_CASE("an outcome that is not known in time comes with the order to look for") {
    Committing client(100ms);
    client.breaks();
    for (int i = 0; i < 10; ++i) {
        client.status_is("in progress");
    }
    const CommitEnd end = client.end();
    CHECK(end.outcome == CommitOutcome::in_doubt);
    CHECK(end.error->kind() == ErrorKind::in_doubt);
    CHECK(says(end, "transaction 4294968053"));
    CHECK(says(end, "reads (2023-03-10,9999,23.00,1.80,24.80)"));
    CHECK(says(end, "WHERE orderid = '12001'"));
}

TEST_CASE("a transaction that is committed without its row, or forgotten, is in doubt") {
    Committing client;
    client.breaks();
    client.status_is("unknown");
    client.status_is("committed"); // if it were asked again
    CHECK(client.end().outcome == CommitOutcome::in_doubt);
}

TEST_CASE("an order whose number is not known is never taken for committed by the id alone") {
    Committing client;
    client.breaks();
    client.status_is("unknown");
    CHECK(client.end({{750, std::nullopt}, "(a,b)"}).outcome == CommitOutcome::in_doubt);
    CHECK(client.postgres.was_asked("WHEN false THEN 'committed'"));
    CHECK(client.postgres.parameters.back() == std::vector<std::string>{"750"});
}

TEST_CASE("a COMMIT that PostgreSQL refuses wrote nothing, and nobody is asked") {
    Committing client;
    client.postgres.on("COMMIT", fakes::fails("a deferred check\n", "23514"));
    const CommitEnd end = client.end();
    CHECK(end.outcome == CommitOutcome::rolled_back);
    CHECK(end.error->kind() == ErrorKind::rejected);
    CHECK_FALSE(client.postgres.was_asked("pg_xact_status"));
}

TEST_CASE("where a foreign server commits too, an error or a rollback is in doubt") {
    InsertedOrder remote = an_order();
    remote.may_be_remote = true;
    Committing refused;
    refused.postgres.on("COMMIT", fakes::fails("could not connect to server\n", "08006"));
    CHECK(refused.end(remote).outcome == CommitOutcome::in_doubt);

    Committing lost;
    lost.breaks();
    lost.status_is("aborted");
    CHECK(lost.end(remote).outcome == CommitOutcome::in_doubt);
}

TEST_CASE("an unforeseen failure after COMMIT was sent is in doubt") {
    Committing client;
    client.postgres.on("COMMIT", []() -> Rows { throw std::bad_alloc(); });
    const CommitEnd end = client.end();
    CHECK(end.outcome == CommitOutcome::in_doubt);
    CHECK(end.error->kind() == ErrorKind::in_doubt);
    CHECK(commit_was_sent());
}
