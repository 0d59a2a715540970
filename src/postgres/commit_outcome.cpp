#include "postgres/commit_outcome.hpp"

#include "base/error.hpp"
#include "base/signals.hpp"
#include "postgres/connection.hpp"
#include "postgres/order_row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <thread>
#include <vector>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr auto k_outcome_pause = 200ms;
constexpr std::chrono::milliseconds k_time_after_signal = 5s;

/// A standby lags and cannot tell. A server that crashed, or took over from one that did, may have
/// lost the transaction altogether and be about to give its id away again: to ask for the status of
/// such an id is an error, hence the comparison with a new one.
constexpr auto k_transaction_status = R"sql(
SELECT CASE WHEN pg_is_in_recovery() THEN 'in progress'
            WHEN $1::xid8 < pg_current_xact_id() THEN pg_xact_status($1::xid8)
            ELSE 'aborted' END AS status)sql";

TransactionStatus look_up_outcome(PostgresSession& session, const WriteId& write) {
    if (write.order && write.is_as_sent && is_visible(session, write)) {
        return TransactionStatus::committed;
    }
    const auto status = transaction_status(session, k_transaction_status, write.transaction);
    const bool is_missing =
        status == TransactionStatus::committed && write.order && !is_visible(session, write);
    return is_missing ? TransactionStatus::unknown : status;
}

Error in_doubt(const PostgresConnection& connection, const WriteId& write, const std::string& why) {
    return connection.failure(
        ErrorKind::in_doubt,
        fmt::format("{}, and whether it is done is not known; look before a retry: "
                    "SELECT pg_xact_status('{}')",
                    why, write.transaction));
}

/// Signals wait for a COMMIT's outcome. Where the user set no limit nothing else would end that
/// wait: the first signal gives it a while yet.
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

    /// For a wait, which it ends when it is over.
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

TransactionStatus ask_outcome(PostgresConnection& connection, const WriteId& write,
                              OutcomeDeadline& deadline) {
    try {
        return connection.ask(
            [write](PostgresSession& session) { return look_up_outcome(session, write); },
            deadline.tick(), Signals::wait);
    } catch (const Error&) {
        return TransactionStatus::in_progress; // the server may be back soon
    }
}

/// The connection broke after COMMIT was sent. Asks on another one what became of it for as long
/// as the deadline allows; throws unless it is committed.
void learn_outcome(PostgresConnection& connection, const WriteId& write,
                   OutcomeDeadline& deadline) {
    constexpr auto why = "the connection broke during COMMIT";
    do {
        switch (ask_outcome(connection, write, deadline)) {
        case TransactionStatus::committed:
            return;
        case TransactionStatus::aborted:
            throw connection.failure(ErrorKind::store_failed,
                                     "the connection broke before the COMMIT was done");
        case TransactionStatus::unknown:
            throw in_doubt(connection, write, why);
        case TransactionStatus::in_progress:
            std::this_thread::sleep_for(k_outcome_pause);
        }
    } while (!deadline.has_passed());
    throw in_doubt(connection, write, why);
}

} // namespace

bool is_visible(PostgresSession& session, const WriteId& write) {
    constexpr std::uint64_t epoch = std::uint64_t{1} << 32U;
    std::string sql = "SELECT FROM orders WHERE orderid = $1";
    std::vector<std::string> values = {*write.order};
    if (write.is_as_sent) {
        sql += " AND xmin = $2::xid";
        values.push_back(std::to_string(write.transaction % epoch));
        if (write.content) {
            sql +=
                fmt::format(" AND ({}) = ($3, $4, $5, $6, $7)", fmt::join(order_columns(), ", "));
            std::ranges::copy(order_row(*write.content), std::back_inserter(values));
        }
    }
    return !session.run(sql, values).empty();
}

TransactionStatus transaction_status(PostgresSession& session, const std::string& sql,
                                     TransactionId transaction) {
    const Rows rows = session.run(sql, {std::to_string(transaction)});
    const Row row = rows.only();
    if (row.is_null("status")) {
        return TransactionStatus::unknown;
    }
    const std::string& status = row.text("status");
    return status == "committed" ? TransactionStatus::committed
           : status == "aborted" ? TransactionStatus::aborted
                                 : TransactionStatus::in_progress;
}

void commit(PostgresConnection& connection, const WriteId& write) {
    OutcomeDeadline deadline(connection);
    switch (connection.commit(deadline.tick())) {
    case CommitEnd::answered:
        return;
    case CommitEnd::timed_out:
        throw in_doubt(connection, write,
                       deadline.is_interrupted() ? "COMMIT was not answered before a signal came"
                                                 : "COMMIT was not answered within --timeout");
    case CommitEnd::connection_lost:
        learn_outcome(connection, write, deadline);
    }
}

} // namespace ordercache
