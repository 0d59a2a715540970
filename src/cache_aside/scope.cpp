#include "cache_aside/scope.hpp"

#include <iterator>

namespace ordercache {

std::vector<Scope> customers_in(const std::vector<Scope>& scopes) {
    std::vector<Scope> customers;
    std::ranges::copy_if(scopes, std::back_inserter(customers),
                         [](const Scope& scope) { return scope.customer.has_value(); });
    return customers;
}

std::vector<Scope> without_repeats(std::vector<Scope> scopes) {
    if (!std::ranges::is_sorted(scopes)) {
        std::ranges::sort(scopes);
    }
    scopes.erase(std::unique(scopes.begin(), scopes.end()), scopes.end());
    return scopes;
}

/// Where a list is sorted, the next count is the one that is wanted.
std::vector<std::int64_t> in_order_of(const std::vector<Scope>& scopes, const Counts& counts) {
    std::vector<std::int64_t> ordered;
    auto next = counts.begin();
    for (const Scope& scope : scopes) {
        const bool is_next = next != counts.end() && next->first == scope;
        ordered.push_back(is_next ? next->second : counts.at(scope));
        next = is_next ? std::next(next) : next;
    }
    return ordered;
}

} // namespace ordercache
