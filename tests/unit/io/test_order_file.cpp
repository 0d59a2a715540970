#include "io/order_file.hpp"

#include "base/error.hpp"
#include "io/files.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace ordercache;

namespace {

std::vector<std::string> orders_in(const std::string& text,
                                   CustomerType type = CustomerType::integer) {
    const TemporaryFile file(text);
    OrderFile orders(file.path(), type);
    std::vector<std::string> shown;
    for (auto piece = orders.next(); !piece.empty(); piece = orders.next()) {
        for (const Order& order : piece) {
            shown.push_back(to_string(order.date) + ' ' + order.customer.text + ' ' +
                            order.net.to_string() + ' ' + order.tax.to_string());
        }
    }
    return shown;
}

/// What is said of a file, each line from its line number on.
std::vector<std::string> complaints_about(const std::string& text) {
    std::vector<std::string> complaints;
    const auto add = [&](const std::string& complaint) {
        complaints.push_back(complaint.substr(complaint.find("line ")));
    };
    try {
        orders_in(text);
    } catch (const BadLines& bad) {
        for (const std::string& complaint : bad.complaints()) {
            add(complaint);
        }
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        add(error.what());
    }
    return complaints;
}

const std::string k_header = "date,customer,net,tax\n";

using Texts = std::vector<std::string>;

Texts fields_of(std::string_view line) {
    Texts fields{"left over"};
    split_csv_line(line, fields);
    return fields;
}

} // namespace

TEST_CASE("the header says where each column stands") {
    CHECK(orders_in("tax,net,customer,date\n1.80,23,9999,2023-03-10\n") ==
          std::vector<std::string>{"2023-03-10 9999 23.00 1.80"});
}

TEST_CASE("quotes, carriage returns, a byte-order mark and empty lines are fine") {
    CHECK(orders_in(
              "\xEF\xBB\xBF\"date\",customer,net,\"tax\"\r\n\r\n\"2023-03-10\",7,\"-1.5\",0\r\n") ==
          std::vector<std::string>{"2023-03-10 7 -1.50 0.00"});
}

TEST_CASE("a file of many pieces is read to its end") {
    std::string text = k_header;
    for (int i = 0; i < 20'000; ++i) {
        text += "2023-03-10,7,1,1\n";
    }
    CHECK(orders_in(text).size() == 20'000);
}

TEST_CASE("quotes that do not pair are told of") {
    const std::string good = "2023-03-10,1,1,1\n";
    CHECK(complaints_about(k_header + "2023-03-10,1,1,\"1\n" + good) ==
          std::vector<std::string>{"line 2: a quote is not closed"});
    CHECK(complaints_about(k_header + "2023-03-10,1,1,1\"\n" + good) ==
          std::vector<std::string>{
              "line 2: there is a quote in a field that does not begin with one"});
    CHECK(complaints_about(k_header + "2023-03-10,1,1,\"1\"1\n" + good) ==
          std::vector<std::string>{"line 2: a closing quote is not followed by a comma"});
}

TEST_CASE("a quote swallows no bad line behind it") {
    CHECK(complaints_about(k_header + "2023-03-10,1,1\"\"2,1\n2023-03-10,x,1,1\n" +
                           "2023-03-10,1,\"1,1\n2023-02-30,1,1,1\n")
              .size() == 4);
    CHECK(complaints_about(k_header + "\"20\n23\",1,1,1\n").size() == 2);
}

TEST_CASE("a line of too few or too many fields says how many it has") {
    const auto complaints = complaints_about(k_header + "1\n1,2\n1,2,3,4,5\n");
    CHECK(complaints == std::vector<std::string>{"line 2: expected 4 fields, found 1",
                                                 "line 3: expected 4 fields, found 2",
                                                 "line 4: expected 4 fields, found 5"});
}

TEST_CASE("a value that is refused is shown, short and without what a terminal would obey") {
    const auto complaints =
        complaints_about(k_header + "2023-03-10,1,\"1,50\",1\n2023-03-10,\x1b[31m" +
                         std::string(60, '9') + ",1,1\n");
    REQUIRE(complaints.size() == 2);
    CHECK(complaints[0].starts_with("line 2: net: `1,50`: an amount must be "));
    CHECK(complaints[1].starts_with("line 3: customer: `?[31m" + std::string(35, '9') + "…`: "));
}

TEST_CASE("ten bad lines are told of, and no more") {
    std::string text = k_header;
    for (int i = 0; i < 12; ++i) {
        text += "2023-03-10,x,1,1\n2023-03-10,1,1,1\n";
    }
    const auto complaints = complaints_about(text);
    REQUIRE(complaints.size() == 10);
    CHECK(complaints.back().starts_with("line 20: customer: "));
}

TEST_CASE("a file that is cut off is refused, and earlier bad lines are told of too") {
    const auto complaints = complaints_about(k_header + "2023-03-10,x,1,1\n2023-03-10,1,1,1.8");
    REQUIRE(complaints.size() == 2);
    CHECK(complaints[0].starts_with("line 2: customer: "));
    CHECK(complaints[1].starts_with("line 3: the last line has no line end: "));
    CHECK(complaints_about(k_header + "2023-03-10,1,1,1\n2023-03-10,1,1,1.8").size() == 1);
    CHECK(complaints_about("date,customer,net,tax").empty());
}

TEST_CASE("a line without end is refused before it fills the memory") {
    CHECK(complaints_about(k_header + std::string(1 << 20, '1')) ==
          std::vector<std::string>{"line 2: the line is too long"});
}

TEST_CASE("a line is split at its commas") {
    CHECK(fields_of("a,b") == Texts{"a", "b"});
    CHECK(fields_of(",a,") == Texts{"", "a", ""});
    CHECK(fields_of("") == Texts{""});
}

TEST_CASE("quotes hold commas and doubled quotes together") {
    CHECK(fields_of(R"("a,b","","e""f","""")") == Texts{"a,b", "", "e\"f", "\""});
}

TEST_CASE("a malformed line says what is wrong") {
    for (const char* line : {R"(a"b)", R"(1""2)", R"(a,b")", R"( "a")"}) {
        CAPTURE(line);
        CHECK_THROWS_WITH_AS(fields_of(line),
                             "there is a quote in a field that does not begin with one",
                             std::invalid_argument);
    }
    for (const char* line : {R"("d"e)", R"("d" ,e)"}) {
        CHECK_THROWS_WITH_AS(fields_of(line), "a closing quote is not followed by a comma",
                             std::invalid_argument);
    }
    for (const char* line : {R"(")", R"(a,"f)", R"("f"")", R"("a,b)"}) {
        CHECK_THROWS_WITH_AS(fields_of(line), "a quote is not closed", std::invalid_argument);
    }
}

TEST_CASE("customers are of the type that is asked for") {
    CHECK(orders_in("date,customer,net,tax\n2004-01-31,\"a, \"\"b\"\" \",1,0\n",
                    CustomerType::text) ==
          std::vector<std::string>{"2004-01-31 a, \"b\"  1.00 0.00"});
    CHECK(orders_in("date,customer,net,tax\n"
                    "2004-01-31,3F2504E0-4F89-11D3-9A0C-0305E82C3301,1,0\n",
                    CustomerType::uuid) ==
          std::vector<std::string>{"2004-01-31 3f2504e0-4f89-11d3-9a0c-0305e82c3301 1.00 0.00"});
    CHECK_THROWS_AS(orders_in("date,customer,net,tax\n2004-01-31,7,1,0\n", CustomerType::uuid),
                    BadLines);
}
