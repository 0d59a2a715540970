#include "postgres/change_feed.hpp"

#include "postgres/follow_statements.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace ordercache {

namespace {

/// Above this growth the table of changes is emptied, since dead rows make polls slow.
constexpr std::int64_t k_growth = 16 << 20;

std::set<std::string> intersection(const std::set<std::string>& one,
                                   const std::set<std::string>& other) {
    std::set<std::string> common;
    std::ranges::set_intersection(one, other, std::inserter(common, common.end()));
    return common;
}

/// The command that sets the database up. Nothing in it is a secret.
std::string set_up_command(const std::string& database) {
    const std::string connect = database.empty() ? "" : fmt::format(" -c '\\connect {}'", database);
    return fmt::format("`ordercache invalidate --follow-sql | psql -v ON_ERROR_STOP=1 "
                       "\"$PG_SERVICE_URI\"{} -f -`",
                       connect);
}

} // namespace

PostgresChangeFeed::PostgresChangeFeed(PostgresService service, TimeLimit limit, Reporter& reporter,
                                       OpenSession open)
    : m_set_up_command(set_up_command(service.database)),
      m_connection(std::move(service), limit, reporter, std::move(open)) {}

template <typename Act>
auto PostgresChangeFeed::ask(Act act) {
    try {
        return m_connection.ask(act);
    } catch (const NotSetUp& error) {
        throw set_up_needed(error.what());
    }
}

std::optional<Changes> PostgresChangeFeed::start() {
    m_connection.begin(); // a COMMIT in a new session would forget nothing
    const bool has_polled = std::exchange(m_is_open, false);
    const auto tokens = ask([has_polled](PostgresSession& session) {
        if (has_polled) {
            session.roll_back();
        }
        return take_over(session);
    });
    if (!tokens) {
        return std::nullopt;
    }
    PollAnswer answer = ask_for_changes();
    if (answer.is_busy) {
        return std::nullopt;
    }
    check(answer, tokens->ours);
    // PostgreSQL did not crash since this follower wrote its token: what was prepared later is
    // noted.
    const bool has_stayed = !tokens->former.empty() && tokens->former == m_beginning.token;
    m_beginning = {tokens->ours, answer.tables, answer.bytes,
                   has_stayed ? intersection(answer.prepared, m_beginning.prepared)
                              : answer.prepared,
                   answer.unnoted};
    return changes_of(answer, m_is_partial);
}

std::optional<Changes> PostgresChangeFeed::poll() {
    const PollAnswer answer = ask_for_changes();
    if (answer.is_busy) { // behind a pooler: the next poll tells who follows
        return Changes{};
    }
    check(answer, m_beginning.token);
    if (must_start_anew(answer)) {
        return std::nullopt;
    }
    return changes_of(answer, m_is_partial);
}

std::optional<Changes> PostgresChangeFeed::next() {
    if (!m_has_more) {
        return std::nullopt;
    }
    const NextPiece piece = m_connection.ask(next_piece);
    m_has_more = piece.has_more;
    return changes_of(piece.answer, m_is_partial);
}

void PostgresChangeFeed::acknowledge() {
    if (m_is_open) {
        m_connection.ask([](PostgresSession& session) { session.run("COMMIT"); });
        m_is_open = false;
    }
}

PollAnswer PostgresChangeFeed::ask_for_changes() {
    FirstPiece first = ask(poll_once);
    m_is_open = first.is_open;
    m_has_more = first.has_more;
    m_is_partial = first.answer.is_partial;
    return std::move(first.answer);
}

void PostgresChangeFeed::check(const PollAnswer& answer, const std::string& token) const {
    if (!answer.token.empty() && answer.token != token) {
        throw not_followed("another `ordercache invalidate --follow` has taken over");
    }
    if (!answer.missing.empty()) {
        throw set_up_needed(fmt::format("changes of {} are not noted", answer.missing));
    }
    if (!answer.stray.empty()) {
        throw set_up_needed(
            fmt::format("changes of {} are noted, which is not a part of orders", answer.stray));
    }
}

/// Names the server and the database.
NotFollowed PostgresChangeFeed::not_followed(const std::string& why) const {
    return NotFollowed(m_connection.failure(ErrorKind::store_failed, why).what());
}

NotFollowed PostgresChangeFeed::set_up_needed(const std::string& why) const {
    return not_followed(fmt::format("{}; as the owner of orders, run {}", why, m_set_up_command));
}

bool PostgresChangeFeed::must_start_anew(const PollAnswer& answer) const {
    return answer.token.empty() || answer.tables != m_beginning.tables || answer.is_full ||
           answer.bytes > m_beginning.bytes + k_growth ||
           !std::ranges::includes(answer.prepared, m_beginning.prepared) ||
           !std::ranges::includes(answer.unnoted, m_beginning.unnoted);
}

} // namespace ordercache
