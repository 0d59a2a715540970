#pragma once

#include "base/reporter.hpp"
#include "cache_aside/change_feed.hpp"
#include "postgres/connection.hpp"
#include "postgres/follow_statements.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace ordercache {

/// How often a follower polls.
inline constexpr std::chrono::milliseconds k_poll_interval{50};

/// The changes that the triggers of follow_sql.hpp note, read with its poll(). A transaction is
/// open while they are handled, and its end forgets them.
///
/// One follower works at a time: on a connection of its own it holds an advisory lock of the
/// session. Behind a pooler that shares connections, the lock does not last. There the follower
/// that started last works, and the other one throws NotFollowed. A follower does not start while
/// another one has the lock, for a session or for a poll.
class PostgresChangeFeed : public ChangeFeed {
public:
    /// `reporter` must outlive this object.
    PostgresChangeFeed(PostgresConnection connection, Reporter& reporter)
        : m_reporter(reporter), m_connection(std::move(connection)) {}

    bool start(const std::function<void()>& drop_all) override;
    PollEnd poll(const std::function<void(const Changes&)>& handle) override;

    /// Counts all orders anew if the last poll found that the known total must be counted. Calls
    /// `meanwhile`, which may poll or start, every k_poll_interval, and throws what it throws.
    /// Warns if the count fails.
    void count_anew(const std::function<void()>& meanwhile);

private:
    using Clock = std::chrono::steady_clock;

    template <typename Act, typename... Options>
    auto ask(PostgresConnection& connection, Act act, const Options&... options);
    PollAnswer ask_for_changes();
    void try_to_count(const std::function<void()>& meanwhile);
    void forget_changes();
    void check(const PollAnswer& answer, const std::string& token) const;
    NotFollowed not_followed(const std::string& why) const;
    NotFollowed set_up_needed(const std::string& why) const;
    bool must_start_anew(const PollAnswer& answer) const;

    Reporter& m_reporter;
    PostgresConnection m_connection;
    std::optional<PollAnswer> m_beginning; ///< The first answer, with the token of this follower.
    bool m_is_open = false;                ///< The transaction of a poll is open.
    bool m_must_count = false;             ///< The last poll said so.
    Clock::time_point m_next_count{};
};

} // namespace ordercache
