#include "postgres/follow_statements.hpp"

#include "postgres/failure_text.hpp"
#include "postgres/follow_sql.hpp"
#include "postgres/sql.hpp"
#include "postgres/view_check.hpp"
#include "postgres/view_sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ordercache {

namespace {

/// How many rows of a poll are read at once.
constexpr std::size_t k_piece = 5000;

std::string fetch_sql() {
    return fmt::format("FETCH {} FROM poll", k_piece);
}

/// How the follower's transactions begin. Each statement takes its own snapshot. A crash empties
/// the tables that they change, so their COMMIT need not wait for the disk or for a standby.
constexpr auto k_begin =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = off; ";

/// Writers in flight hold a lock on the table, and others would wait behind this one.
constexpr auto k_truncate = "SET LOCAL lock_timeout = '20ms'; TRUNCATE {schema}.change";

/// The total is not known from then on.
constexpr auto k_enter_total = "INSERT INTO {schema}.total DEFAULT VALUES ON CONFLICT (is_only) "
                               "DO UPDATE SET tables = '', version = total.version + 1";

/// Nothing is corrected if it was corrected since the count, or changed by an unknown number.
constexpr auto k_correct_total =
    "UPDATE {schema}.total SET orders = orders + {missing}, tables = {tables}, "
    "version = version + 1 WHERE version = {version}";

/// A cursor keeps the memory of both sides small, however much others write at once.
constexpr auto k_open_poll =
    "DECLARE poll NO SCROLL CURSOR FOR SELECT * FROM {schema}.poll({table_name}); ";

constexpr auto k_is_of_view =
    "SELECT (customer, type, condition) = ({customers}) AS is_ours FROM {schema}.view()";

constexpr auto k_lock_not_available = "55P03";

/// A standby has no unlogged tables. To all other writes it answers that it is read-only.
constexpr std::string_view k_feature_not_supported = "0A000";
constexpr auto k_read_only_transaction = "25006";

/// A schema, function, table or column is missing, or the role has no right to it.
constexpr std::array<std::string_view, 5> k_not_installed = {"3F000", "42883", "42P01", "42703",
                                                             "42501"};

void check_version(PostgresSession& session) {
    const OrdersView& view = *session.view;
    const std::int64_t version =
        session.run(sql_of("SELECT {schema}.version() AS version", view)).only().number("version");
    if (version != k_follow_version) {
        throw NotSetUp(fmt::format("the database is set up for version {} of --follow, and this "
                                   "ordercache is of version {}",
                                   version, k_follow_version));
    }
    if (!session.run(sql_of(k_is_of_view, view, fmt::arg("customers", customers_sql(view))))
             .only()
             .flag("is_ours")) {
        throw NotSetUp("the database is set up for other values of ORDERS_COLUMNS, ORDERS_WHERE or "
                       "ORDERS_CUSTOMER_TYPE");
    }
}

/// Returns whether the connection is not shared. Behind a pooler, the settings and locks of a
/// session would stay with a connection that other programs get next.
bool has_session_of_its_own(PostgresSession& session) {
    return session.answering_process() == session.server_process();
}

/// Returns false if another follower has the lock.
bool lock(PostgresSession& session) {
    return !has_session_of_its_own(session) ||
           session.run(follow_sql(sql::k_lock_session, *session.view)).only().flag("is_ours");
}

/// Returns nullopt, and rolls back, if others kept a lock for longer than the statements wait.
std::optional<Rows> run_unless_locked(PostgresSession& session, const std::string& sql) {
    try {
        return session.run(sql);
    } catch (const SessionFailure& failed) {
        if (failed.sqlstate() != k_lock_not_available) {
            throw;
        }
        session.roll_back();
        return std::nullopt;
    }
}

/// Returns nullopt if another follower has the lock.
std::optional<FollowerTokens> take_lock(PostgresSession& session) {
    const auto rows =
        run_unless_locked(session, k_begin + follow_sql(sql::k_take_over, *session.view));
    if (!rows) {
        return std::nullopt;
    }
    FollowerTokens tokens{rows->only().text("token"), rows->only().text("former")};
    session.run("COMMIT");
    return tokens;
}

/// If the table of changes cannot be emptied at once, a poll that nobody reads moves them into the
/// known total.
void forget_changes(PostgresSession& session) {
    const OrdersView& view = *session.view;
    if (!run_unless_locked(session, k_begin + sql_of(k_truncate, view))) {
        session.run(k_begin + sql_of("SELECT count(*) FROM {schema}.poll({table_name})", view));
    }
    session.run(sql_of(k_enter_total, view));
    session.run("COMMIT");
}

/// Leaves out an id that the program does not take: no count of it is cached.
void add_customer(const std::string& text, CustomerType type, PollAnswer& answer) {
    if (const auto customer = known_customer(text, type)) {
        answer.changes.scopes.push_back(Scope{customer});
    }
}

void add(const Row& row, const OrdersView& view, PollAnswer& answer) {
    const std::string& kind = row.text("kind");
    if (kind == "busy") {
        answer.is_busy = true;
    } else if (kind == "full") {
        answer.is_full = true;
    } else if (kind == "transaction") {
        answer.changes.transactions.push_back(
            {static_cast<TransactionId>(row.number("subject")), row.number("amount")});
    } else if (kind == "total") {
        answer.changes.scopes.push_back(k_all_orders);
    } else if (kind == "customer") {
        add_customer(row.text("subject"), view.customer_type, answer);
    } else if (kind == "follower") {
        answer.token = row.text("subject");
    } else if (kind == "prepared") {
        answer.prepared.insert(row.text("subject"));
    } else if (kind == "unnoted") {
        answer.unnoted.insert(row.text("subject"));
    } else if (kind == "tables") {
        answer.tables = row.text("subject");
        answer.bytes = row.number("amount");
    } else if (kind == "uncounted") {
        answer.must_count = true;
    } else if (kind == "missing") {
        answer.unfit = fmt::format("changes of {} are not noted", row.text("subject"));
    } else if (kind == "stray") {
        answer.unfit = fmt::format("changes of {} are noted, which is not a part of {}",
                                   row.text("subject"), view.table);
    }
}

PollAnswer answer_of(const Rows& rows, const OrdersView& view) {
    PollAnswer answer;
    answer.is_last = rows.size() < k_piece;
    for (const Row& row : rows) {
        add(row, view, answer);
    }
    return answer;
}

void correct_total(PostgresSession& session) {
    const OrdersView& view = *session.view;
    const Row row = run_count(session, sql_of(sql::k_missing_total, view,
                                              fmt::arg("count_rows", count_rows_sql(view))))
                        .only();
    if (!row.is_null("tables")) {
        session.run(sql_of(k_correct_total, view, fmt::arg("missing", row.number("missing")),
                           fmt::arg("tables", sql_literal(row.text("tables"))),
                           fmt::arg("version", row.number("version"))));
    }
}

} // namespace

std::optional<FollowerTokens> take_over(PostgresSession& session) {
    check_version(session);
    if (!lock(session)) {
        return std::nullopt;
    }
    auto tokens = take_lock(session);
    if (tokens) {
        forget_changes(session);
    }
    return tokens;
}

/// If nothing changed, the transaction ends here, and not in another thread.
PollAnswer first_piece(PostgresSession& session) {
    PollAnswer answer = answer_of(
        session.run(k_begin + sql_of(k_open_poll, *session.view) + fetch_sql()), *session.view);
    if (!answer.is_busy && answer.tables.empty()) {
        throw UnexpectedReply("a poll does not begin with the tables");
    }
    if (!answer.is_open()) {
        session.run("COMMIT");
    }
    return answer;
}

/// What is written, noted or folded meanwhile changes both sides of the comparison alike, so what
/// is missing can be added later.
void count_anew(PostgresSession& session, const std::string& token) {
    const Rows begun = session.run(
        k_begin + sql_of(sql::k_begin_count, *session.view, fmt::arg("token", sql_literal(token))));
    if (begun.only().flag("may_count")) {
        correct_total(session);
    }
    session.run("COMMIT");
}

void explain_not_set_up(const SessionFailure& failure) {
    if (failure.sqlstate() == k_feature_not_supported) {
        throw SessionFailure("it is a standby, which notes no changes: name the primary in "
                             "PG_SERVICE_URI",
                             k_read_only_transaction);
    }
    if (std::ranges::find(k_not_installed, failure.sqlstate()) != k_not_installed.end()) {
        throw NotSetUp(fmt::format("the database is not set up for --follow, or this role has not "
                                   "all the rights that the GRANTs in its SQL give: {}",
                                   reason_of_failure(failure)));
    }
}

PollAnswer next_piece(PostgresSession& session) {
    return answer_of(session.run(fetch_sql()), *session.view);
}

} // namespace ordercache
