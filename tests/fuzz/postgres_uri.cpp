// PG_SERVICE_URI: libpq understands the connection string that comes of it, and as it understands
// the text itself but for what the program adds; a password is never shown.

#include "postgres/uri.hpp"

#include "base/lazy_library.hpp"
#include "base/uri.hpp"
#include "fuzzing.hpp"

#include <libpq-fe.h>

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>

namespace {

using namespace ordercache;
using Parameters = std::map<std::string, std::string>;

std::optional<std::string> empty_environment(const char* /*name*/) {
    return std::nullopt;
}

/// Absent: refused.
std::optional<PostgresService> postgres_service(const std::string& text) {
    try {
        return parse_postgres_uri(text, "", empty_environment);
    } catch (const std::invalid_argument& error) {
        require_no_secret(error.what());
        return std::nullopt;
    }
}

/// Absent: refused.
std::optional<Parameters> read_by_libpq(const std::string& text) {
    char* message = nullptr;
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse(text.c_str(), &message), &PQconninfoFree);
    const std::unique_ptr<char, decltype(&PQfreemem)> owned(message, &PQfreemem);
    if (!options) {
        return std::nullopt;
    }
    Parameters parameters;
    for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) {
            parameters.emplace(option->keyword, option->val);
        }
    }
    return parameters;
}

/// What the program adds or changes where the text does not say otherwise, and the file of
/// passwords, which it hides if libpq would complain of the file on stderr.
constexpr auto k_own = {"client_encoding",  "dbname",          "fallback_application_name",
                        "gssencmode",       "keepalives_idle", "keepalives_interval",
                        "keepalives_count", "passfile",        "tcp_user_timeout"};

void check_against_libpq(const std::string& text, const PostgresService& service) {
    auto ours = read_by_libpq(service.connection_string);
    auto theirs = read_by_libpq(text);
    require(ours.has_value(), "libpq takes the connection string");
    if (theirs) { // It refuses a scheme in capitals.
        for (const char* own : k_own) {
            ours->erase(own);
            theirs->erase(own);
        }
        require(*ours == *theirs, "libpq reads the text in the same way");
    }
}

void check_says_no_secret(const std::string& text) {
    if (const auto service = postgres_service(text)) {
        require_no_secret(service->database);
    }
}

/// The input's lines: user, two pieces of a password, and what follows the @.
void check_secret_in_uri(std::string_view input) {
    auto lines = split(input, '\n');
    lines.resize(4);
    check_says_no_secret(
        fmt::format("postgres://{}:{}{}{}@{}", lines[0], lines[1], k_secret, lines[2], lines[3]));
}

/// A password of several words, as it stands where quotes were forgotten.
void check_secret_in_key_values(std::string_view input) {
    auto lines = split(input, '\n');
    lines.resize(2);
    if (lines[0].find('=') != std::string_view::npos) {
        return; // The secret may then be a host's name.
    }
    check_says_no_secret(fmt::format("password={} {} {}", lines[0], k_secret, lines[1]));
}

} // namespace

#ifndef ORDERCACHE_CORPUS
/// The fuzzer links libpq, and need not open it.
LazyLibrary libpq = {};
void open_library(LazyLibrary& /*library*/) {}
#endif

FUZZER(postgres_uri, input) {
    const std::string text(input.substr(0, input.find('\0')));
    if (text.find(k_secret) != std::string::npos) {
        return; // It may then stand for a host as well.
    }
    if (const auto service = postgres_service(text)) {
        check_against_libpq(text, *service);
    }
    check_secret_in_uri(text);
    check_secret_in_key_values(text);
}
