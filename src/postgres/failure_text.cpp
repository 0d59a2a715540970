#include "postgres/failure_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>

namespace ordercache {

namespace {

constexpr std::string_view k_foreign_key_violation = "23503";
constexpr std::string_view k_undefined_table = "42P01";
constexpr auto k_advice = "; set PG_DATABASE to use another database";
constexpr auto k_login_advice = "; check the user and the password in PG_SERVICE_URI or ~/.pgpass";

/// The severity is one word of the server's language, as in `ERROR:  ` or `FEHLER:  `.
std::string_view without_severity(std::string_view line) {
    constexpr std::string_view end = ":  ";
    const auto at = line.find(end);
    const bool is_one_word = at != std::string_view::npos && line.find(' ') > at;
    return is_one_word ? line.substr(at + end.size()) : line;
}

std::string first_line(std::string_view what) {
    return std::string(without_severity(what.substr(0, what.find('\n'))));
}

/// What follows the address in a line of libpq's.
std::string_view without_address(std::string_view line) {
    constexpr std::string_view failed = " failed: ";
    const auto at = line.find(failed);
    return at == std::string_view::npos ? line : line.substr(at + failed.size());
}

template <typename Number>
std::optional<Number> leading_number(std::string_view text) {
    Number number{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc{} ? std::optional(number) : std::nullopt;
}

/// The CONTEXT of a COPY tells the line, after a word of the server's language:
/// `COPY orders, line 3, column tax`.
std::optional<std::int64_t> place_in_copy(std::string_view what) {
    constexpr std::string_view context = "COPY orders, ";
    const auto at = what.find(context);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view line = what.substr(at + context.size());
    return leading_number<std::int64_t>(line.substr(std::min(line.find(' '), line.size() - 1) + 1));
}

bool names(std::string_view reason, std::string_view name) {
    return !name.empty() && reason.find(name) != std::string_view::npos;
}

/// No SQLSTATE comes with a failed login. libpq speaks English here; a server may not, and then
/// the advice is left out.
bool is_failed_login(std::string_view reasons) {
    return names(reasons, "authentication failed") || names(reasons, "no password supplied");
}

} // namespace

bool rejects_the_order(const SessionFailure& failure) {
    // Bad data, a constraint, a view's check, a trigger's exception.
    constexpr std::array<std::string_view, 4> classes = {"22", "23", "44", "P0"};
    return std::ranges::find(classes, failure.sqlstate().substr(0, 2)) != classes.end();
}

std::optional<CustomerId> missing_customer(const SessionFailure& failure) {
    constexpr std::string_view key = "(customerid)=(";
    const std::string_view what = failure.what();
    const auto at = what.find(key);
    if (failure.sqlstate() != k_foreign_key_violation || at == std::string_view::npos) {
        return std::nullopt;
    }
    return leading_number<CustomerId>(what.substr(at + key.size()));
}

std::string reason_of_rejection(const SessionFailure& failure) {
    const std::string reason = first_line(failure.what());
    const auto place = place_in_copy(failure.what());
    return place ? fmt::format("{} (order {} of the file)", reason, *place) : reason;
}

bool finds_another_table(const SessionFailure& failure) {
    constexpr std::array<std::string_view, 11> states = {
        "0A000", // feature not supported, such as a COPY under row security
        "42601", // syntax error: so PostgreSQL 13 calls a column that is always generated
        "42703", // undefined column
        "42804", // datatype mismatch
        "42846", // cannot cast, such as a uuid to an integer
        "42809", // wrong object type, such as a view
        "42883", // undefined function, such as = of an integer and a uuid
        "42P10", // invalid column reference, such as a COPY to one that is generated
        "42P17", // invalid object definition, such as a rule that recurs
        "428C9", // a column that is always generated
        "55000", // object not in prerequisite state, such as a view that takes no rows
    };
    return std::ranges::find(states, failure.sqlstate()) != states.end();
}

std::string reason_of_failure(const SessionFailure& failure) {
    const std::string reason = first_line(failure.what());
    const bool has_no_orders = failure.sqlstate() == k_undefined_table && names(reason, "orders");
    return has_no_orders ? reason + k_advice : reason;
}

std::string reason_of_no_connection(const SessionFailure& failure, std::string_view database) {
    std::string_view what = failure.what();
    std::string reasons;
    while (!what.empty()) {
        const std::string_view line = what.substr(0, what.find('\n'));
        what.remove_prefix(std::min(line.size() + 1, what.size()));
        if (line.empty() || line.front() == '\t') { // a tab begins libpq's advice
            continue;
        }
        const auto reason = without_severity(without_address(line));
        if (reasons.find(reason) == std::string::npos) {
            reasons += fmt::format("{}{}", reasons.empty() ? "" : "; ", reason);
        }
    }
    if (is_failed_login(reasons)) {
        return reasons + k_login_advice;
    }
    return names(reasons, database) ? reasons + k_advice : reasons;
}

} // namespace ordercache
