#include "postgres/failure_text.hpp"

#include "base/uri.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <vector>

namespace ordercache {

namespace {

constexpr auto k_database_advice = "; set PG_DATABASE to use another database";
constexpr auto k_table_advice =
    "; set PG_DATABASE to use another database, or ORDERS_TABLE if the table is in a schema that "
    "the role's search_path does not name, or has another name, as in shop.\"Orders\"";
constexpr auto k_login_advice = "; check the user and the password in PG_SERVICE_URI or ~/.pgpass, "
                                "which must have mode 0600";
constexpr auto k_local_user_advice =
    "; check the user: over a local socket it may have to be the operating system's";
constexpr auto k_tls_advice = "; the server may require TLS: set sslmode=require";

/// PgBouncer has this SQLSTATE for everything. It writes only English.
constexpr auto k_protocol_violation = "08P01";
constexpr auto k_no_such_database = "3D000";

/// Bad data, a constraint, a view's check, an unhandled exception, a PL/pgSQL exception.
constexpr std::string_view k_rejections = "22 23 44 45 P0";

/// PostgreSQL's own, among the classes that the SQL standard leaves to others.
constexpr std::string_view k_failures = "53 54 55 57 58 72 HV XX";

/// The table has other columns, or columns of other types, or does not take the statement: 0A000
/// feature not supported; 42601 syntax error, as PostgreSQL 13 calls a column that is always
/// generated; 42701 duplicate column; 42703 undefined column; 42804 datatype mismatch; 42846 cannot
/// cast; 42809 wrong object type; 42883 undefined function, such as = of an integer and a uuid;
/// 42P02 undefined parameter, in a condition; 42P10 invalid column reference; 42P17 invalid object
/// definition, such as a rule that recurs; 428C9 a column that is always generated; 55000 object
/// not in prerequisite state, such as a view that takes no rows.
constexpr std::string_view k_another_table =
    "0A000 42601 42701 42703 42804 42846 42809 42883 42P02 42P10 42P17 428C9 55000";

/// In a line of libpq's, the server's words begin after this.
constexpr std::string_view k_failed = " failed: ";

/// Returns where the address ends in a line about a connection, or 0 if the line has none.
std::size_t end_of_address(std::string_view line) {
    const auto at = line.find(k_failed);
    return at == std::string_view::npos ? 0 : at + k_failed.size();
}

std::string first_line(std::string_view what) {
    return std::string(what.substr(0, what.find('\n')));
}

/// Returns the lines of a message, without empty ones and without libpq's advice, which begins with
/// a tab.
std::vector<std::string_view> lines_of(std::string_view message) {
    std::vector<std::string_view> lines = split(message, '\n');
    std::erase_if(lines, [](std::string_view line) {
        return line.empty() || line.starts_with('\t') || line.starts_with("LOCATION:  ");
    });
    return lines;
}

/// Takes `severity:  SQLSTATE: ` out of a line, with which the server's words begin. Returns the
/// SQLSTATE, or an empty text if there is none. The severity is in the server's language.
std::string take_sqlstate(std::string& line) {
    constexpr std::string_view end_of_severity = ":  ";
    constexpr std::size_t length = 5;
    const auto end = line.find(end_of_severity);
    const auto begin = end + end_of_severity.size();
    const auto address = end_of_address(line);
    const auto words = address < end ? address : 0; // the server may write ` failed: ` too
    if (end == std::string::npos || line.find(": ", begin) != begin + length) {
        return "";
    }
    std::string sqlstate = line.substr(begin, length);
    line.erase(words, begin + length + 2 - words);
    return sqlstate;
}

/// By the SQL standard, classes that begin with 5 to 9 or I to Z are free for the user's own.
bool rejects_the_order(const std::string& sqlstate) {
    const std::string state_class = sqlstate.substr(0, 2);
    const char first = state_class.empty() ? '0' : state_class.front();
    const bool is_users = (first >= '5' && first <= '9') || (first >= 'I' && first <= 'Z');
    return has(k_rejections, state_class) || (is_users && !has(k_failures, state_class));
}

/// Returns the customer that an order names but that does not exist, or an empty text if the
/// failure is another one.
std::string_view missing_customer(const SessionFailure& failure, const OrdersView& view) {
    const std::string key = fmt::format("({})=(", bare_name(view.customer));
    const std::string_view what = failure.what();
    const auto at = what.find(key);
    if (failure.sqlstate() != "23503" || at == std::string_view::npos) {
        return "";
    }
    const std::string_view rest = what.substr(at + key.size());
    const std::string_view line = rest.substr(0, rest.find('\n'));
    return line.substr(0, line.rfind(')')); // there may be another one in the id
}

/// Returns whether the text contains the name, but not as a part of a longer one. The quotes around
/// it depend on the server's language.
bool has_name(std::string_view text, std::string_view name) {
    const auto is_part_of_name = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
    };
    for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
        const std::string_view before = text.substr(0, at);
        const std::string_view after = text.substr(at + name.size());
        if ((before.empty() || !is_part_of_name(before.back())) &&
            (after.empty() || !is_part_of_name(after.front()))) {
            return true;
        }
    }
    return false;
}

/// Returns whether the table of orders does not exist.
bool is_missing(const SessionFailure& failure, const OrdersView& view) {
    return failure.sqlstate() == "42P01" && names_table(failure, view);
}

/// Returns the variable that may be wrong if the table is not as it must be.
const char* variable_of(const std::string& sqlstate, const OrdersView& view) {
    if (!view.condition.empty() && (sqlstate == "42601" || sqlstate == "42P02")) {
        return "ORDERS_WHERE";
    }
    return sqlstate == "42701" || sqlstate == "42703" ? "ORDERS_COLUMNS" : "ORDERS_TABLE";
}

} // namespace

bool has(std::string_view text, std::string_view piece) {
    return !piece.empty() && text.find(piece) != std::string_view::npos;
}

SessionFailure parse_failure(std::string_view message) {
    std::string what;
    std::string sqlstate;
    for (const std::string_view each : lines_of(message)) {
        std::string line(each);
        if (what.empty() || end_of_address(line) > 0) {
            const std::string found = take_sqlstate(line);
            sqlstate = found.empty() ? sqlstate : found;
        }
        what += line + '\n';
    }
    return {what, sqlstate};
}

bool names_table(const SessionFailure& failure, const OrdersView& view) {
    const std::string name = bare_name(view.table.substr(view.table.rfind('.') + 1));
    return has_name(first_line(failure.what()), name);
}

std::string reason_of_failure(const SessionFailure& failure, const OrdersView& view) {
    return first_line(failure.what()) + (is_missing(failure, view) ? k_table_advice : "");
}

Verdict judge(const SessionFailure& failure, const OrdersView& view) {
    const std::string& sqlstate = failure.sqlstate();
    const std::string reason = reason_of_failure(failure, view);
    if (is_missing(failure, view)) {
        return {ErrorKind::usage, reason};
    }
    if (const auto customer = missing_customer(failure, view); !customer.empty()) {
        return {ErrorKind::rejected, fmt::format("rejected: customer {} does not exist", customer)};
    }
    if (rejects_the_order(sqlstate)) {
        return {ErrorKind::rejected, "rejected: " + reason};
    }
    if (has(k_another_table, sqlstate)) {
        return {ErrorKind::usage, fmt::format("cannot use the table {}: {}; check {}", view.table,
                                              reason, variable_of(sqlstate, view))};
    }
    const bool forbids_transactions =
        sqlstate == k_protocol_violation && has(reason, "statement pooling");
    return {forbids_transactions ? ErrorKind::usage : ErrorKind::store_failed, reason};
}

NoConnection explain_no_connection(std::string_view message, Attempt attempt) {
    const SessionFailure failure = parse_failure(message);
    const std::string& sqlstate = failure.sqlstate();
    std::string reasons;
    for (const std::string_view line : lines_of(failure.what())) {
        if (!has(reasons, line)) {
            reasons += fmt::format("{}{}", reasons.empty() ? "" : "; ", line);
        }
    }
    const bool is_password =
        attempt.needs_password || sqlstate == "28P01" ||
        (sqlstate == k_protocol_violation && has(reasons, "authentication failed"));
    const bool is_database = sqlstate == k_no_such_database;
    const bool is_user = sqlstate == "28000";
    const char* const advice = is_database                       ? k_database_advice
                               : is_password                     ? k_login_advice
                               : is_user && attempt.is_local     ? k_local_user_advice
                               : is_user && attempt.declines_tls ? k_tls_advice
                                                                 : "";
    return {reasons + advice, is_password || is_database || sqlstate.starts_with("28")};
}

std::optional<std::string> refused_setting(std::string_view message) {
    std::string line(message.substr(0, message.find('\n')));
    const auto at = end_of_address(line);
    const bool is_other = line.starts_with("could not translate host name") ||
                          line.starts_with("could not create socket") ||
                          line.starts_with("out of memory");
    const std::string reason = line.substr(at);
    const bool is_about_setting =
        at > 0 ? reason.starts_with("invalid ") || reason.starts_with("keepalives ") : !is_other;
    if (!is_about_setting) {
        return std::nullopt;
    }
    const auto first = line.find('"');
    const auto last = line.rfind('"');
    return first == last ? line.substr(0, first) : line.replace(first + 1, last - first - 1, "…");
}

} // namespace ordercache
