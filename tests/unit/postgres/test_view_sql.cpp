#include "postgres/view_sql.hpp"

#include <doctest/doctest.h>

using namespace ordercache;

TEST_CASE("the columns that are left out are not written") {
    CHECK(written_columns_sql({}) == "orderdate, customerid, netamount, tax, totalamount");
    CHECK(written_columns_sql({.customer = "\"c\"", .date = "", .net = "", .tax = ""}) ==
          "\"c\", totalamount");
}

TEST_CASE("a customer is compared by its type") {
    const auto condition = [](CustomerType type) {
        return is_customer_sql({.customer_type = type});
    };
    CHECK(condition(CustomerType::integer) == "customerid = ANY($1::bigint[])");
    CHECK(condition(CustomerType::uuid) == "customerid = ANY($1::uuid[])");
    CHECK(condition(CustomerType::text) == "customerid::text COLLATE \"C\" = ANY($1::text[])");
}

TEST_CASE("a lock's key is the number if it has 32 bits, and otherwise a hash of the id") {
    CHECK(lock_key_sql({}) == "CASE WHEN customerid BETWEEN 1 AND 2147483647 THEN customerid::int "
                              "ELSE hashtext(customerid::bigint::text) END");
    CHECK(lock_key_sql({.customer_type = CustomerType::uuid}) == "hashtext(customerid::text)");
}

TEST_CASE("a condition ends with its line, so that a comment hides nothing") {
    const OrdersView view = {.condition = "paid -- ok"};
    CHECK(sql_of("SELECT FROM {table} WHERE {is_order}", view) ==
          "SELECT FROM orders WHERE (paid -- ok\n)");
    CHECK(sql_of("SELECT FROM {table} WHERE {is_order}", {}) == "SELECT FROM orders WHERE true");
}

TEST_CASE("the table's name is also a literal, with its quotes doubled") {
    CHECK(sql_of("{table_name}", {.table = "\"it's\""}) == "'\"it''s\"'");
}
