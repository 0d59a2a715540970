#pragma once

#include "cache_aside/count_cache.hpp"

#include <utility>
#include <vector>

namespace ordercache {

/// Rights to count that are ours. If an exception ends the look-up, they are released on its way
/// out.
class Claims {
public:
    Claims(CountCache& cache, std::vector<Scope> scopes)
        : m_cache(cache), m_scopes(std::move(scopes)) {}
    Claims(const Claims&) = delete;
    Claims& operator=(const Claims&) = delete;

    ~Claims() {
        if (m_scopes.empty()) {
            return;
        }
        try {
            m_cache.release(m_scopes);
        } catch (...) {
            return; // what cannot be released now expires by itself
        }
    }

    const std::vector<Scope>& scopes() const { return m_scopes; }

    /// A fill has released these.
    void remove(const Counts& filled) {
        std::erase_if(m_scopes, [&](const Scope& scope) { return filled.contains(scope); });
    }

    /// Leaves it to the caller to release them.
    std::vector<Scope> hand_over() { return std::exchange(m_scopes, {}); }

private:
    CountCache& m_cache;
    std::vector<Scope> m_scopes;
};

} // namespace ordercache
