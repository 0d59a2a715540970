#include "postgres/failure_text.hpp"

#include "base/uri.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <vector>

namespace ordercache {

namespace {

constexpr std::string_view k_foreign_key_violation = "23503";
constexpr std::string_view k_no_such_database = "3D000";
constexpr std::string_view k_undefined_table = "42P01";
constexpr std::string_view k_protocol_violation = "08P01";
constexpr auto k_database_advice = "; set PG_DATABASE to use another database";
constexpr auto k_table_advice =
    "; set PG_DATABASE to use another database; the table may also be in a schema that the role's "
    "search_path does not name, or be called \"Orders\"";
constexpr auto k_login_advice = "; check the user and the password in PG_SERVICE_URI or ~/.pgpass, "
                                "which must have mode 0600";
constexpr auto k_local_user_advice =
    "; check the user: over a local socket it may have to be the system's own";
constexpr auto k_tls_advice = "; the server may want TLS: set sslmode=require";

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

template <typename Number>
std::optional<Number> leading_number(std::string_view text) {
    Number number{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc{} ? std::optional(number) : std::nullopt;
}

bool names(std::string_view reason, std::string_view name) {
    return !name.empty() && reason.find(name) != std::string_view::npos;
}

/// The lines of a message, without the empty ones and libpq's advice, which a tab begins.
std::vector<std::string_view> lines_of(std::string_view message) {
    std::vector<std::string_view> lines = split(message, '\n');
    std::erase_if(lines, [](std::string_view line) {
        return line.empty() || line.starts_with('\t') || line.starts_with("LOCATION:  ");
    });
    return lines;
}

/// What the server says in a line of libpq's begins behind this.
constexpr std::string_view k_failed = " failed: ";

/// Takes the SQLSTATE out of `severity:  SQLSTATE: message`, in a connection's failure behind the
/// address. Returns it, or nothing if there is none.
std::string take_sqlstate(std::string& line) {
    constexpr std::string_view end_of_severity = ":  ";
    constexpr std::size_t length = 5;
    const auto at = line.find(end_of_severity);
    const auto begin = at + end_of_severity.size();
    if (at == std::string::npos || line.find(": ", begin) != begin + length) {
        return "";
    }
    std::string sqlstate = line.substr(begin, length);
    line.erase(begin, length + 2);
    return sqlstate;
}

/// PgBouncer, which speaks English alone, has one SQLSTATE for everything.
bool is_refused_by_pgbouncer(const NoConnection& failure) {
    return failure.sqlstate() == k_protocol_violation &&
           names(failure.what(), "authentication failed");
}

std::string_view advice_for(const NoConnection& failure) {
    const std::string& sqlstate = failure.sqlstate();
    const auto& cause = failure.cause();
    if (sqlstate == k_no_such_database) {
        return k_database_advice;
    }
    if (sqlstate == "28P01" || cause.needs_password || is_refused_by_pgbouncer(failure)) {
        return k_login_advice;
    }
    if (sqlstate == "28000" && cause.is_local) {
        return k_local_user_advice;
    }
    if (sqlstate == "28000" && cause.declines_tls) {
        return k_tls_advice;
    }
    return "";
}

} // namespace

SessionFailure parse_failure(std::string_view message) {
    std::string what;
    std::string sqlstate;
    for (const std::string_view each : lines_of(message)) {
        std::string line(each);
        const bool is_first = what.empty();
        if (is_first || line.find(k_failed) != std::string::npos) {
            const std::string found = take_sqlstate(line);
            sqlstate = found.empty() ? sqlstate : found;
        }
        what += line + '\n';
    }
    return {what, sqlstate};
}

bool is_about_settings(std::string_view message) {
    constexpr std::array<std::string_view, 3> others = {"could not translate host name",
                                                        "could not create socket", "out of memory"};
    const std::string_view line = message.substr(0, message.find('\n'));
    const auto at = line.find(k_failed);
    return at == std::string_view::npos
               ? std::ranges::none_of(others, [&](auto other) { return line.starts_with(other); })
               : line.substr(at + k_failed.size()).starts_with("invalid ");
}

std::string without_values(std::string_view message) {
    std::string line(message.substr(0, message.find('\n')));
    const auto first = line.find('"');
    const auto last = line.rfind('"');
    return first == last ? line.substr(0, first) : line.replace(first + 1, last - first - 1, "…");
}

bool rejects_the_order(const SessionFailure& failure) {
    // Bad data, a constraint, a view's check, an unhandled exception, a PL/pgSQL exception.
    constexpr std::array<std::string_view, 5> rejections = {"22", "23", "44", "45", "P0"};
    // PostgreSQL's own, among those that the SQL standard leaves to others.
    constexpr std::array<std::string_view, 8> failures = {"53", "54", "55", "57",
                                                          "58", "72", "HV", "XX"};
    const std::string state_class = failure.sqlstate().substr(0, 2);
    const char first = state_class.empty() ? '0' : state_class.front();
    const bool is_users = (first >= '5' && first <= '9') || (first >= 'I' && first <= 'Z');
    const auto has = [&](const auto& classes) {
        return std::ranges::find(classes, state_class) != classes.end();
    };
    return has(rejections) || (is_users && !has(failures));
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
    return first_line(failure.what());
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

bool forbids_transactions(const SessionFailure& failure) {
    return failure.sqlstate() == k_protocol_violation && names(failure.what(), "statement pooling");
}

std::string reason_of_failure(const SessionFailure& failure) {
    const std::string reason = first_line(failure.what());
    const bool has_no_orders = failure.sqlstate() == k_undefined_table && names(reason, "orders");
    return has_no_orders ? reason + k_table_advice : reason;
}

bool refuses_login(const NoConnection& failure) {
    const std::string& sqlstate = failure.sqlstate();
    return sqlstate.starts_with("28") || sqlstate == k_no_such_database ||
           failure.cause().needs_password || is_refused_by_pgbouncer(failure);
}

std::string reason_of_no_connection(const NoConnection& failure) {
    std::string reasons;
    for (const std::string_view line : lines_of(failure.what())) {
        const auto behind_address = line.find(k_failed);
        const auto at =
            behind_address == std::string_view::npos ? 0 : behind_address + k_failed.size();
        const std::string reason =
            std::string(line.substr(0, at)) + std::string(without_severity(line.substr(at)));
        if (reasons.find(reason) == std::string::npos) {
            reasons += (reasons.empty() ? "" : "; ") + reason;
        }
    }
    return reasons.append(advice_for(failure));
}

} // namespace ordercache
