#include "postgres/poll_answer.hpp"

#include <algorithm>
#include <iterator>

namespace ordercache {

PollAnswer::PollAnswer(const Rows& rows) {
    for (const Row& row : rows) {
        add(row);
    }
}

void PollAnswer::add(const Row& row) {
    const std::string& kind = row.text("kind");
    if (kind == "busy") {
        is_busy = true;
    } else if (kind == "full") {
        is_full = true;
    } else if (kind == "partial") {
        is_partial = true;
    } else if (kind == "transaction") {
        transactions.push_back(
            {static_cast<TransactionId>(row.number("subject")), row.number("amount")});
    } else if (kind == "customer") {
        customers.push_back(Scope{static_cast<CustomerId>(row.number("subject"))});
    } else if (kind == "follower") {
        token = row.text("subject");
    } else if (kind == "prepared") {
        prepared.insert(row.text("subject"));
    } else if (kind == "unnoted") {
        unnoted.insert(row.text("subject"));
    } else if (kind == "tables") {
        tables = row.text("subject");
        bytes = row.number("amount");
    } else if (kind == "missing") {
        missing = row.text("subject");
    } else if (kind == "stray") {
        stray = row.text("subject");
    }
}

Changes changes_of(const PollAnswer& piece, bool is_partial) {
    Changes changes{.scopes = piece.customers};
    if (!is_partial) {
        std::ranges::copy_if(piece.transactions, std::back_inserter(changes.transactions),
                             [](const TransactionDelta& delta) { return delta.orders != 0; });
    } else if (!piece.transactions.empty()) {
        changes.scopes.push_back(k_all_orders);
    }
    return changes;
}

} // namespace ordercache
