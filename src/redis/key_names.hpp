#pragma once

#include "cache_aside/scope.hpp"

#include <string>
#include <string_view>

namespace ordercache {

/// What the keys in Redis are called. A value's name is shared with other programs:
/// `<prefix>:all`, `<prefix>:<customer>`. A lease stands in its value's cluster slot:
/// `{<prefix>:all}:lease`, or `<value>:lease` where the prefix has a hash tag of its own.
class KeyNames {
public:
    explicit KeyNames(std::string prefix);

    std::string value(const Scope& scope) const;
    std::string lease(const Scope& scope) const;

    /// Patterns for SCAN, which may match other keys as well.
    std::string value_pattern() const;
    std::string lease_pattern() const;

    bool is_value(std::string_view key) const;
    bool is_lease(std::string_view key) const;

private:
    std::string m_prefix;
    std::string m_lease_begin;
    std::string m_lease_end;
};

} // namespace ordercache
