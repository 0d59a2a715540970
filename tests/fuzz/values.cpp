// Dates, customers, amounts and durations: nothing is accepted but what has the contract's form,
// and what is accepted prints back to the same.

#include "base/order.hpp"
#include "base/seconds.hpp"
#include "base/uri.hpp"
#include "fuzzing.hpp"

#include <algorithm>
#include <cctype>
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

std::string without_zeros(const std::string& text) {
    return text.substr(text.find_first_not_of('0'));
}

std::string in_lower_case(const std::string& text) {
    std::string lower = text;
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower;
}

std::string as_it_is(const std::string& text) {
    return text;
}

/// `canonical` writes what is accepted in its one form.
void check_customer(const std::string& text, CustomerType type, const std::regex& form,
                    std::string (*canonical)(const std::string&)) {
    try {
        const CustomerId customer = parse_customer(text, type);
        require(has_form(text, form), "a customer has its form");
        require(customer.text == canonical(text), "a customer has one form");
        require(known_customer(customer.text, type) == customer,
                "a customer is read again as it was");
    } catch (const std::invalid_argument&) {
        require(!known_customer(text, type), "what is refused is no customer's");
    }
}

void check_customers(const std::string& text) {
    static const std::regex integer("0*[1-9][0-9]{0,18}");
    static const std::regex uuid("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}");
    static const std::regex any(R"([^\x00-\x1F\x7F{}]{1,200})");
    check_customer(text, CustomerType::integer, integer, without_zeros);
    check_customer(text, CustomerType::uuid, uuid, in_lower_case);
    check_customer(text, CustomerType::text, any, as_it_is);
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
    check_customers(text);
    check_amount(text);
    check_duration(text);
    const auto [one, other] = cut(input, '+');
    check_sum(one, other.value_or(""));
}
