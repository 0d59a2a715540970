#pragma once

#include "base/error.hpp"
#include "cache_aside/count_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace ordercache {

/// What a reader still waits for while others count or write.
class Wait {
public:
    explicit Wait(const std::vector<Scope>& scopes) {
        for (const Scope& scope : scopes) {
            m_requests.push_back({scope});
        }
    }

    bool is_over() const { return m_requests.empty(); }

    /// What writers in flight wrote, and PostgreSQL should be asked about.
    const std::vector<WriteId>& to_settle() const { return m_to_settle; }

    std::vector<Scope> scopes() const {
        std::vector<Scope> scopes;
        std::ranges::transform(m_requests, std::back_inserter(scopes), &CountRequest::scope);
        return scopes;
    }

    /// Begins another attempt, with nothing to wait for.
    std::vector<CountRequest> take_requests() {
        m_is_for_reader = false;
        m_to_settle.clear();
        return std::exchange(m_requests, {});
    }

    void add(const CountRequest& request, const Claim& claim) {
        m_requests.push_back(request);
        if (request.earlier.empty()) {
            m_requests.back().earlier = claim.earlier;
        }
        m_is_for_reader |= claim.is_being_counted;
        std::ranges::copy(claim.to_settle, std::back_inserter(m_to_settle));
    }

    Error was_too_long(const CountCache& cache) const {
        return {
            ErrorKind::store_failed,
            fmt::format("gave up waiting for {}: {} when --timeout was over; give it a longer one",
                        cache.key(m_requests.front().scope),
                        m_is_for_reader ? "another process was still counting in PostgreSQL"
                                        : "orders were still being added")};
    }

private:
    std::vector<CountRequest> m_requests;
    bool m_is_for_reader = false; ///< Else writers have the total out of sight.
    std::vector<WriteId> m_to_settle;
};

} // namespace ordercache
