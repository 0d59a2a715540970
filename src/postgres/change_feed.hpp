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

/// The changes that the triggers of follow_sql.hpp note, read with its poll(). A transaction is
/// open from a poll that tells changes to its acknowledgement, and its end forgets them.
///
/// One follower works at a time: on a connection of its own it holds an advisory lock of the
/// session. Behind a pooler that shares connections there is no such lock. There the follower that
/// started last works, and the other one throws NotFollowed. A follower does not start while
/// another one has the lock, for a session or for a poll.
class PostgresChangeFeed : public ChangeFeed {
public:
    /// `reporter` must outlive this object. `open` opens a session; tests use another one.
    PostgresChangeFeed(PostgresService service, TimeLimit limit, Reporter& reporter,
                       OpenSession open = open_session);

    std::optional<Changes> start() override;
    std::optional<Changes> poll() override;
    std::optional<Changes> next() override;
    void acknowledge() override;

private:
    /// The state when this follower started.
    struct Beginning {
        std::string token;
        std::string tables;
        std::int64_t bytes = 0;
        std::set<std::string> prepared = {}; ///< A crash may have lost what these noted.
        std::set<std::string> unnoted = {};
    };

    template <typename Act>
    auto ask(Act act);
    PollAnswer ask_for_changes();
    void check(const PollAnswer& answer, const std::string& token) const;
    NotFollowed not_followed(const std::string& why) const;
    NotFollowed set_up_needed(const std::string& why) const;
    bool must_start_anew(const PollAnswer& answer) const;

    std::string m_set_up_command;
    PostgresConnection m_connection;
    Beginning m_beginning;
    bool m_is_open = false;    ///< The transaction of a poll is open.
    bool m_has_more = false;   ///< There may be another piece.
    bool m_is_partial = false; ///< What the first piece said of all.
};

} // namespace ordercache
