#pragma once

#include <compare>
#include <optional>
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
struct CustomerId {
    std::string text;

    friend bool operator==(const CustomerId&, const CustomerId&) = default;
    friend std::strong_ordering operator<=>(const CustomerId& a, const CustomerId& b) {
        const auto by_length = a.text.size() <=> b.text.size();
        return by_length != 0 ? by_length : a.text <=> b.text;
    }
};

/// Accepts an id of the type: decimal digits, `010` is ten; a UUID in either case; text as it is.
/// Throws std::invalid_argument, which says what a customer is, for anything else.
CustomerId parse_customer(std::string_view text, CustomerType type);

/// Returns the customer with this id, or nullopt if the text is not an id in its one form: `010`,
/// for example, is not.
std::optional<CustomerId> known_customer(std::string_view text, CustomerType type);

/// `integer`, `uuid` or `text`.
std::string to_string(CustomerType type);

/// Accepts `integer`, `uuid` and `text`. Throws std::invalid_argument for anything else.
CustomerType parse_customer_type(std::string_view text);

} // namespace ordercache
