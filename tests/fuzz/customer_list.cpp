// A file of customers: those before the first bad line are given, then what is wrong with it.

#include "io/customer_list.hpp"

#include "base/error.hpp"
#include "base/uri.hpp"
#include "fuzzing.hpp"

#include <stdexcept>

namespace {

using namespace ordercache;

struct CustomersRead {
    std::vector<CustomerId> customers;
    bool failed = false;

    bool operator==(const CustomersRead&) const = default;
};

CustomersRead read_list(std::string_view text) {
    const MemoryFile file(text);
    CustomersRead reading;
    try {
        CustomerList list(file.path(), CustomerType::integer);
        for (auto some = list.next(); !some.empty(); some = list.next()) {
            reading.customers.insert(reading.customers.end(), some.begin(), some.end());
        }
        require(list.part_read().value_or(1) == 1, "every byte was read");
    } catch (const Error& error) {
        require(error.kind() == ErrorKind::usage, "a refusal is a usage error");
        reading.failed = true;
    }
    return reading;
}

/// The same, in memory and in the plainest way.
CustomersRead expected(std::string_view text) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    text.remove_prefix(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0);
    CustomersRead reading;
    for (std::string_view line : split(text, '\n')) {
        line.remove_suffix(line.ends_with('\r') ? 1 : 0);
        try {
            if (!line.empty()) {
                reading.customers.push_back(parse_customer(line, CustomerType::integer));
            }
        } catch (const std::invalid_argument&) {
            reading.failed = true;
            break;
        }
    }
    return reading;
}

} // namespace

FUZZER(customer_list, input) {
    require(read_list(input) == expected(input), "a list is read as its lines say");
}
