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

/// Whether it ends the name of a key that this program uses: another spelling of a number is not.
bool is_scope(std::string_view text) {
    if (text == k_all) {
        return true;
    }
    try {
        return std::to_string(parse_customer(text)) == text;
    } catch (const std::invalid_argument&) {
        return false;
    }
}

bool is_scope_between(std::string_view key, std::string_view begin, std::string_view end) {
    return key.size() > begin.size() + end.size() && key.starts_with(begin) && key.ends_with(end) &&
           is_scope(key.substr(begin.size(), key.size() - begin.size() - end.size()));
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

std::string KeyNames::ledger() const {
    return beside(k_all_orders, ":ledger");
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

bool KeyNames::is_value(std::string_view key) const {
    return is_scope_between(key, m_prefix, "");
}

bool KeyNames::is_lease(std::string_view key) const {
    return is_scope_between(key, m_tag_begin + m_prefix, m_tag_end + std::string(k_lease));
}

} // namespace ordercache
