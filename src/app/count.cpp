#include "app/commands.hpp"

#include "app/context.hpp"
#include "base/status_line.hpp"
#include "io/console.hpp"
#include "io/customer_list.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

namespace ordercache {

namespace {

std::vector<std::int64_t> counts_of(const std::vector<Scope>& scopes, CacheUse use,
                                    Context& context) {
    if (use == CacheUse::none) {
        return counts_from_store(context.store(), scopes, context.reporter());
    }
    return context.reader().counts(scopes,
                                   use == CacheUse::refresh ? Purpose::refresh : Purpose::read);
}

void answer(const std::vector<CustomerId>& customers, CacheUse use, Context& context) {
    std::vector<Scope> scopes;
    scopes.reserve(customers.size());
    std::ranges::transform(customers, std::back_inserter(scopes),
                           [](const CustomerId& customer) { return Scope{customer}; });
    const auto counts = counts_of(scopes, use, context);
    const CustomerType type = context.config().customer_type();
    for (std::size_t i = 0; i < counts.size(); ++i) {
        context.output().customer_count(customers[i], type, counts[i]);
    }
}

/// Each piece is written before the next is read, so that a later failure loses no answer, and a
/// program that asks through a pipe gets its answer before the next question. No progress is shown
/// while the input pauses.
void answer_list(const Count& count, Context& context) {
    CustomerList list(*count.customers_from, context.config().customer_type(),
                      context.stream_limit());
    if (list.is_terminal()) {
        context.reporter().hint("Reading customers, one per line, until Ctrl-D");
    }
    StatusLine progress(context.reporter());
    std::int64_t answered = 0;
    for (auto customers = list.next(); !customers.empty(); customers = list.next()) {
        answer(customers, count.cache, context);
        progress.hide();
        context.output().flush();
        answered += std::ssize(customers);
        if (list.is_ready()) {
            progress.show(progress_bar(answered, "customers", list.part_read()));
        }
    }
}

} // namespace

bool run(const Count& count, Context& context) {
    if (count.customers_from) {
        answer_list(count, context);
    } else if (count.customers.size() > 1) {
        in_pieces(count.customers, k_customers_at_once, [&](const auto& piece) {
            answer(piece, count.cache, context);
            context.output().flush();
        });
    } else {
        const Scope scope = count.customers.empty() ? k_all_orders : Scope{count.customers.front()};
        context.output().count(counts_of({scope}, count.cache, context).front());
    }
    context.output().flush();
    return true;
}

} // namespace ordercache
