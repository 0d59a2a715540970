#pragma once

#include "cache_aside/scope.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace ordercache {

/// What a key of the cache holds.
struct CachedValue {
    std::optional<std::int64_t> count; ///< nullopt if it is not a count.

    friend bool operator==(const CachedValue&, const CachedValue&) = default;
};

/// A look into the cache that changes nothing, for audits and dry runs. Every function throws
/// CacheError when it fails.
class CacheContents {
public:
    virtual ~CacheContents() = default;

    /// What is there, in the order of `scopes`; nullopt where nothing is.
    virtual std::vector<std::optional<CachedValue>> values(const std::vector<Scope>& scopes) = 0;

    /// The scopes of which a value is there, sorted.
    virtual std::vector<Scope> scopes() = 0;

    /// Whether the total's ledger is there: without a value, a reader counts or a writer writes.
    virtual bool has_ledger() = 0;
};

} // namespace ordercache
