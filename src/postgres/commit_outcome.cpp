#include "postgres/commit_outcome.hpp"

#include "base/error.hpp"
#include "base/signals.hpp"
#include "postgres/connection.hpp"
#include "postgres/order_insert.hpp"
#include "postgres/sql.hpp"
#include "postgres/view_sql.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <vector>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr auto k_outcome_pause = 200ms;
constexpr std::chrono::milliseconds k_time_after_signal = 5s;

bool g_commit_was_sent = false;

std::string status_sql(const OrdersView& view, bool has_order) {
    const auto is_found = sql_of("EXISTS (SELECT FROM {table} WHERE {order_id} = $2 "
                                 "AND xmin = $1::xid8::xid AND $3 IN ('', ({columns})::text))",
                                 view);
    return sql_of(sql::k_transaction_status, view,
                  fmt::arg("is_found", has_order ? is_found : "false"));
}

CommitEnd in_doubt(const PostgresConnection& connection, const InsertedOrder& last,
                   const std::string& why) {
    const std::string where =
        last.id.order ? sql_of("whether order {id} exists and reads {content}: SELECT "
                               "{order_id}, {columns} FROM {table} WHERE {order_id} = '{id}'",
                               connection.view(), fmt::arg("id", *last.id.order),
                               fmt::arg("content", last.content))
                      : fmt::format("whether an order reads {}", last.content);
    return {CommitOutcome::in_doubt,
            connection.failure(
                ErrorKind::in_doubt,
                fmt::format("{}, and it is not known whether transaction {} was committed; before "
                            "a retry, check {}",
                            why, last.id.transaction, where))};
}

/// Signals wait for a COMMIT's outcome. If the user set no limit, the first signal sets one.
bool has_passed(Deadline& deadline) {
    if (!deadline.left() && has_held_signal()) {
        deadline = Deadline::in(k_time_after_signal);
    }
    return deadline.passed();
}

/// Ends a wait at the deadline.
PostgresConnection::Tick end_at(Deadline& deadline) {
    return [&deadline] {
        if (has_passed(deadline)) {
            throw TimedOut{};
        }
    };
}

TransactionStatus ask_outcome(PostgresConnection& connection, const InsertedOrder& last,
                              Deadline& deadline) {
    try {
        return connection.ask(
            [last](PostgresSession& session) { return status_of(session, last.id, last.content); },
            end_at(deadline), Signals::wait);
    } catch (const Error&) {
        return TransactionStatus::in_progress; // the server may be back soon
    }
}

/// The connection broke after COMMIT was sent. Asks on another one until the deadline.
CommitEnd learn_outcome(PostgresConnection& connection, const InsertedOrder& last,
                        Deadline& deadline) {
    do {
        const auto status = ask_outcome(connection, last, deadline);
        if (status == TransactionStatus::committed) {
            return {CommitOutcome::committed, std::nullopt};
        }
        if (status == TransactionStatus::aborted && !last.may_be_remote) {
            return {CommitOutcome::server_lost,
                    connection.failure(ErrorKind::store_failed,
                                       "the connection broke before the COMMIT was done")};
        }
        if (status != TransactionStatus::in_progress) {
            break;
        }
        std::this_thread::sleep_for(k_outcome_pause);
    } while (!has_passed(deadline));
    return in_doubt(connection, last, "the connection broke during COMMIT");
}

/// An error in reply to COMMIT means a rollback, unless a foreign server takes part, which commits
/// first.
CommitEnd commit_once(PostgresConnection& connection, const InsertedOrder& last) {
    Deadline deadline = connection.deadline();
    const bool is_limited = deadline.left().has_value();
    try {
        const auto end = connection.send_commit(end_at(deadline));
        if (!end) {
            return learn_outcome(connection, last, deadline);
        }
        return end->outcome == CommitOutcome::rolled_back && last.may_be_remote
                   ? in_doubt(connection, last,
                              fmt::format("COMMIT failed ({})", end->error->what()))
                   : *end;
    } catch (const TimedOut&) {
        return in_doubt(connection, last,
                        is_limited ? "COMMIT was not answered within --timeout"
                                   : "COMMIT was not answered before a signal came");
    }
}

} // namespace

TransactionStatus status_of(PostgresSession& session, const WriteId& write,
                            const std::string& content) {
    std::vector<std::string> values = {std::to_string(write.transaction)};
    if (write.order) {
        values.insert(values.end(), {*write.order, content});
    }
    const Row row = session.run(status_sql(*session.view, write.order.has_value()), values).only();
    const std::string& status = row.text("status");
    return status == "committed"     ? TransactionStatus::committed
           : status == "aborted"     ? TransactionStatus::aborted
           : status == "in progress" ? TransactionStatus::in_progress
                                     : TransactionStatus::unknown;
}

CommitEnd commit_and_learn_outcome(PostgresConnection& connection, const InsertedOrder& last) {
    // Made before COMMIT is sent, since memory may run out later.
    CommitEnd unforeseen = in_doubt(connection, last, "the program failed during COMMIT");
    g_commit_was_sent = true;
    try {
        return commit_once(connection, last);
    } catch (const std::exception&) {
        return unforeseen;
    }
}

bool commit_was_sent() {
    return g_commit_was_sent;
}

} // namespace ordercache
