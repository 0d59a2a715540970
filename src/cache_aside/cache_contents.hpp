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
/// CacheError if it fails.
class CacheContents {
public:
    virtual ~CacheContents() = default;

    /// Returns what each key holds, in the order of `scopes`: nullopt if the key is not there.
    virtual std::vector<std::optional<CachedValue>> values(const std::vector<Scope>& scopes) = 0;

    /// Returns the scopes that have a value, sorted.
    virtual std::vector<Scope> scopes() = 0;

    /// Returns whether the total has a ledger. If it has one and no value, a reader counts or a
    /// writer is in flight.
    virtual bool has_ledger() = 0;
};

} // namespace ordercache
