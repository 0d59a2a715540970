#include "postgres/poll_answer.hpp"

#include <fmt/format.h>

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
    } else if (kind == "transaction") {
        changes.transactions.push_back(
            {static_cast<TransactionId>(row.number("subject")), row.number("amount")});
    } else if (kind == "total") {
        changes.scopes.push_back(k_all_orders);
    } else if (kind == "customer") {
        changes.scopes.push_back(Scope{static_cast<CustomerId>(row.number("subject"))});
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
        unfit = fmt::format("changes of {} are not noted", row.text("subject"));
    } else if (kind == "stray") {
        unfit = fmt::format("changes of {} are noted, which is not a part of orders",
                            row.text("subject"));
    }
}

} // namespace ordercache
