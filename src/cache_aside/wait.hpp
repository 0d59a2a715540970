#pragma once

#include "cache_aside/count_cache.hpp"

#include <string>
#include <utility>
#include <vector>

namespace ordercache {

/// What a reader still waits for while others count.
class Wait {
public:
    Wait(std::vector<Scope> scopes, bool refresh)
        : m_scopes(std::move(scopes)), m_freshness{.refresh = refresh} {}

    const std::vector<Scope>& scopes() const { return m_scopes; }
    const Freshness& freshness() const { return m_freshness; }

    /// What writers in flight wrote, and somebody should ask PostgreSQL about.
    const std::vector<WriteId>& to_settle() const { return m_to_settle; }

    /// Whether a reader counts what is waited for; else a writer has the total out of sight.
    bool is_for_reader() const { return m_is_for_reader; }

    /// Begins anew, with nothing to wait for.
    void clear() {
        m_scopes.clear();
        m_is_for_reader = false;
        m_to_settle.clear();
    }

    void add(const Scope& scope, const Claim& claim) {
        m_scopes.push_back(scope);
        m_is_for_reader |= !claim.holder.empty();
        if (!scope.customer) {
            m_to_settle = claim.to_settle;
            accept_later_holder(claim.holder);
        }
    }

private:
    /// A reader that counts now, and did not when this refresh began, counts late enough for it.
    void accept_later_holder(const std::string& holder) {
        if (m_first_holder.empty()) {
            m_first_holder = holder;
        } else if (!holder.empty() && holder != m_first_holder) {
            m_freshness.accepted = holder;
        }
    }

    std::vector<Scope> m_scopes;
    bool m_is_for_reader = false;
    Freshness m_freshness;
    std::string m_first_holder;
    std::vector<WriteId> m_to_settle;
};

} // namespace ordercache
