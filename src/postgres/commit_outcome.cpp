#include "postgres/commit_outcome.hpp"

#include "base/error.hpp"
#include "base/signals.hpp"
#include "postgres/connection.hpp"
#include "postgres/order_row.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <thread>
#include <vector>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr auto k_outcome_pause = 200ms;
constexpr std::chrono::milliseconds k_time_after_signal = 5s;

bool g_commit_was_sent = false;

/// A standby lags and cannot tell. A server that crashed, or took over from one that did, may have
/// lost the transaction and not yet given its id away again. A transaction that a snapshot does not
/// see yet is in progress, whatever its status says: its row is looked for in that snapshot. A view
/// has no xmin: there the name means the outer one, which is NULL.
std::string status_sql(bool has_order, bool has_content) {
    return fmt::format(
        R"sql(
SELECT CASE WHEN pg_is_in_recovery() THEN 'in progress'
            WHEN $1::xid8 >= pg_current_xact_id() THEN 'aborted'
            WHEN NOT pg_visible_in_snapshot($1::xid8, pg_current_snapshot()) THEN 'in progress'
            WHEN {} THEN 'committed'
            WHEN pg_xact_status($1::xid8) = 'aborted' THEN 'aborted'
            ELSE 'unknown' END AS status
FROM (SELECT NULL::xid AS xmin) AS without_system_columns)sql",
        !has_order
            ? "false"
            : fmt::format("EXISTS (SELECT FROM orders WHERE orderid = $2 "
                          "AND xmin = $1::xid8::xid{})",
                          has_content ? fmt::format(" AND ({})::text = $3", k_order_columns) : ""));
}

CommitEnd in_doubt(const PostgresConnection& connection, const Written& written,
                   const std::string& why) {
    const std::string where =
        written.id.order
            ? fmt::format("whether order {0} is there and reads {1}: SELECT orderid, {2} FROM "
                          "orders WHERE orderid = '{0}'",
                          *written.id.order, written.content, k_order_columns)
            : fmt::format("for an order that reads {}", written.content);
    return {CommitOutcome::in_doubt,
            connection.failure(
                ErrorKind::in_doubt,
                fmt::format("{}, and whether transaction {} is committed is not known; before a "
                            "retry look {}",
                            why, written.id.transaction, where))};
}

/// Signals wait for a COMMIT's outcome. If the user set no limit, the first signal sets one.
class OutcomeDeadline {
public:
    explicit OutcomeDeadline(const PostgresConnection& connection)
        : m_has_limit(connection.has_limit()), m_deadline(connection.deadline()) {}

    bool has_passed() {
        if (!m_has_limit && !m_is_interrupted && has_held_signal()) {
            m_is_interrupted = true;
            m_deadline = Deadline::in(k_time_after_signal);
        }
        return m_deadline.passed();
    }

    bool is_interrupted() const { return m_is_interrupted; }

    /// Ends a wait when the deadline has passed.
    PostgresConnection::Tick tick() {
        return [this] {
            if (has_passed()) {
                throw TimedOut{};
            }
        };
    }

private:
    bool m_has_limit;
    bool m_is_interrupted = false;
    Deadline m_deadline;
};

TransactionStatus ask_outcome(PostgresConnection& connection, const Written& written,
                              OutcomeDeadline& deadline) {
    try {
        return connection.ask(
            [written](PostgresSession& session) {
                return status_of(session, written.id, written.content);
            },
            deadline.tick(), Signals::wait);
    } catch (const Error&) {
        return TransactionStatus::in_progress; // the server may be back soon
    }
}

/// The connection broke after COMMIT was sent. Asks on another one until the deadline.
CommitEnd learn_outcome(PostgresConnection& connection, const Written& written,
                        OutcomeDeadline& deadline) {
    constexpr auto why = "the connection broke during COMMIT";
    do {
        const auto status = ask_outcome(connection, written, deadline);
        if (status == TransactionStatus::committed) {
            return {CommitOutcome::committed, std::nullopt};
        }
        if (status == TransactionStatus::aborted && !written.may_be_remote) {
            return {CommitOutcome::server_lost,
                    connection.failure(ErrorKind::store_failed,
                                       "the connection broke before the COMMIT was done")};
        }
        if (status != TransactionStatus::in_progress) {
            break;
        }
        std::this_thread::sleep_for(k_outcome_pause);
    } while (!deadline.has_passed());
    return in_doubt(connection, written, why);
}

/// An error in answer to COMMIT means a rollback, but for a foreign server, which commits first.
CommitEnd refused(const PostgresConnection& connection, const Written& written,
                  const Error& error) {
    return written.may_be_remote
               ? in_doubt(connection, written, fmt::format("COMMIT failed ({})", error.what()))
               : CommitEnd{CommitOutcome::rolled_back, error};
}

CommitEnd send_commit(PostgresConnection& connection, const Written& written) {
    OutcomeDeadline deadline(connection);
    const CommitReply reply = connection.commit(deadline.tick());
    switch (reply.kind) {
    case CommitReply::Kind::committed:
        return {CommitOutcome::committed, std::nullopt};
    case CommitReply::Kind::refused:
        return refused(connection, written, *reply.error);
    case CommitReply::Kind::not_sent:
        return {CommitOutcome::server_lost, reply.error};
    case CommitReply::Kind::timed_out:
        return in_doubt(connection, written,
                        deadline.is_interrupted() ? "COMMIT was not answered before a signal came"
                                                  : "COMMIT was not answered within --timeout");
    case CommitReply::Kind::connection_lost:
        break;
    }
    return learn_outcome(connection, written, deadline);
}

} // namespace

TransactionStatus status_of(PostgresSession& session, const WriteId& write,
                            const std::optional<std::string>& content) {
    std::vector<std::string> values = {std::to_string(write.transaction)};
    if (write.order) {
        values.push_back(*write.order);
        if (content) {
            values.push_back(*content);
        }
    }
    const Rows rows = session.run(status_sql(write.order.has_value(), content.has_value()), values);
    const std::string& status = rows.only().text("status");
    return status == "committed"     ? TransactionStatus::committed
           : status == "aborted"     ? TransactionStatus::aborted
           : status == "in progress" ? TransactionStatus::in_progress
                                     : TransactionStatus::unknown;
}

CommitEnd commit(PostgresConnection& connection, const Written& written) {
    // Written before COMMIT is sent: there may be no memory for it later.
    const CommitEnd unforeseen = in_doubt(connection, written, "the program failed during COMMIT");
    g_commit_was_sent = true;
    try {
        return send_commit(connection, written);
    } catch (const std::exception&) {
        return unforeseen;
    }
}

bool commit_was_sent() {
    return g_commit_was_sent;
}

} // namespace ordercache
