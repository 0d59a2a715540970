#include "redis/key_names.hpp"

#include <stdexcept>
#include <utility>

namespace ordercache {

namespace {

constexpr std::string_view k_all = "all";
constexpr std::string_view k_lease = ":lease";

bool has_hash_tag(std::string_view prefix) {
    return prefix.find('{') != std::string_view::npos;
}

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

/// The scope as the name of a key has it; nullopt for another spelling of a number, and all else.
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

std::optional<Scope> scope_between(std::string_view key, std::string_view begin,
                                   std::string_view end) {
    if (key.size() <= begin.size() + end.size() || !key.starts_with(begin) || !key.ends_with(end)) {
        return std::nullopt;
    }
    return parse_scope(key.substr(begin.size(), key.size() - begin.size() - end.size()));
}

} // namespace

KeyNames::KeyNames(std::string prefix) : m_prefix(std::move(prefix) + ':') {
    if (!has_hash_tag(m_prefix)) {
        m_tag_begin = '{';
        m_tag_end = '}';
    }
}

std::string KeyNames::value(const Scope& scope) const {
    return m_prefix + (scope.customer ? std::to_string(*scope.customer) : std::string(k_all));
}

std::string KeyNames::lease(const Scope& scope) const {
    return beside(scope, k_lease);
}

std::string KeyNames::answer(const Scope& scope) const {
    return beside(scope, ":answer");
}

std::string KeyNames::ledger() const {
    return beside(k_all_orders, ":ledger");
}

std::vector<std::string> KeyNames::keys_of_total() const {
    return {value(k_all_orders), ledger(), beside(k_all_orders, ":committed"),
            answer(k_all_orders)};
}

std::string KeyNames::beside(const Scope& scope, std::string_view name) const {
    return m_tag_begin + value(scope) + m_tag_end + std::string(name);
}

std::string KeyNames::value_pattern() const {
    return escape_glob(m_prefix) + '*';
}

std::string KeyNames::lease_pattern() const {
    return escape_glob(m_tag_begin + m_prefix) + '*' + m_tag_end + std::string(k_lease);
}

std::optional<Scope> KeyNames::scope_of_value(std::string_view key) const {
    return scope_between(key, m_prefix, "");
}

bool KeyNames::is_lease(std::string_view key) const {
    return scope_between(key, m_tag_begin + m_prefix, m_tag_end + std::string(k_lease)).has_value();
}

} // namespace ordercache
