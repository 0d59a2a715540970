#include "postgres/store.hpp"

#include "fake_postgres.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

using namespace ordercache;
using namespace std::chrono_literals;
using fakes::error_of;
using fakes::gives;
using fakes::table;

namespace {

struct Client {
    fakes::Postgres postgres;
    fakes::MemoryReporter reporter;
    PostgresStore store{PostgresService{"", "shop"}, TimeLimit::whole(10s), reporter,
                        postgres.open()};
};

const Rows k_counted = table({"count", "snapshot", "on_standby", "server_process"},
                             {{"12000", "700:700:", "f", "4711"}});

} // namespace

TEST_CASE("the total is counted in a snapshot that was taken before it is wanted") {
    Client client;
    client.postgres.on("count(*)", gives(k_counted));
    const auto counted = client.store.count_total([&] {
        CHECK(client.postgres.statements.size() == 1);
        CHECK(client.postgres.was_asked("BEGIN ISOLATION LEVEL REPEATABLE READ"));
        return true;
    });
    REQUIRE(counted);
    CHECK(counted->counts == Counts{{k_all_orders, 12000}});
    CHECK(client.postgres.statements.back() == "ROLLBACK");
    CHECK(client.postgres.statements.size() == 3);
}

TEST_CASE("a total that is not wanted is not counted, and the next look has the same session") {
    Client client;
    CHECK_FALSE(client.store.count_total([] { return false; }));
    CHECK_FALSE(client.store.count_total([] { return false; }));
    CHECK_FALSE(client.postgres.was_asked("count(*)"));
    CHECK(client.postgres.connections == 1);
}

TEST_CASE("where the question or the count fails, no transaction is left open") {
    Client client;
    CHECK(error_of([&] {
              client.store.count_total([]() -> bool { throw CacheError("cannot reach Redis"); });
          }).kind() == ErrorKind::cache_failed);
    CHECK(client.postgres.statements.back() == "ROLLBACK");
    client.postgres.on("count(*)", fakes::fails("ERROR:  out of memory\n", "53200"));
    CHECK(error_of([&] { client.store.count_total([] { return true; }); }).kind() ==
          ErrorKind::store_failed);
    CHECK_FALSE(client.store.count_total([] { return false; }));
    CHECK(client.postgres.connections == 2);
}

TEST_CASE("a session that the server ended while nobody asked is made anew for the snapshot") {
    Client client;
    client.store.count_total([] { return false; });
    client.postgres.has_ended_session = true;
    client.store.count_total([] { return false; });
    CHECK(client.postgres.connections == 2);
}

TEST_CASE("PostgreSQL has run since a count where the same process of the server answers") {
    const auto has_run = [](const auto& reaction) {
        Client client;
        client.postgres.on("pg_backend_pid()", reaction);
        return client.store.has_run_since({.server_process = 4711});
    };
    CHECK(has_run(gives(table({"pid"}, {{"4711"}}))));
    CHECK_FALSE(has_run(gives(table({"pid"}, {{"4712"}}))));
    CHECK_FALSE(has_run(fakes::fails("FATAL:  terminating connection", "57P02")));
}

TEST_CASE("what became of a write goes by its id and its order's number") {
    Client client;
    client.postgres.on("pg_xact_status", gives(table({"status"}, {{"committed"}})));
    CHECK(client.store.status_of({4294968053, "12001"}) == TransactionStatus::committed);
    CHECK(client.postgres.parameters.back() == std::vector<std::string>{"4294968053", "12001", ""});
}

TEST_CASE("a column of customers that are no numbers is a matter of configuration") {
    for (const std::vector<Scope>& scopes :
         {std::vector{customer_scope(5)}, std::vector{customer_scope(5), customer_scope(7)}}) {
        Client client;
        client.postgres.on("customerid", fakes::fails("ERROR:  no operator\n", "42883"));
        const Error error = error_of([&] { client.store.count(scopes, {}); });
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(std::string(error.what()).find("column customerid") != std::string::npos);
    }
}
