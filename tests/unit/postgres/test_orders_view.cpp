#include "postgres/orders_view.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

using namespace ordercache;

namespace {

OrdersView with_columns(const std::string& text) {
    OrdersView view;
    parse_columns(text, view);
    return view;
}

} // namespace

TEST_CASE("the tutorial's names stay as they are, and others are quoted") {
    CHECK(parse_table("orders") == "orders");
    CHECK(parse_table("ORDERS") == "orders");
    CHECK(parse_table("\"orders\"") == "orders");
    CHECK(parse_table("sale_order") == "\"sale_order\"");
    CHECK(parse_table("shop.orders") == "\"shop\".orders");
    CHECK(parse_table("Shop.\"Order\"") == "\"shop\".\"Order\"");
}

TEST_CASE("a quoted name may hold anything that is printed") {
    CHECK(parse_table("\"a.b\"") == "\"a.b\"");
    CHECK(parse_table("\"say \"\"yes\"\"\"") == "\"say \"\"yes\"\"\"");
    CHECK(parse_table("größe_1$") == "\"größe_1$\"");
}

TEST_CASE("what is not one or two SQL names is no table") {
    for (const std::string text : {"", "a.b.c", "a.", ".a", "a b", "'a'", "\"a", "\"\"", "1a", "$a",
                                   "a;", "a\r", "\"a\"b", "\"a\tb\"", "\"\xFF\"", "a-b"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_table(text), std::invalid_argument);
    }
    CHECK_NOTHROW(parse_table(std::string(63, 'a')));
    CHECK_THROWS_AS(parse_table(std::string(64, 'a')), std::invalid_argument);
}

TEST_CASE("columns that are not named keep the tutorial's names") {
    const OrdersView view = with_columns("orderid=id, customerid=\"customer, Id\"\norderdate=at");
    CHECK(view.order_id == "\"id\"");
    CHECK(view.customer == "\"customer, Id\"");
    CHECK(view.date == "\"at\"");
    CHECK(view.net == "netamount");
    CHECK(with_columns("").customer == "customerid");
    CHECK(with_columns("CustomerID=Tax").customer == "tax");
}

TEST_CASE("a column that only add writes may be left out") {
    const OrdersView view = with_columns("tax=,netamount= totalamount=total orderdate=");
    CHECK(view.tax.empty());
    CHECK(view.net.empty());
    CHECK(view.date.empty());
    CHECK(view.total == "\"total\"");
    CHECK_THROWS_AS(with_columns("orderid="), std::invalid_argument);
    CHECK_THROWS_AS(with_columns("customerid=,tax=t"), std::invalid_argument);
}

TEST_CASE("columns that are not clear are refused") {
    for (const std::string text : {"id=a", "orderid", "orderid:id", "orderid = id", "orderid=a.b",
                                   "orderid=id;customerid=c", "=id", "orderid=\"id", "tax=1"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(with_columns(text), std::invalid_argument);
    }
}

TEST_CASE("a name is shown without its quotes, and a literal doubles its own") {
    CHECK(bare_name("orderid") == "orderid");
    CHECK(bare_name("\"say \"\"yes\"\"\"") == "say \"yes\"");
    CHECK(sql_literal("it's") == "'it''s'");
}
