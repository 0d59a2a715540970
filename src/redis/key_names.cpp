#include "redis/key_names.hpp"

#include <stdexcept>

namespace ordercache {

namespace {

constexpr std::string_view k_all = "all";

std::string escape_glob(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (std::string_view("*?[]\\").find(c) != std::string_view::npos) {
            escaped += '\\';
        }
        escaped += c;
    }
    return escaped;
}

/// Returns nullopt for anything else, also for a number in another form, such as `010`.
std::optional<Scope> parse_scope(std::string_view text) {
    if (text == k_all) {
        return k_all_orders;
    }
    try {
        const CustomerId customer = parse_customer(text);
        return std::to_string(customer) == text ? std::optional(Scope{customer}) : std::nullopt;
    } catch (const std::invalid_argument&) {
        return std::nullopt;
    }
}

} // namespace

KeyForm::KeyForm(const std::string& prefix, const std::string& name)
    : m_begin(prefix + ':'), m_end(name) {
    if (!name.empty() && prefix.find('{') == std::string::npos) {
        m_begin.insert(0, 1, '{');
        m_end.insert(0, 1, '}');
    }
}

std::string KeyForm::of(const Scope& scope) const {
    return m_begin + (scope.customer ? std::to_string(*scope.customer) : std::string(k_all)) +
           m_end;
}

std::optional<Scope> KeyForm::scope_in(std::string_view key) const {
    if (key.size() <= m_begin.size() + m_end.size() || !key.starts_with(m_begin) ||
        !key.ends_with(m_end)) {
        return std::nullopt;
    }
    key.remove_prefix(m_begin.size());
    key.remove_suffix(m_end.size());
    return parse_scope(key);
}

std::string KeyForm::pattern() const {
    return escape_glob(m_begin) + '*' + m_end;
}

KeyNames::KeyNames(const std::string& prefix)
    : m_prefix(prefix), m_values(prefix, ""), m_leases(prefix, ":lease"),
      m_answers(prefix, ":answer"), m_ledgers(prefix, ":ledger"), m_committed(prefix, ":committed"),
      m_followed(prefix, ":followed"), m_alive(prefix, ":alive") {}

std::vector<std::string> KeyNames::keys(const Scope& scope) const {
    if (scope.customer) {
        return {m_leases.of(scope), m_values.of(scope), m_answers.of(scope)};
    }
    return {m_values.of(scope), m_ledgers.of(scope), m_committed.of(scope), m_answers.of(scope)};
}

} // namespace ordercache
