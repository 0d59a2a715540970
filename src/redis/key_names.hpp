#pragma once

#include "cache_aside/scope.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ordercache {

/// The names of one kind of key, a name for each scope.
class KeyForm {
public:
    /// `name` follows the scope, and the key stands in its value's cluster slot. It is empty for
    /// the value itself.
    KeyForm(const std::string& prefix, const std::string& name, CustomerType type);

    std::string of(const Scope& scope) const;

    /// Returns nullopt if the key is not one of these.
    std::optional<Scope> scope_in(std::string_view key) const;

    /// A pattern for SCAN, which may match other keys as well.
    std::string pattern() const;

private:
    std::string m_begin;
    std::string m_end;
    CustomerType m_type;
};

/// What the keys in Redis are called. A value's name is shared with other programs: `<prefix>:all`,
/// `<prefix>:<customer>`. The protocol's own keys stand in their value's cluster slot: a customer's
/// `{<prefix>:1}:lease` and `{<prefix>:1}:answer`, the total's `{<prefix>:all}:ledger`,
/// `:committed` and `:answer`, the follower's `{<prefix>:all}:followed` and `:alive`. A prefix that
/// has its own hash tag gets no braces, unless customers are text: then the scope gets them, as in
/// `{shop}:orders:{1}:lease`, since a text may be `1:lease`.
class KeyNames {
public:
    KeyNames(std::string prefix, CustomerType type) : m_prefix(std::move(prefix)), m_type(type) {}

    KeyForm values() const { return form(""); }
    KeyForm leases() const { return form(":lease"); }
    std::string value(const Scope& scope) const { return values().of(scope); }
    std::string ledger() const { return form(":ledger").of(k_all_orders); }
    std::string followed() const { return form(":followed").of(k_all_orders); }
    std::string alive() const { return form(":alive").of(k_all_orders); }
    const std::string& prefix() const { return m_prefix; }

    /// All keys of the scope, as the scripts take them: a customer's lease, value and answer; the
    /// total's value, ledger, committed orders and answer.
    std::vector<std::string> keys(const Scope& scope) const;

private:
    KeyForm form(const char* name) const { return {m_prefix, name, m_type}; }

    std::string m_prefix;
    CustomerType m_type;
};

} // namespace ordercache
