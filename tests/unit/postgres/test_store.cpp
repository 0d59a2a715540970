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
    explicit Client(const OrdersView& view = {})
        : store({{"", "shop"}, view, TimeLimit::whole(10s), reporter, postgres.open()}) {}

    fakes::Postgres postgres;
    fakes::MemoryReporter reporter;
    PostgresStore store;
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
    client.postgres.on("count(*)", fakes::fails("out of memory\n", "53200"));
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
    CHECK_FALSE(has_run(fakes::fails("terminating connection", "57P02")));
}

TEST_CASE("what became of a write goes by its id and its order's number") {
    Client client;
    client.postgres.on("pg_xact_status", gives(table({"status"}, {{"committed"}})));
    CHECK(client.store.status_of({4294968053, "12001"}) == TransactionStatus::committed);
    CHECK(client.postgres.parameters.back() == std::vector<std::string>{"4294968053", "12001", ""});
}

TEST_CASE("a column of customers of another kind is a matter of configuration") {
    for (const std::vector<Scope>& scopes :
         {std::vector{customer_scope(5)}, std::vector{customer_scope(5), customer_scope(7)}}) {
        Client client;
        client.postgres.on("customerid", fakes::fails("no operator\n", "42883"));
        client.postgres.on("format_type", gives(table({"type", "word"}, {{"shop_id", "uuid"}})));
        const Error error = error_of([&] { client.store.count(scopes, {}); });
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(std::string(error.what()) ==
              "PostgreSQL at db.example:5432, database shop: the column customerid is of type "
              "shop_id: set ORDERS_CUSTOMER_TYPE=uuid");
    }
}

namespace {

const Scope k_text{CustomerId{"cus_1"}};

/// A view of text customers, whose column is of type text.
struct TextClient : Client {
    TextClient() : Client({.customer = "\"user\"", .customer_type = CustomerType::text}) {
        postgres.on("format_type", gives(table({"type", "word"}, {{"text", "text"}})));
    }
};

} // namespace

TEST_CASE("a text is compared exactly, and by the column's type so that there may be an index") {
    TextClient client;
    client.postgres.on("count(*)", gives(table({"count", "on_standby"}, {{"3", "f"}})));
    CHECK(client.store.count({k_text}, {}).counts == Counts{{k_text, 3}});
    CHECK(client.postgres.was_asked(
        "WHERE \"user\" = ANY($2) AND \"user\"::text COLLATE \"C\" = ANY($1::text[])"));
    CHECK(client.postgres.parameters.back() ==
          std::vector<std::string>{"{\"cus_1\"}", "{\"cus_1\"}"});
}

TEST_CASE("a text that the column's type does not have is counted without an index") {
    TextClient client;
    client.postgres.on("count(*)", fakes::fails("invalid input value for enum\n", "22P02"));
    client.postgres.on("count(*)", gives(table({"count", "on_standby"}, {{"0", "f"}})));
    CHECK(client.store.count({k_text}, {}).counts == Counts{{k_text, 0}});
    CHECK(client.postgres.parameters.back() == std::vector<std::string>{"{\"cus_1\"}"});
}

TEST_CASE("a customer whose id is no number of 32 bits has the lock of its hash") {
    TextClient client;
    client.postgres.on("pg_lock_status",
                       gives(table({"key", "writer", "id"}, {{"4294967001", "700", "cus_1"},
                                                             {"4294967001", "700", std::nullopt},
                                                             {"0", "701", std::nullopt}})));
    const Probe probe = client.store.probe({k_text, k_all_orders}, {});
    CHECK(probe.writers.at(k_text) == std::vector<std::uint32_t>{700});
    CHECK(probe.writers.at(k_all_orders) == std::vector<std::uint32_t>{701});
    CHECK(client.postgres.parameters.back() == std::vector<std::string>{"{\"cus_1\"}"});
}

TEST_CASE("numbers of 32 bits are their locks' keys, and no hash is asked for") {
    Client client;
    client.postgres.on("pg_lock_status",
                       gives(table({"key", "writer", "id"}, {{"5", "700", std::nullopt}})));
    const Probe probe = client.store.probe({customer_scope(5), customer_scope(7)}, {});
    CHECK(probe.writers.size() == 1);
    CHECK(client.postgres.parameters.back().empty());
    client.store.probe({Scope{CustomerId{"2147483648"}}}, {});
    CHECK(client.postgres.was_asked("hashtext(asked.id)"));
}

TEST_CASE("a probe tells whether the role may ask for the known total") {
    const auto asks_after_probe = [](const std::vector<fakes::Values>& rows) {
        Client client;
        client.postgres.on("pg_lock_status", gives(table({"key", "writer", "id"}, rows)));
        client.postgres.on("AS count", gives(k_counted));
        client.store.probe({k_all_orders}, {});
        client.store.count({k_all_orders}, {});
        CHECK(client.postgres.statements.size() == 2);
        return client.postgres.was_asked("ordercache.known_total('orders'::regclass, '')");
    };
    CHECK(asks_after_probe({{std::nullopt, std::nullopt, "known_total"}}));
    CHECK_FALSE(asks_after_probe({{std::nullopt, std::nullopt, "standby"}}));
    CHECK_FALSE(asks_after_probe({}));
}

TEST_CASE("a count without a probe asks first whether the total may be asked for") {
    Client client;
    client.postgres.on("to_regproc('ordercache.known_total')", gives(table({}, {{}})));
    client.postgres.on("known_total(", gives(k_counted));
    CHECK(client.store.count({k_all_orders}, {}).counts == Counts{{k_all_orders, 12000}});
    CHECK_FALSE(client.postgres.was_asked("count(*)"));
}

TEST_CASE("a total that is not known is counted") {
    Client client;
    client.postgres.on("to_regproc('ordercache.known_total')", gives(table({}, {{}})));
    client.postgres.on("known_total(", gives(table({"count"}, {{std::nullopt}})));
    client.postgres.on("count(*)", gives(k_counted));
    CHECK(client.store.count({k_all_orders}, {}).counts == Counts{{k_all_orders, 12000}});
}

TEST_CASE("a count that an audit asks for is a COUNT") {
    Client client;
    client.postgres.on("count(*)", gives(k_counted));
    client.store.count_total([] { return true; });
    CHECK_FALSE(client.postgres.was_asked("known_total("));
}

TEST_CASE("a view with a condition is checked once for each session") {
    Client client({.condition = "paid"});
    client.postgres.on("format_type", gives(table({"type", "word"}, {{"integer", "integer"}})));
    client.postgres.on("count(*)", gives(k_counted));
    client.postgres.on("count(*)", gives(k_counted));
    client.store.count({k_all_orders}, {});
    client.store.count({k_all_orders}, {});
    CHECK(client.postgres.statements.size() == 4); // one asked whether the total is known
    CHECK(client.postgres.was_asked("count(*) FROM orders WHERE (paid\n)"));
}

TEST_CASE("a condition that PostgreSQL refuses is told by its variable") {
    for (const char* sqlstate : {"42601", "42703", "42803", "22P02", "0A000", "42P01", "P0001"}) {
        Client client({.condition = "paid"});
        client.postgres.on("format_type", fakes::fails("no such paid\n", sqlstate));
        const Error error = error_of([&] { client.store.count({k_all_orders}, {}); });
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(std::string(error.what()).ends_with("ORDERS_WHERE is refused: no such paid"));
    }
}

TEST_CASE("a condition is not blamed for the server or for the table") {
    for (const char* sqlstate : {"42P01", "42501", "57014", "53300"}) {
        Client client({.condition = "paid"});
        client.postgres.on("format_type", fakes::fails("not \"orders\"\n", sqlstate));
        const Error error = error_of([&] { client.store.count({k_all_orders}, {}); });
        CHECK(std::string(error.what()).find("ORDERS_WHERE") == std::string::npos);
    }
}

TEST_CASE("a condition that fails for a row is told by its variable") {
    Client client({.condition = "1 / paid > 0"});
    client.postgres.on("format_type", gives(table({"type", "word"}, {{"integer", "integer"}})));
    client.postgres.on("count(*)", fakes::fails("division by zero\n", "22012"));
    const Error error = error_of([&] { client.store.count({k_all_orders}, {}); });
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(std::string(error.what()).ends_with("ORDERS_WHERE is refused: division by zero"));
}
