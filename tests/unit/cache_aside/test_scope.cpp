#include "cache_aside/scope.hpp"
#include "customers.hpp"

#include <doctest/doctest.h>

using namespace ordercache;

using Scopes = std::vector<Scope>;

TEST_CASE("the customers among scopes keep their order") {
    CHECK(customers_in({customer_scope(7), k_all_orders, customer_scope(5)}) ==
          Scopes{customer_scope(7), customer_scope(5)});
    CHECK(customers_in({k_all_orders}).empty());
}

TEST_CASE("without repeats each scope stands once, the total first") {
    CHECK(
        without_repeats({customer_scope(7), k_all_orders, customer_scope(5), customer_scope(7)}) ==
        Scopes{k_all_orders, customer_scope(5), customer_scope(7)});
}

TEST_CASE("pieces are of the size that was asked for, the last one of what is left") {
    std::vector<Scopes> pieces;
    in_pieces(Scopes{customer_scope(1), customer_scope(2), customer_scope(3)}, 2,
              [&](const Scopes& piece) { pieces.push_back(piece); });
    CHECK(pieces ==
          std::vector<Scopes>{{customer_scope(1), customer_scope(2)}, {customer_scope(3)}});
}

TEST_CASE("of no scopes there is no piece") {
    in_pieces(Scopes{}, 2, [](const Scopes& /*piece*/) { FAIL("called"); });
}
