#include "io/progress.hpp"

#include <doctest/doctest.h>

using namespace ordercache;

TEST_CASE("the bar fills with the part of the input that is read") {
    CHECK(progress_bar(10, "orders", 0.0, 80) == "10 orders [                    ]   0%");
    CHECK(progress_bar(10, "orders", 0.5, 80) == "10 orders [==========          ]  50%");
    CHECK(progress_bar(10, "orders", 1.0, 80) == "10 orders [====================] 100%");
}

TEST_CASE("without a size the items alone are told") {
    CHECK(progress_bar(12000, "orders", std::nullopt, 80) == "12000 orders");
}

TEST_CASE("the bar fits every width") {
    for (std::size_t columns = 1; columns < 200; ++columns) {
        CHECK(progress_bar(12000, "orders", 0.5, columns).size() < columns);
        CHECK(progress_bar(12000, "orders", std::nullopt, columns).size() < columns);
    }
}
