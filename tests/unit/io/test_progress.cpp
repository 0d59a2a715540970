#include "io/progress.hpp"

#include <doctest/doctest.h>

using namespace ordercache;

TEST_CASE("the bar fills with the part of the input that is read") {
    CHECK(progress_bar({10, 0, 200}, "orders", 80) == "10 orders [                    ]   0%");
    CHECK(progress_bar({10, 100, 200}, "orders", 80) == "10 orders [==========          ]  50%");
    CHECK(progress_bar({10, 200, 200}, "orders", 80) == "10 orders [====================] 100%");
}

TEST_CASE("a file that grew while it was read is no more than whole") {
    CHECK(progress_bar({10, 300, 200}, "orders", 80) == "10 orders [====================] 100%");
}

TEST_CASE("without a size the items alone are told") {
    CHECK(progress_bar({12000, 300, std::nullopt}, "orders", 80) == "12000 orders");
}

TEST_CASE("the bar fits every width") {
    for (std::size_t columns = 1; columns < 200; ++columns) {
        CHECK(progress_bar({12000, 100, 200}, "orders", columns).size() < columns);
        CHECK(progress_bar({12000, 100, std::nullopt}, "orders", columns).size() < columns);
    }
}
