#include "postgres/change_feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ordercache {

namespace {

/// If the table of changes has grown by more than this, it is emptied, since dead rows make polls
/// slow.
constexpr std::int64_t k_growth = 16 << 20;

/// The pause after a count of all orders, in times as long as it took, and after one that failed.
constexpr int k_pause_per_count = 10;
constexpr std::chrono::minutes k_pause_after_failure{1};

/// The command that sets the database up. Nothing in it is a secret.
std::string set_up_command(const std::string& database) {
    const std::string connect = database.empty() ? "" : fmt::format(" -c '\\connect {}'", database);
    return fmt::format("`ordercache invalidate --follow-sql | psql -v ON_ERROR_STOP=1 "
                       "\"$PG_SERVICE_URI\"{} -f -`",
                       connect);
}

} // namespace

template <typename Act, typename... Options>
auto PostgresChangeFeed::ask(PostgresConnection& connection, Act act, const Options&... options) {
    const auto explaining = [act](PostgresSession& session) {
        try {
            return act(session);
        } catch (const SessionFailure& failed) {
            explain_not_set_up(failed);
            throw;
        }
    };
    try {
        return connection.ask(explaining, options...);
    } catch (const NotSetUp& error) {
        throw set_up_needed(error.what());
    }
}

bool PostgresChangeFeed::start(const std::function<void()>& drop_all) {
    m_connection.begin(); // a COMMIT in a new session would forget nothing
    const bool has_polled = std::exchange(m_is_open, false);
    const auto tokens = ask(m_connection, [has_polled](PostgresSession& session) {
        if (has_polled) {
            session.roll_back();
        }
        return take_over(session);
    });
    if (!tokens) {
        return false;
    }
    PollAnswer answer = ask_for_changes();
    if (answer.is_busy) {
        return false;
    }
    check(answer, tokens->ours);
    answer.token = tokens->ours;
    if (m_beginning && tokens->former == m_beginning->token) {
        // PostgreSQL did not crash since then: what was prepared later is noted.
        std::erase_if(answer.prepared, [this](const std::string& transaction) {
            return !m_beginning->prepared.contains(transaction);
        });
    }
    m_beginning = std::move(answer);
    drop_all();
    forget_changes();
    return true;
}

PollEnd PostgresChangeFeed::poll(const std::function<void(const Changes&)>& handle) {
    PollAnswer piece = ask_for_changes();
    if (piece.is_busy) { // behind a pooler: the next poll tells which follower works
        return PollEnd::busy;
    }
    check(piece, m_beginning->token);
    if (must_start_anew(piece)) {
        return PollEnd::lost;
    }
    if (!piece.changes.empty()) {
        handle(piece.changes);
    }
    while (!piece.is_last) {
        piece = ask(m_connection, next_piece);
        handle(piece.changes);
    }
    forget_changes();
    return PollEnd::complete;
}

/// On a connection of its own, since a sign of life must not wait for a count. Where it fails, the
/// follower goes on.
void PostgresChangeFeed::count_anew(const std::function<void()>& meanwhile) {
    const auto begin = Clock::now();
    if (!m_must_count || begin < m_next_count) {
        return;
    }
    m_reporter.note("Counting all orders for the known total");
    bool is_ended_by_meanwhile = false;
    try {
        try_to_count([&] {
            is_ended_by_meanwhile = true;
            meanwhile();
            is_ended_by_meanwhile = false;
        });
        m_next_count = Clock::now() + k_pause_per_count * (Clock::now() - begin);
    } catch (const Error& error) {
        if (is_ended_by_meanwhile) {
            throw;
        }
        m_reporter.warn(fmt::format("{}; the total will be counted later", error.what()));
        m_next_count = Clock::now() + k_pause_after_failure;
    }
}

void PostgresChangeFeed::try_to_count(const std::function<void()>& meanwhile) {
    PostgresConnection another = m_connection.another(TimeLimit::none());
    ask(
        another,
        [token = m_beginning->token](PostgresSession& session) {
            ordercache::count_anew(session, token);
        },
        meanwhile, Signals::interrupt, k_poll_interval);
}

PollAnswer PostgresChangeFeed::ask_for_changes() {
    PollAnswer answer = ask(m_connection, first_piece);
    m_is_open = answer.is_open();
    m_must_count = answer.must_count;
    return answer;
}

void PostgresChangeFeed::forget_changes() {
    if (m_is_open) {
        m_connection.ask([](PostgresSession& session) { session.run("COMMIT"); });
        m_is_open = false;
    }
}

void PostgresChangeFeed::check(const PollAnswer& answer, const std::string& token) const {
    if (!answer.token.empty() && answer.token != token) {
        throw not_followed("another `ordercache invalidate --follow` has taken over");
    }
    if (!answer.unfit.empty()) {
        throw set_up_needed(answer.unfit);
    }
}

/// Names the server and the database.
NotFollowed PostgresChangeFeed::not_followed(const std::string& why) const {
    return NotFollowed(m_connection.failure(ErrorKind::store_failed, why).what());
}

NotFollowed PostgresChangeFeed::set_up_needed(const std::string& why) const {
    return not_followed(fmt::format("{}; as the owner of {}, run {}", why,
                                    m_connection.view().table,
                                    set_up_command(m_connection.database())));
}

bool PostgresChangeFeed::must_start_anew(const PollAnswer& answer) const {
    return answer.token.empty() || answer.tables != m_beginning->tables || answer.is_full ||
           answer.bytes > m_beginning->bytes + k_growth ||
           !std::ranges::includes(answer.prepared, m_beginning->prepared) ||
           !std::ranges::includes(answer.unnoted, m_beginning->unnoted);
}

} // namespace ordercache
