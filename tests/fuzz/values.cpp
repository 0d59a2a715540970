// Dates, customers, amounts and durations: nothing is accepted but what has the contract's form,
// and what is accepted prints back to the same.

#include "base/order.hpp"
#include "base/seconds.hpp"
#include "base/uri.hpp"
#include "fuzzing.hpp"

#include <optional>
#include <regex>
#include <stdexcept>

namespace {

using namespace ordercache;

constexpr std::int64_t k_most_cents = 999'999'999'999;

/// Absent: refused.
template <typename Value>
std::optional<Value> understood(std::string_view text, Value (*parse)(std::string_view)) {
    try {
        return parse(text);
    } catch (const std::invalid_argument&) {
        return std::nullopt;
    }
}

bool has_form(const std::string& text, const std::regex& form) {
    return std::regex_match(text, form);
}

void check_date(const std::string& text) {
    static const std::regex form("[0-9]{4}-[0-9]{2}-[0-9]{2}");
    if (const auto date = understood(text, parse_date)) {
        require(has_form(text, form), "a date has its form");
        require(to_string(*date) == text, "a date prints back to the same");
    }
}

void check_customer(const std::string& text) {
    static const std::regex form("0*[1-9][0-9]{0,9}");
    if (const auto customer = understood(text, parse_customer)) {
        require(has_form(text, form), "a customer has its form");
        require(std::to_string(*customer) == text.substr(text.find_first_not_of('0')),
                "a customer prints back to the same");
    }
}

void check_amount(const std::string& text) {
    static const std::regex form(R"(-?[0-9]+(\.[0-9]{1,2})?)");
    if (const auto amount = understood(text, Amount::parse)) {
        require(has_form(text, form), "an amount has its form");
        require(std::abs(amount->cents()) <= k_most_cents, "an amount fits its column");
        require(Amount::parse(amount->to_string()) == *amount, "an amount prints back to the same");
    }
}

void check_sum(std::string_view one, std::string_view other) {
    const auto net = understood(one, Amount::parse);
    const auto tax = understood(other, Amount::parse);
    if (!net || !tax) {
        return;
    }
    const std::int64_t cents = net->cents() + tax->cents();
    try {
        require((*net + *tax).cents() == cents, "a sum is exact");
    } catch (const std::invalid_argument&) {
        require(std::abs(cents) > k_most_cents, "a sum that fits its column is given");
    }
}

void check_duration(const std::string& text) {
    static const std::regex form(R"([0-9]+(\.[0-9]{1,3})?)");
    if (const auto duration = parse_seconds(text)) {
        require(has_form(text, form), "a duration has its form");
        require(*duration <= k_longest_wait, "a duration is bounded");
        const auto count = duration->count();
        require(parse_seconds(fmt::format("{}.{:03}", count / 1000, count % 1000)) == duration,
                "a duration prints back to the same");
    }
}

} // namespace

FUZZER(values, input) {
    const std::string text(input);
    check_date(text);
    check_customer(text);
    check_amount(text);
    check_duration(text);
    const auto [one, other] = cut(input, '+');
    check_sum(one, other.value_or(""));
}
