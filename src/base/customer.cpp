#include "base/customer.hpp"

#include "base/quoted.hpp"
#include "base/whole_number.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <stdexcept>

namespace ordercache {

namespace {

constexpr std::size_t k_longest_text = 200;

Customer parse_integer(std::string_view text) {
    const auto number = parse_whole_number(text, 1, std::numeric_limits<std::int64_t>::max());
    if (!number) {
        throw std::invalid_argument("a customer is a whole number from 1 to 9223372036854775807");
    }
    return {std::to_string(*number)};
}

/// Returns the digit in lower case, whatever the locale. Anything else stays as it is.
char lower_case_digit(char digit) {
    return digit >= 'A' && digit <= 'F' ? static_cast<char>(digit - 'A' + 'a') : digit;
}

Customer parse_uuid(std::string_view text) {
    constexpr std::string_view example = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
    constexpr std::string_view digits = "0123456789abcdef";
    Customer customer;
    std::ranges::transform(text, std::back_inserter(customer.text), lower_case_digit);
    if (!std::ranges::equal(customer.text, example, [&](char given, char form) {
            return form == '-' ? given == '-' : digits.find(given) != std::string_view::npos;
        })) {
        throw std::invalid_argument("a customer is a UUID, such as " + std::string(example));
    }
    return customer;
}

Customer parse_text(std::string_view text) {
    if (text.empty() || text.size() > k_longest_text || text == "all" ||
        text.find_first_of("{}") != std::string_view::npos || printable(text, '?') != text) {
        throw std::invalid_argument("a customer is 1 to 200 bytes of UTF-8 without control "
                                    "characters and braces, and not `all`");
    }
    return {std::string(text)};
}

} // namespace

Customer parse_customer(std::string_view text, CustomerType type) {
    switch (type) {
    case CustomerType::uuid:
        return parse_uuid(text);
    case CustomerType::text:
        return parse_text(text);
    case CustomerType::integer:
        break;
    }
    return parse_integer(text);
}

} // namespace ordercache
