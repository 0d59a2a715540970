#include "base/customer.hpp"

#include "base/quoted.hpp"
#include "base/uri.hpp"
#include "base/whole_number.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <utility>

namespace ordercache {

namespace {

constexpr std::size_t k_longest_text = 200;

/// In the order of CustomerType.
constexpr std::array<std::string_view, 3> k_types = {"integer", "uuid", "text"};

CustomerId parse_integer(std::string_view text) {
    if (!parse_whole_number(text, 1)) {
        throw std::invalid_argument("a customer is a whole number from 1 to 9223372036854775807");
    }
    return {std::string(text.substr(text.find_first_not_of('0')))};
}

CustomerId parse_uuid(std::string_view text) {
    constexpr std::string_view example = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
    constexpr std::string_view digits = "0123456789abcdef";
    CustomerId customer{lower_case(text)};
    if (!std::ranges::equal(customer.text, example, [&](char given, char form) {
            return form == '-' ? given == '-' : digits.find(given) != std::string_view::npos;
        })) {
        throw std::invalid_argument("a customer is a UUID, such as " + std::string(example));
    }
    return customer;
}

CustomerId parse_text(std::string_view text) {
    if (text.empty() || text.size() > k_longest_text || text == "all" ||
        text.find_first_of("{}") != std::string_view::npos || printable(text, '?') != text) {
        throw std::invalid_argument("a customer is 1 to 200 bytes of UTF-8 without control "
                                    "characters and braces, and not `all`");
    }
    return {std::string(text)};
}

} // namespace

CustomerId parse_customer(std::string_view text, CustomerType type) {
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

std::optional<CustomerId> known_customer(std::string_view text, CustomerType type) {
    try {
        auto customer = parse_customer(text, type);
        return customer.text == text ? std::optional(std::move(customer)) : std::nullopt;
    } catch (const std::invalid_argument&) {
        return std::nullopt;
    }
}

std::string to_string(CustomerType type) {
    return std::string(k_types.at(static_cast<std::size_t>(type)));
}

CustomerType parse_customer_type(std::string_view text) {
    const auto found = std::ranges::find(k_types, text);
    if (found == k_types.end()) {
        throw std::invalid_argument("it must be integer, uuid or text");
    }
    return static_cast<CustomerType>(found - k_types.begin());
}

} // namespace ordercache
