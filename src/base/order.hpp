#pragma once

#include "base/customer.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace ordercache {

/// An order's number, as PostgreSQL writes it: an integer in the tutorial, a uuid in other stores.
using OrderId = std::string;

/// An amount of money as `numeric(12,2)` takes it: exact, two decimals, from -9999999999.99 to
/// 9999999999.99.
class Amount {
public:
    /// Accepts digits, and one or two more after a point; a minus for a refund.
    /// Throws std::invalid_argument, which says what is wrong, for anything else.
    static Amount parse(std::string_view text);

    /// Throws std::invalid_argument if the sum is out of the column's range.
    friend Amount operator+(Amount a, Amount b);

    /// Two decimals, as in PostgreSQL: `-0.50`.
    std::string to_string() const;

    std::int64_t cents() const { return m_cents; }

    friend bool operator==(Amount, Amount) = default;

private:
    explicit Amount(std::int64_t cents) : m_cents(cents) {}

    std::int64_t m_cents;
};

/// Accepts a day of the calendar as `YYYY-MM-DD`, 0001 to 9999.
/// Throws std::invalid_argument, which says what is wrong, for anything else.
std::chrono::year_month_day parse_date(std::string_view text);

/// `YYYY-MM-DD`.
std::string to_string(std::chrono::year_month_day date);

/// An order to add. Its total is net + tax.
struct Order {
    std::chrono::year_month_day date;
    CustomerId customer;
    Amount net;
    Amount tax;

    Amount total() const { return net + tax; }
};

} // namespace ordercache
