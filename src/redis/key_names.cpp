#include "redis/key_names.hpp"

#include "base/quoted.hpp"

namespace ordercache {

namespace {

constexpr std::string_view k_all = "all";

} // namespace

KeyForm::KeyForm(const std::string& prefix, const std::string& name, CustomerType type)
    : m_begin(prefix + ':'), m_end(name), m_type(type) {
    const bool has_hash_tag = prefix.find('{') != std::string::npos;
    if (!name.empty() && (!has_hash_tag || type == CustomerType::text)) {
        m_begin.insert(has_hash_tag ? m_begin.size() : 0, 1, '{');
        m_end.insert(0, 1, '}');
    }
}

std::string KeyForm::of(const Scope& scope) const {
    const std::string_view subject = scope.customer ? scope.customer->text : k_all;
    std::string key;
    key.reserve(m_begin.size() + subject.size() + m_end.size());
    return key.append(m_begin).append(subject).append(m_end);
}

std::optional<Scope> KeyForm::scope_in(std::string_view key) const {
    if (key.size() <= m_begin.size() + m_end.size() || !key.starts_with(m_begin) ||
        !key.ends_with(m_end)) {
        return std::nullopt;
    }
    key.remove_prefix(m_begin.size());
    key.remove_suffix(m_end.size());
    if (key == k_all) {
        return k_all_orders;
    }
    const auto customer = known_customer(key, m_type);
    return customer ? std::optional(Scope{customer}) : std::nullopt;
}

std::string KeyForm::pattern() const {
    return with_backslashes(m_begin, "*?[]\\") + '*' + m_end;
}

std::vector<std::string> KeyNames::keys(const Scope& scope) const {
    const std::string answer = form(":answer").of(scope);
    if (scope.customer) {
        return {leases().of(scope), value(scope), answer};
    }
    return {value(scope), ledger(), form(":committed").of(scope), answer};
}

} // namespace ordercache
