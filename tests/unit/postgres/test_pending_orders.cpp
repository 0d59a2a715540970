#include "postgres/pending_orders.hpp"

#include "fake_postgres.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

using namespace ordercache;
using namespace std::chrono_literals;
using fakes::error_of;
using fakes::gives;
using fakes::PostgresClient;
using fakes::table;

namespace {

Order order_of(CustomerId customer) {
    return {parse_date("2023-03-10"), customer, Amount::parse("23.00"), Amount::parse("1.80")};
}

Rows inserted(std::optional<std::string> order, std::optional<std::string> customer,
              const char* is_locked = "t") {
    return table({"orderid", "customerid", "transaction", "is_locked"},
                 {{std::move(order), std::move(customer), "750", is_locked}});
}

struct Inserting : PostgresClient {
    explicit Inserting(const Rows& rows) { postgres.on("INSERT", gives(rows)); }

    Error refusal() {
        return error_of([&] { insert_order(connection, order_of(9999), CacheUpdate::by_writer); });
    }
};

/// A batch of orders of customers 5, 7 and 5.
struct Copying : PostgresClient {
    using PostgresClient::PostgresClient;

    void rows_before(std::optional<std::string> rows) {
        postgres.on("BEGIN", gives(table({"rows"}, {{std::move(rows)}})));
    }
    void finishes(std::optional<std::string> rows, const char* changes_more,
                  fakes::Answer currval = gives(table({"orderid"}, {{"12003"}}))) {
        postgres.on("changes_more", gives(table({"transaction", "changes_more", "rows"},
                                                {{"750", changes_more, std::move(rows)}})));
        postgres.on("currval(", std::move(currval));
    }

    std::unique_ptr<PendingBatch> copy() {
        auto batch = begin_batch(connection, CacheUpdate::by_writer);
        batch->copy({order_of(5), order_of(7), order_of(5)});
        return batch;
    }
};

} // namespace

TEST_CASE("an inserted order changes its customer's count and the total") {
    Inserting client(inserted("12001", "9999"));
    const auto order = insert_order(client.connection, order_of(9999), CacheUpdate::by_writer);
    CHECK(order->id() == "12001");
    CHECK(order->customer() == 9999);
    CHECK(order->changed_customers() == std::vector<Scope>{Scope{9999}});
    CHECK(client.postgres.parameters.back() ==
          std::vector<std::string>{"2023-03-10", "9999", "23.00", "1.80", "24.80"});
}

TEST_CASE("the customer that PostgreSQL stored is the one whose count changes") {
    Inserting client(inserted("12001", "5"));
    CHECK(insert_order(client.connection, order_of(9999), CacheUpdate::by_writer)
              ->changed_customers() == std::vector<Scope>{Scope{5}});
}

TEST_CASE("an order's number may be any text") {
    Inserting client(inserted("72a1-ff", "9999"));
    CHECK(insert_order(client.connection, order_of(9999), CacheUpdate::by_writer)->id() ==
          "72a1-ff");
}

TEST_CASE("where the table is not plain it is looked at closely, and anybody's count may change") {
    for (const char* more : {"t", "f"}) {
        Inserting client(inserted("12001", "9999", "f"));
        client.postgres.on("SELECT more", gives(table({"more"}, {{more}})));
        const auto order = insert_order(client.connection, order_of(9999), CacheUpdate::by_writer);
        CHECK(order->changed_customers().has_value() == (std::string(more) == "f"));
    }
}

TEST_CASE("an order that PostgreSQL skipped, or stored in part, is rolled back and a no") {
    for (const Rows& rows :
         {table({"orderid"}), inserted(std::nullopt, "9999"), inserted("12001", std::nullopt)}) {
        Inserting client(rows);
        CHECK(client.refusal().kind() == ErrorKind::rejected);
        CHECK(client.postgres.statements.back() == "ROLLBACK");
    }
}

TEST_CASE("an order that goes out of scope uncommitted is rolled back") {
    Inserting client(inserted("12001", "9999"));
    insert_order(client.connection, order_of(9999), CacheUpdate::by_writer);
    CHECK(client.postgres.statements.back() == "ROLLBACK");
}

TEST_CASE("a batch changes the counts of its customers, and the total") {
    Copying client;
    client.rows_before("0");
    client.finishes("3", "f");
    const auto batch = client.copy();
    batch->finish();
    CHECK(batch->size() == 3);
    CHECK(batch->changed_customers() == std::vector<Scope>{Scope{5}, Scope{7}});
    CHECK(client.postgres.copied.size() == 3);
}

TEST_CASE("a batch of which PostgreSQL skipped rows is refused with how many") {
    Copying client;
    client.rows_before("10");
    client.finishes("11", "t");
    const auto batch = client.copy();
    const Error error = error_of([&] { batch->finish(); });
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(std::string(error.what()).find("1 of 3 orders") != std::string::npos);
}

TEST_CASE("where a COPY's rows are not counted the orders are inserted, which tells how many") {
    for (const char* stored : {"2", "3"}) {
        CAPTURE(stored);
        Copying client;
        client.rows_before(std::nullopt);
        client.postgres.on("INSERT", gives(table({"stored"}, {{stored}})));
        client.finishes(std::nullopt, "t");
        const auto batch = client.copy();
        CHECK(client.postgres.parameters.back().size() == 15);
        if (std::string(stored) == "2") {
            CHECK(error_of([&] { batch->finish(); }).kind() == ErrorKind::rejected);
        } else {
            batch->finish();
        }
        CHECK_FALSE(client.postgres.was_asked("copy"));
        CHECK_FALSE(batch->changed_customers().has_value());
    }
}

TEST_CASE("numbers that come from elsewhere than the column's own sequence do no harm") {
    Copying client;
    client.rows_before("0");
    client.finishes("3", "f", fakes::fails("ERROR:  not yet defined", "55000"));
    const auto batch = client.copy();
    batch->finish();
    batch->commit();
    CHECK(client.postgres.statements.back() == "COMMIT");
}

TEST_CASE("a customer of a batch who does not exist is told with the first order of theirs") {
    Copying client;
    client.rows_before("0");
    client.postgres.on(
        "end copy",
        fakes::fails("ERROR:  no\nDETAIL:  Key (customerid)=(7) is not present", "23503"));
    const auto batch = client.copy();
    const Error error = error_of([&] { batch->finish(); });
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(std::string(error.what()) ==
          "PostgreSQL at db.example:5432, database shop: rejected: customer 7 does not exist "
          "(order 2 of the file)");
}

TEST_CASE("a server that checks a batch for too long is said to do that") {
    Copying client(200ms);
    client.rows_before("0");
    client.postgres.on("end copy", [] {
        std::this_thread::sleep_for(500ms);
        return Rows{};
    });
    const auto batch = client.copy();
    const Error error = error_of([&] { batch->finish(); });
    CHECK(error.kind() == ErrorKind::store_failed);
    CHECK(std::string(error.what()) ==
          "PostgreSQL at db.example:5432, database shop: it was still checking 3 orders when time "
          "was up; give a longer --timeout");
}
