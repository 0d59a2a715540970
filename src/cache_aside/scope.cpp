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

} // namespace ordercache
