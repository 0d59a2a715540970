#include "postgres/conninfo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace ordercache {

namespace {

/// What libpq 18 knows.
constexpr auto k_parameters = std::to_array<std::string_view>({
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "options",
    "passfile",
    "password",
    "port",
    "replication",
    "require_auth",
    "requirepeer",
    "scram_client_key",
    "scram_server_key",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
});
static_assert(std::is_sorted(k_parameters.begin(), k_parameters.end()));

/// Reads `key=value …` as libpq does: a blank or a quote in a value stands in quotes or after a
/// backslash.
class Reader {
public:
    explicit Reader(std::string_view text) : m_rest(text) { skip_blanks(); }

    bool at_end() const { return m_rest.empty(); }

    std::string_view read_name() {
        const std::string_view name = m_rest.substr(0, m_rest.find_first_of(k_name_ends));
        m_rest.remove_prefix(name.size());
        skip_blanks();
        if (!m_rest.starts_with('=')) {
            throw std::invalid_argument("each parameter must be key=value; a value with blanks "
                                        "must stand in quotes, as in password='two words'");
        }
        m_rest.remove_prefix(1);
        skip_blanks();
        return name;
    }

    std::string read_value() {
        const bool quoted = m_rest.starts_with('\'');
        m_rest.remove_prefix(quoted ? 1 : 0);
        std::string value = read_up_to(quoted ? "'" : k_blanks);
        if (quoted && m_rest.empty()) {
            throw std::invalid_argument("a quoted value must end with a quote; a quote in it must "
                                        "be written as \\'");
        }
        m_rest.remove_prefix(quoted ? 1 : 0);
        skip_blanks();
        return value;
    }

private:
    static constexpr std::string_view k_blanks = " \t\n\v\f\r";
    static constexpr std::string_view k_name_ends = "= \t\n\v\f\r";

    void skip_blanks() {
        m_rest.remove_prefix(std::min(m_rest.find_first_not_of(k_blanks), m_rest.size()));
    }

    std::string read_up_to(std::string_view ends) {
        std::string value;
        while (!m_rest.empty() && ends.find(m_rest.front()) == std::string_view::npos) {
            m_rest.remove_prefix(m_rest.front() == '\\' ? 1 : 0);
            value += m_rest.substr(0, 1);
            m_rest.remove_prefix(m_rest.empty() ? 0 : 1);
        }
        return value;
    }

    std::string_view m_rest;
};

std::string quote(std::string_view value) {
    std::string quoted = "'";
    for (const char c : value) {
        if (c == '\'' || c == '\\') {
            quoted += '\\';
        }
        quoted += c;
    }
    return quoted + "'";
}

} // namespace

Conninfo Conninfo::parse(std::string_view text) {
    Conninfo conninfo;
    for (Reader reader(text); !reader.at_end();) {
        const std::string_view name = reader.read_name();
        conninfo.set(name, reader.read_value());
    }
    return conninfo;
}

void Conninfo::set(std::string_view name, std::string value) {
    // Not named: it may be a piece of a password that lacks its quotes or escapes.
    if (!std::binary_search(k_parameters.begin(), k_parameters.end(), name)) {
        throw std::invalid_argument(
            "it holds a parameter that libpq does not know; in a URI, & in a value must be written "
            "as %26, and elsewhere a value with blanks must stand in quotes");
    }
    m_values.insert_or_assign(std::string(name), std::move(value));
}

void Conninfo::set_unless_empty(std::string_view name, std::string value) {
    if (!value.empty()) {
        set(name, std::move(value));
    }
}

std::optional<std::string> Conninfo::get(std::string_view name) const {
    const auto found = m_values.find(name);
    return found == m_values.end() ? std::nullopt : std::optional(found->second);
}

std::string Conninfo::to_string() const {
    std::string text;
    for (const auto& [name, value] : m_values) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, quote(value));
    }
    return text;
}

} // namespace ordercache
