#include "postgres/change_feed.hpp"

#include "postgres/failure_text.hpp"
#include "postgres/follow_sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace ordercache {

namespace {

/// The version of follow_sql.hpp that this reads.
constexpr std::int64_t k_version = 1;

/// Where the table of changes has grown by so much, it is emptied: dead rows make polls slow.
constexpr std::int64_t k_growth = 16 << 20;

/// A follower that hangs between a poll and its acknowledgement keeps nobody waiting for ever, nor
/// does one whose host or network is gone: without a sign of life its session ends, and the lock.
constexpr auto k_set_up = "SET idle_in_transaction_session_timeout = '10s'; "
                          "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; "
                          "SET tcp_keepalives_count = 3";

constexpr auto k_try_lock = "SELECT pg_try_advisory_lock({}) AS is_ours";

/// Waits for a poll that is under way, but not for a follower who hangs in one, or who holds the
/// lock all the time. Each statement takes its own snapshot.
constexpr auto k_take_over = R"sql(
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = '500ms';
SELECT pg_advisory_xact_lock({});
DELETE FROM ordercache.follower;
INSERT INTO ordercache.follower VALUES (gen_random_uuid()) RETURNING token)sql";

/// Writers in flight hold a lock on the table, and others would wait behind this one. Alone of all
/// that the feed does it writes to the log, and a standby that is away must not hold it up.
constexpr auto k_truncate = R"sql(
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = '20ms';
SET LOCAL synchronous_commit = off;
TRUNCATE ordercache.change)sql";

constexpr auto k_poll =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT * FROM ordercache.poll('orders')";

constexpr auto k_lock_not_available = "55P03";

/// A standby has no unlogged tables; to all other writes it says that they are against the rules.
constexpr std::string_view k_feature_not_supported = "0A000";
constexpr auto k_read_only_transaction = "25006";

/// No such schema, function, table or column; no right to it.
constexpr std::array<std::string_view, 5> k_not_installed = {"3F000", "42883", "42P01", "42703",
                                                             "42501"};

/// Runs `act`; throws NotFollowed where the database lacks what it wants, and SessionFailure.
template <typename Act>
auto require_installation(Act act) {
    try {
        return act();
    } catch (const SessionFailure& failed) {
        if (failed.sqlstate() == k_feature_not_supported) {
            throw SessionFailure("it is a standby, which notes nothing down: name the primary in "
                                 "PG_SERVICE_URI",
                                 k_read_only_transaction);
        }
        if (std::ranges::find(k_not_installed, failed.sqlstate()) == k_not_installed.end()) {
            throw;
        }
        throw NotFollowed(
            fmt::format("the database is not set up for --follow, or its role may not: run "
                        "`ordercache invalidate --follow-sql | psql`, and see the GRANTs in it: {}",
                        reason_of_failure(failed)));
    }
}

void check_version(PostgresSession& session) {
    const std::int64_t version =
        session.run("SELECT ordercache.version() AS version").only().number("version");
    if (version != k_version) {
        throw NotFollowed(fmt::format("the database is set up for another version of --follow ({} "
                                      "instead of {}): run `ordercache invalidate --follow-sql | "
                                      "psql` of the newer one",
                                      version, k_version));
    }
}

/// A session's settings and locks would stay with a connection that a pooler gives to others next.
bool has_session_of_its_own(PostgresSession& session) {
    return session.answering_process() == session.server_process();
}

/// False: somebody else has the lock.
bool lock(PostgresSession& session) {
    if (!has_session_of_its_own(session)) {
        return true;
    }
    session.run(k_set_up);
    return session.run(fmt::format(k_try_lock, k_follower_lock)).only().flag("is_ours");
}

/// Absent: others kept a lock for longer than the statements wait, and they are undone.
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

/// The new follower's token; absent: somebody else has the lock.
std::optional<std::string> take_over(PostgresSession& session) {
    const auto rows = run_unless_locked(session, fmt::format(k_take_over, k_follower_lock));
    if (!rows) {
        return std::nullopt;
    }
    std::string token = rows->only().text("token");
    session.run("COMMIT");
    return token;
}

void forget_changes(PostgresSession& session) {
    if (run_unless_locked(session, k_truncate)) {
        session.run("COMMIT");
    } else {
        session.run("DELETE FROM ordercache.change");
    }
}

/// What a poll told, and whether its transaction is open.
struct Polled {
    PollAnswer answer;
    bool is_open;
};

/// Where nothing changed there is nothing to acknowledge, and another thread is spared.
Polled poll_once(PostgresSession& session) {
    Polled polled{PollAnswer(session.run(k_poll)), true};
    if (!polled.answer.tells_changes()) {
        session.run("COMMIT");
        polled.is_open = false;
    }
    return polled;
}

} // namespace

PostgresChangeFeed::PostgresChangeFeed(PostgresService service, TimeLimit limit, Reporter& reporter,
                                       OpenSession open)
    : m_connection(std::move(service), limit, reporter, std::move(open)) {}

template <typename Act>
auto PostgresChangeFeed::ask(Act act) {
    try {
        return m_connection.ask([act](PostgresSession& session) {
            return require_installation([&] { return act(session); });
        });
    } catch (const NotFollowed& error) {
        throw not_followed(error.what());
    }
}

std::optional<Changes> PostgresChangeFeed::start() {
    m_connection.begin(); // on a session that was made anew a COMMIT would forget nothing
    const bool has_polled = std::exchange(m_is_open, false);
    const auto token = ask([has_polled](PostgresSession& session) -> std::optional<std::string> {
        if (has_polled) {
            session.roll_back();
        }
        check_version(session);
        if (!lock(session)) {
            return std::nullopt;
        }
        auto ours = take_over(session);
        if (ours) {
            forget_changes(session);
        }
        return ours;
    });
    if (!token) {
        return std::nullopt;
    }
    m_beginning.token = *token;
    PollAnswer answer = ask_for_changes();
    if (answer.is_busy) {
        return std::nullopt;
    }
    check(answer);
    m_beginning = {*token, answer.tables, answer.bytes, std::move(answer.prepared)};
    return answer.changes();
}

std::optional<Changes> PostgresChangeFeed::poll() {
    const PollAnswer answer = ask_for_changes();
    if (answer.is_busy) { // behind a pooler: the next poll will see who it is
        return Changes{};
    }
    check(answer);
    if (must_start_anew(answer)) {
        return std::nullopt;
    }
    return answer.changes();
}

void PostgresChangeFeed::acknowledge() {
    if (m_is_open) {
        m_connection.ask([](PostgresSession& session) { session.run("COMMIT"); });
        m_is_open = false;
    }
}

PollAnswer PostgresChangeFeed::ask_for_changes() {
    Polled polled = ask(poll_once);
    m_is_open = polled.is_open;
    return std::move(polled.answer);
}

void PostgresChangeFeed::check(const PollAnswer& answer) const {
    if (!answer.token.empty() && answer.token != m_beginning.token) {
        throw not_followed("another `ordercache invalidate --follow` has taken over");
    }
    if (!answer.missing.empty()) {
        throw not_followed(
            fmt::format("changes of {} are not noted down: run `ordercache invalidate "
                        "--follow-sql | psql`",
                        answer.missing));
    }
    if (!answer.stray.empty()) {
        throw not_followed(fmt::format("changes of {} are noted down, which is no part of orders: "
                                       "run `ordercache invalidate --follow-sql | psql`",
                                       answer.stray));
    }
}

/// Names the server and the database.
NotFollowed PostgresChangeFeed::not_followed(const std::string& why) const {
    return NotFollowed(m_connection.failure(ErrorKind::store_failed, why).what());
}

bool PostgresChangeFeed::must_start_anew(const PollAnswer& answer) const {
    return answer.token.empty() || answer.tables != m_beginning.tables ||
           answer.bytes > m_beginning.bytes + k_growth ||
           !std::ranges::includes(answer.prepared, m_beginning.prepared);
}

} // namespace ordercache
