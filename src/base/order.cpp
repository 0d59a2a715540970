#include "base/order.hpp"

#include "base/whole_number.hpp"

#include <fmt/compile.h>

#include <algorithm>
#include <stdexcept>

namespace ordercache {

namespace {

constexpr std::int64_t k_cents = 100;
constexpr std::int64_t k_most_cents = 999'999'999'999; // numeric(12,2)

constexpr auto k_date_form = "a date is written as YYYY-MM-DD, such as 2004-01-31";

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::int64_t number_or_throw(std::string_view text, std::int64_t least, std::int64_t most,
                             const char* message) {
    const auto number = parse_whole_number(text, least, most);
    if (!number) {
        throw std::invalid_argument(message);
    }
    return *number;
}

unsigned date_part(std::string_view digits) {
    return static_cast<unsigned>(number_or_throw(digits, 0, 9999, k_date_form));
}

} // namespace

Amount Amount::parse(std::string_view text) {
    const bool refund = text.starts_with('-');
    text.remove_prefix(refund ? 1 : 0);
    const auto point = text.find('.');
    const std::string_view units = text.substr(0, point);
    const std::string_view decimals =
        point == std::string_view::npos ? "00" : text.substr(point + 1);
    if (!is_digits(units) || !is_digits(decimals) || decimals.size() > 2) {
        throw std::invalid_argument("an amount must be digits, with one or two decimals after "
                                    "a point, as in 23 or 23.05, or -23.05 for a refund");
    }
    const std::int64_t whole =
        number_or_throw(units, 0, k_most_cents / k_cents,
                        "an amount lies between -9999999999.99 and 9999999999.99");
    const std::int64_t cents = *parse_whole_number(decimals, 0, k_cents - 1);
    const std::int64_t total = whole * k_cents + (decimals.size() == 1 ? cents * 10 : cents);
    return Amount(refund ? -total : total);
}

Amount operator+(Amount a, Amount b) {
    const std::int64_t cents = a.m_cents + b.m_cents;
    if (cents < -k_most_cents || cents > k_most_cents) {
        throw std::invalid_argument(
            "net and tax together must lie between -9999999999.99 and 9999999999.99");
    }
    return Amount(cents);
}

std::string Amount::to_string() const {
    const std::int64_t magnitude = m_cents < 0 ? -m_cents : m_cents;
    return fmt::format(FMT_COMPILE("{}{}.{:02}"), m_cents < 0 ? "-" : "", magnitude / 100,
                       magnitude % 100);
}

std::chrono::year_month_day parse_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
        throw std::invalid_argument(k_date_form);
    }
    const std::chrono::year year(static_cast<int>(date_part(text.substr(0, 4))));
    const std::chrono::month month(date_part(text.substr(5, 2)));
    const std::chrono::day day(date_part(text.substr(8, 2)));
    const std::chrono::year_month_day date = year / month / day;
    if (year < std::chrono::year(1) || !date.ok()) {
        throw std::invalid_argument("there is no such day");
    }
    return date;
}

std::string to_string(std::chrono::year_month_day date) {
    return fmt::format(FMT_COMPILE("{:04}-{:02}-{:02}"), static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

} // namespace ordercache
