#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace ordercache {

/// What a customer's id is.
enum class CustomerType {
    integer, ///< 1 to 9223372036854775807, without leading zeros.
    uuid,    ///< The usual form, in lower case.
    text     ///< 1 to 200 bytes of UTF-8 without control characters and braces, and not `all`.
};

/// A customer's id in the one form that its type has. Integers are ordered as numbers.
struct Customer {
    std::string text;

    friend bool operator==(const Customer&, const Customer&) = default;
    friend std::strong_ordering operator<=>(const Customer& a, const Customer& b) {
        const auto by_length = a.text.size() <=> b.text.size();
        return by_length != 0 ? by_length : a.text <=> b.text;
    }
};

/// Accepts an id of the type: decimal digits, `010` is ten; a UUID in either case; text as it is.
/// Throws std::invalid_argument, which says what a customer is, for anything else.
Customer parse_customer(std::string_view text, CustomerType type);

} // namespace ordercache
