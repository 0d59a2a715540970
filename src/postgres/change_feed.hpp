#pragma once

#include "base/reporter.hpp"
#include "base/waiting.hpp"
#include "cache_aside/change_feed.hpp"
#include "postgres/connection.hpp"
#include "postgres/poll_answer.hpp"
#include "postgres/session.hpp"
#include "postgres/uri.hpp"

#include <cstdint>
#include <set>
#include <string>

namespace ordercache {

/// The changes that the triggers of follow_sql.hpp note down, read with its poll(). Between a poll
/// that told of changes and its acknowledgement a transaction is open, whose end forgets them.
///
/// One follows at a time: on a connection of its own it holds an advisory lock of the session.
/// Behind a pooler that shares connections there is no such lock; there the one that started last
/// follows, and the other one throws NotFollowed. It does not start while somebody else has the
/// lock: during a poll, or for the whole of a session.
class PostgresChangeFeed : public ChangeFeed {
public:
    /// `reporter` must outlive it. Tests have another `open` than the driver's.
    PostgresChangeFeed(PostgresService service, TimeLimit limit, Reporter& reporter,
                       OpenSession open = open_session);

    std::optional<Changes> start() override;
    std::optional<Changes> poll() override;
    void acknowledge() override;

private:
    /// What was there when this follower started.
    struct Beginning {
        std::string token;
        std::string tables;
        std::int64_t bytes = 0;
        std::set<std::string> prepared = {}; ///< Transactions: a crash loses what they noted down.
    };

    template <typename Act>
    auto ask(Act act);
    PollAnswer ask_for_changes();
    void check(const PollAnswer& answer) const;
    NotFollowed not_followed(const std::string& why) const;
    bool must_start_anew(const PollAnswer& answer) const;

    PostgresConnection m_connection;
    Beginning m_beginning;
    bool m_is_open = false; ///< A poll's transaction, which is to be acknowledged.
};

} // namespace ordercache
