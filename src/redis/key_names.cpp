#include "redis/key_names.hpp"

#include <stdexcept>
#include <utility>

namespace ordercache {

namespace {

constexpr std::string_view k_all = "all";

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

KeyNames::KeyNames(std::string prefix)
    : m_prefix(std::move(prefix) + ':'), m_lease_begin(m_prefix), m_lease_end(":lease") {
    if (!has_hash_tag(m_prefix)) {
        m_lease_begin = '{' + m_prefix;
        m_lease_end = "}:lease";
    }
}

std::string KeyNames::value(const Scope& scope) const {
    return m_prefix + (scope.customer ? std::to_string(*scope.customer) : std::string(k_all));
}

std::string KeyNames::lease(const Scope& scope) const {
    return m_lease_begin + value(scope).substr(m_prefix.size()) + m_lease_end;
}

std::string KeyNames::value_pattern() const {
    return escape_glob(m_prefix) + '*';
}

std::string KeyNames::lease_pattern() const {
    return escape_glob(m_lease_begin) + '*' + escape_glob(m_lease_end);
}

bool KeyNames::is_value(std::string_view key) const {
    return is_scope_between(key, m_prefix, "");
}

bool KeyNames::is_lease(std::string_view key) const {
    return is_scope_between(key, m_lease_begin, m_lease_end);
}

} // namespace ordercache
