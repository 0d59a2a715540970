#pragma once

#include "cache_aside/scope.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// What the keys in Redis are called. A value's name is shared with other programs:
/// `<prefix>:all`, `<prefix>:<customer>`. The protocol's own keys stand in their value's cluster
/// slot: a customer's `{<prefix>:1}:lease` and `{<prefix>:1}:answer`, the total's
/// `{<prefix>:all}:ledger`, `:committed` and `:answer`; without those braces where the prefix has a
/// hash tag of its own.
class KeyNames {
public:
    explicit KeyNames(std::string prefix);

    std::string value(const Scope& scope) const;
    std::string lease(const Scope& scope) const;
    std::string answer(const Scope& scope) const;
    std::string ledger() const;

    /// All keys of the total, as the ledger's scripts take them: the value, the ledger, the
    /// committed orders, the answer.
    std::vector<std::string> keys_of_total() const;

    /// Whose count the key holds; nullopt if it is not the key of a value.
    std::optional<Scope> scope_of_value(std::string_view key) const;

    /// Patterns for SCAN, which may match other keys as well.
    std::string value_pattern() const;
    std::string lease_pattern() const;

    bool is_value(std::string_view key) const { return scope_of_value(key).has_value(); }
    bool is_lease(std::string_view key) const;

private:
    /// A key in the value's slot.
    std::string beside(const Scope& scope, std::string_view name) const;

    std::string m_prefix;
    std::string m_tag_begin; ///< What a hash tag of our own adds; empty if the prefix has one.
    std::string m_tag_end;
};

} // namespace ordercache
