#include "io/customer_list.hpp"

#include "base/error.hpp"
#include "io/files.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace ordercache;

using Customers = std::vector<CustomerId>;

TEST_CASE("the customers before a bad line are given, and then the error") {
    const TemporaryFile file("7\r\n\n010\nx\n8\n");
    CustomerList list(file.path(), CustomerType::integer);
    CHECK(list.next() == Customers{{"7"}, {"10"}});
    CHECK_THROWS_WITH_AS(
        list.next(),
        (file.path() + ", line 4: `x`: a customer is a whole number from 1 to 9223372036854775807")
            .c_str(),
        Error);
}

TEST_CASE("a list comes in pieces, and is over when it is empty") {
    std::string text;
    for (int i = 1; i <= 4500; ++i) {
        text += std::to_string(i) + '\n';
    }
    const TemporaryFile file(text);
    CustomerList list(file.path(), CustomerType::integer);
    CHECK(list.next().size() == 2000);
    CHECK(list.next().front().text == "2001");
    CHECK(list.next().back().text == "4500");
    CHECK(list.next().empty());
    CHECK(list.part_read() == 1);
}

TEST_CASE("where the input pauses, those that are there are given") {
    Pipe pipe;
    CustomerList list(pipe.path(), CustomerType::integer);
    pipe.write("7\n8\n\n12");
    CHECK(list.next() == Customers{{"7"}, {"8"}});
    CHECK_FALSE(list.is_ready());
    pipe.write("3\n");
    CHECK(list.is_ready());
    CHECK(list.next() == Customers{{"123"}});
    pipe.close_end(1);
    CHECK(list.next().empty());
}

TEST_CASE("a list that pauses for longer than the limit is an error") {
    const Pipe pipe;
    CustomerList list(pipe.path(), CustomerType::integer,
                      TimeLimit::each_wait(std::chrono::milliseconds(5)));
    pipe.write("7\n");
    CHECK(list.next() == Customers{{"7"}});
    CHECK_THROWS_WITH_AS(
        list.next(), ("cannot read " + pipe.path() + ": no input within --timeout").c_str(), Error);
}

TEST_CASE("a text customer is the whole line") {
    const TemporaryFile file(" a, \"b\" \r\n-x\na\tb\n");
    CustomerList list(file.path(), CustomerType::text);
    CHECK(list.next() == Customers{{" a, \"b\" "}, {"-x"}});
    CHECK_THROWS_AS(list.next(), Error);
}
