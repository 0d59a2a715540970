#pragma once

#include "cache_aside/change_feed.hpp"
#include "cache_aside/scope.hpp"
#include "postgres/rows.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace ordercache {

/// What the function poll() of follow_sql.hpp told, which says there what its rows mean.
struct PollAnswer {
    /// Throws UnexpectedReply where the rows are not such ones.
    explicit PollAnswer(const Rows& rows);

    std::vector<TransactionDelta> transactions;
    std::vector<Scope> customers;
    bool is_busy = false;    ///< Somebody else's poll is under way; nothing else is told.
    bool is_partial = false; ///< Not everybody who counts sees all orders.
    std::string token;       ///< Of who follows; empty: the table was lost in a crash.
    std::string tables;      ///< A fingerprint of orders, its partitions and triggers.
    std::int64_t bytes = 0;  ///< The size of the table of changes.
    std::set<std::string> prepared;
    std::string missing; ///< A table whose changes are not noted down; empty: none.
    std::string stray;   ///< One that is no part of orders, and whose changes are; empty: none.

    bool tells_changes() const { return !transactions.empty() || !customers.empty(); }
    Changes changes() const;

private:
    void add(const Row& row);
};

} // namespace ordercache
