#include "postgres/inserted_orders.hpp"

#include "fake_postgres.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace ordercache;
using fakes::error_of;
using fakes::gives;
using fakes::PostgresClient;
using fakes::table;

namespace {

using Strings = std::vector<std::string>;

Order order_of(std::int64_t number) {
    return {parse_date("2023-03-10"), customer(number), Amount::parse("23.00"),
            Amount::parse("1.80")};
}

Rows inserted(std::optional<std::string> order, std::optional<std::string> customer,
              const char* is_locked = "t", const char* counts = "t") {
    auto key = customer;
    return table(
        {"orderid", "customer", "content", "transaction", "is_locked", "counts", "lock_key"},
        {{std::move(order), std::move(customer), "(2023-03-10,...)", "750", is_locked, counts,
          std::move(key)}});
}

/// A transaction whose last order is answered so.
struct Inserting : PostgresClient {
    explicit Inserting(const Rows& last, OrdersView view = {}) : PostgresClient(std::move(view)) {
        postgres.on("VALUES", gives(last));
    }

    void types_are(const char* type) {
        postgres.on("format_type", gives(table({"type"}, {{"date"}, {type}, {type}})));
    }
    void piece_gives(std::vector<fakes::Values> customers) {
        for (fakes::Values& row : customers) {
            row.resize(2, "t");
        }
        postgres.on("unnest($1", gives(table({"customer", "counts"}, customers)));
    }
    void look_says(const char* more, const char* may_be_remote = "f") {
        postgres.on("SELECT more",
                    gives(table({"more", "may_be_remote"}, {{more, may_be_remote}})));
    }

    InsertedOrders orders{*connection, CacheUpdate::by_writer};

    void insert(const std::vector<std::int64_t>& numbers) {
        for (const std::int64_t number : numbers) {
            orders.add({order_of(number)});
        }
        orders.finish();
    }
};

} // namespace

TEST_CASE("an inserted order changes its customer's count and the total") {
    Inserting client(inserted("12001", "9999"));
    client.insert({9999});
    CHECK(client.orders.id() == "12001");
    CHECK(client.orders.customer() == customer(9999));
    CHECK(client.orders.size() == 1);
    CHECK(client.orders.changed_customers() == std::vector<Scope>{customer_scope(9999)});
    CHECK(client.postgres.parameters.back() ==
          Strings{"2023-03-10", "9999", "23", "1.80", "24.80"});
}

TEST_CASE("the customer that PostgreSQL stored is the one whose count changes") {
    Inserting client(inserted("12001", "5"));
    client.insert({9999});
    CHECK(client.orders.changed_customers() == std::vector<Scope>{customer_scope(5)});
}

TEST_CASE("an order's number may be any text") {
    Inserting client(inserted("72a1-ff", "9999"));
    client.insert({9999});
    CHECK(client.orders.id() == "72a1-ff");
}

TEST_CASE("where the table is not plain it is looked at closely, and anybody's count may change") {
    for (const char* more : {"t", "f"}) {
        Inserting client(inserted("12001", "9999", "f"));
        client.look_says(more);
        client.insert({9999});
        CHECK(client.orders.changed_customers().has_value() == (std::string(more) == "f"));
    }
}

TEST_CASE("where a foreign server may commit too, all other checks come before the COMMIT") {
    Inserting client(inserted("12001", "9999", "f"));
    client.look_says("t", "t");
    client.insert({9999});
    CHECK(client.postgres.statements.back() == "SET CONSTRAINTS ALL IMMEDIATE");
}

TEST_CASE("an order that PostgreSQL skipped is refused and rolled back") {
    PostgresClient client;
    client.postgres.on("VALUES", gives(table({"orderid"})));
    CHECK(error_of([&] {
              InsertedOrders orders(*client.connection, CacheUpdate::by_writer);
              orders.add({order_of(9999)});
              orders.finish();
          }).kind() == ErrorKind::rejected);
    CHECK(client.postgres.statements.back() == "ROLLBACK");
}

TEST_CASE("an order without its number or its customer has no id to tell") {
    for (const Rows& last : {inserted(std::nullopt, "9999"), inserted("12001", std::nullopt)}) {
        Inserting client(last);
        client.insert({9999});
        CHECK(error_of([&] { (void)client.orders.id(); }).kind() == ErrorKind::rejected);
    }
}

TEST_CASE("a file is inserted in pieces, its columns of the table's own types") {
    Inserting client(inserted("12003", "5"));
    client.types_are("bigint");
    client.piece_gives({{"5"}, {"7"}});
    client.orders.add({order_of(5), order_of(7), order_of(5)});
    client.orders.finish();
    CHECK(client.orders.size() == 3);
    CHECK(client.orders.changed_customers() ==
          std::vector<Scope>{customer_scope(5), customer_scope(7)});
    CHECK(client.postgres.was_asked("unnest($1::date[], $2::bigint[], $3::bigint[])"));
    const auto piece = std::ranges::find_if(client.postgres.parameters, [](const auto& values) {
        return !values.empty() && values.front() == "{2023-03-10,2023-03-10}";
    });
    CHECK(*piece ==
          Strings{"{2023-03-10,2023-03-10}", "{5,7}", "{23,23}", "{1.80,1.80}", "{24.80,24.80}"});
}

TEST_CASE("a file has the types of the columns looked up once") {
    Inserting client(inserted("12003", "5"));
    client.types_are("bigint");
    client.piece_gives({{"5"}});
    client.piece_gives({{"7"}});
    client.insert({5, 7, 5});
    CHECK(std::ranges::count_if(client.postgres.statements, [](const std::string& sql) {
              return sql.find("format_type") != std::string::npos;
          }) == 1);
}

TEST_CASE("a file of which PostgreSQL skipped rows is refused with how many") {
    Inserting client(inserted("12001", "5"));
    client.types_are("bigint");
    client.piece_gives({});
    const Error error = error_of([&] { client.insert({5, 7}); });
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(std::string(error.what()).find("1 of 2 orders") != std::string::npos);
}

TEST_CASE("an order that PostgreSQL rejects is told by its place in the file") {
    const auto rejection =
        fakes::fails("no\nDETAIL:  Key (customerid)=(7) is not present", "23503");
    const std::string reason =
        "PostgreSQL at db.example:5432, database shop: rejected: customer 7 does not exist";

    Inserting client(inserted("12003", "5"));
    client.types_are("bigint");
    client.postgres.on("unnest($1", rejection);
    CHECK(error_of([&] {
              client.orders.add({order_of(5), order_of(7), order_of(5)});
          }).what() == reason + " (one of orders 1 to 2 of the file)");

    PostgresClient other;
    other.postgres.on("VALUES", rejection);
    InsertedOrders orders(*other.connection, CacheUpdate::by_writer);
    orders.add({order_of(5), order_of(7)});
    CHECK(error_of([&] { orders.finish(); }).what() == reason + " (order 2 of the file)");
}

namespace {

OrdersView paid_orders() {
    return {.table = "\"sale\"", .customer = "\"user_id\"", .tax = "", .condition = "paid -- done"};
}

} // namespace

TEST_CASE("an order is written under the view's names, without the columns that are left out") {
    Inserting client(inserted("12001", "9999"), paid_orders());
    client.insert({9999});
    CHECK(client.postgres.was_asked("INSERT INTO \"sale\" (orderdate, \"user_id\", netamount, "
                                    "totalamount) VALUES ($1, $2, $3, $4)"));
    CHECK(client.postgres.was_asked("(paid -- done\n) IS TRUE AS counts"));
    CHECK(client.postgres.parameters.back() == Strings{"2023-03-10", "9999", "23", "24.80"});
    CHECK(client.orders.counted() == 1);
}

TEST_CASE("an order that does not count has an id, and changes no count") {
    Inserting client(inserted("12001", "9999", "t", "f"));
    client.insert({9999});
    CHECK(client.orders.id() == "12001");
    CHECK(client.orders.size() == 1);
    CHECK(client.orders.counted() == 0);
    CHECK(client.orders.changed_customers() == std::vector<Scope>{});
}

TEST_CASE("of a file only the orders that count change counts") {
    Inserting client(inserted("12003", "9", "t", "f"));
    client.types_are("bigint");
    client.piece_gives({{"5"}, {"7", "f"}, {std::nullopt}});
    client.orders.add({order_of(5), order_of(7), order_of(8), order_of(9)});
    client.orders.finish();
    CHECK(client.orders.size() == 4);
    CHECK(client.orders.counted() == 2);
    CHECK(client.orders.changed_customers() == std::vector<Scope>{customer_scope(5)});
}

TEST_CASE("a customer whom nobody can count is not among those whose counts change") {
    Inserting client(inserted("12001", "-5"));
    client.insert({9999});
    CHECK(client.orders.changed_customers() == std::vector<Scope>{});
    CHECK(client.orders.counted() == 1);
}
