#include "postgres/uri.hpp"

#include "base/lazy_library.hpp"
#include "base/quoted.hpp"
#include "base/uri.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libpq-fe.h>

#include <sys/stat.h>

#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <vector>

namespace ordercache {

namespace {

/// The database that a provider's service URI names, and the one to use instead.
constexpr auto k_providers_database = "defaultdb";
constexpr auto k_default_database = "dellstore";

/// libpq's parameters by their names. For a parameter that is not here libpq chooses the value, for
/// example from the environment.
using Parameters = std::map<std::string, std::string, std::less<>>;

/// Returns the option that libpq's message quotes, if it is safe to show: after a password, it may
/// be a piece of the password.
std::optional<std::string_view> unknown_option(std::string_view message, std::string_view text) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    const std::string_view name = cut(cut(message, '"').after.value_or(""), '"').before;
    const bool is_name = !name.empty() && name.find_first_not_of(letters) == std::string_view::npos;
    const bool is_told = message.starts_with("invalid URI query parameter:") ||
                         message.starts_with("invalid connection option");
    const bool is_safe = text.find("pass") >= text.find(name);
    return is_told && is_name && is_safe ? std::optional(name) : std::nullopt;
}

/// libpq quotes what it dislikes, which may be a password: nothing is shown from the first quote
/// on.
std::string complaint(std::string_view message, std::string_view text) {
    if (const auto name = unknown_option(message, text)) {
        return fmt::format("the option {} is unknown: leave it out", *name);
    }
    std::string_view shown = message.substr(0, message.find_first_of("\"\n"));
    shown = shown.substr(0, shown.find_last_not_of(" :") + 1);
    return fmt::format("libpq does not understand it: {}; in a URI, special characters of a value "
                       "must be escaped, as & by %26 and % by %25; elsewhere a value with blanks "
                       "must stand in quotes, as in password='two words'",
                       shown);
}

Parameters read_by_libpq(const std::string& text) {
    open_library(libpq);
    char* message = nullptr;
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse(text.c_str(), &message), &PQconninfoFree);
    const std::unique_ptr<char, decltype(&PQfreemem)> owned(message, &PQfreemem);
    if (!options && message == nullptr) {
        throw std::bad_alloc();
    }
    if (!options) {
        throw std::invalid_argument(complaint(message, text));
    }
    Parameters parameters;
    for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) {
            parameters.emplace(option->keyword, option->val);
        }
    }
    return parameters;
}

/// Returns the URI with its scheme as libpq takes it. Refuses raw delimiters in a password, since
/// libpq would take a piece of the password for a host.
std::string checked_uri(std::string_view text) {
    const Uri uri = split_uri(text);
    if (uri.scheme != "postgres" && uri.scheme != "postgresql") {
        throw std::invalid_argument(
            "it must begin with postgres:// or postgresql://, as in "
            "postgres://user:password@host:5432/defaultdb, or be of libpq's key=value form, as in "
            "host=db.example user=shop");
    }
    return uri.scheme + std::string(text.substr(uri.scheme.size()));
}

Parameters read(std::string_view text) {
    const bool is_key_value = text.find('=') < text.find("://");
    return read_by_libpq(is_key_value ? std::string(text) : checked_uri(text));
}

std::string to_string(const Parameters& parameters) {
    std::string text;
    for (const auto& [name, value] : parameters) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, quote_parameter(value));
    }
    return text;
}

/// Returns a parameter as libpq takes it: the given value, or else the variable's.
std::string in_use(const Parameters& parameters, std::string_view name,
                   const Environment& environment, const char* variable) {
    const auto given = parameters.find(name);
    return given == parameters.end() ? environment(variable).value_or("") : given->second;
}

std::string service_in_use(const Parameters& parameters, const Environment& environment) {
    return in_use(parameters, "service", environment, "PGSERVICE");
}

/// libpq takes any text for a host and a port, and shows it when it fails to connect.
void check_what_libpq_shows(const Parameters& parameters) {
    for (const char* name : {"host", "hostaddr"}) {
        if (const auto found = parameters.find(name); found != parameters.end()) {
            check_name(found->second, "the host");
        }
    }
    if (const auto ports = parameters.find("port"); ports != parameters.end()) {
        for (const std::string_view port : split(ports->second, ',')) {
            if (!port.empty()) {
                check_port(port);
            }
        }
    }
}

/// A service that is defined in a file may name its database there.
void choose_database(std::string_view database, const Environment& environment,
                     Parameters& parameters) {
    const std::string named = in_use(parameters, "dbname", environment, "PGDATABASE");
    const bool is_left_to_service =
        named.empty() && !service_in_use(parameters, environment).empty();
    if (!database.empty()) {
        parameters.insert_or_assign("dbname", std::string(database));
    } else if (!is_left_to_service && (named.empty() || named == k_providers_database)) {
        parameters.insert_or_assign("dbname", k_default_database);
    }
}

/// libpq ignores a passfile that others may read, or that is not a plain file, and says so on
/// stderr. So it gets none.
void hide_unfit_passfile(const Environment& environment, Parameters& parameters) {
    std::string file = in_use(parameters, "passfile", environment, "PGPASSFILE");
    if (file.empty()) {
        file = environment("HOME").value_or("") + "/.pgpass";
    }
    struct stat status = {};
    const bool exists = stat(file.c_str(), &status) == 0;
    if (exists && (!S_ISREG(status.st_mode) || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)) {
        parameters.insert_or_assign("passfile", "/dev/null/none");
    }
}

/// Shorter than the 4 minutes after which providers silently drop an idle connection. They also
/// detect a server that is gone.
void set_keepalives(Parameters& parameters) {
    parameters.try_emplace("keepalives_idle", "60");
    parameters.try_emplace("keepalives_interval", "10");
    parameters.try_emplace("keepalives_count", "3");
    parameters.try_emplace("tcp_user_timeout", "60000");
}

/// Asking for GSS encryption costs a failed attempt without Kerberos. A user who has Kerberos asks
/// for it.
void set_defaults(const Environment& environment, Parameters& parameters) {
    parameters.try_emplace("fallback_application_name", "ordercache");
    parameters.insert_or_assign("client_encoding", "UTF8");
    if (!service_in_use(parameters, environment).empty()) {
        return; // a service's file may say otherwise
    }
    set_keepalives(parameters);
    if (!environment("PGGSSENCMODE")) {
        parameters.try_emplace("gssencmode", "disable");
    }
}

/// Passwords may change while the server stays the same.
std::string origin_of(Parameters parameters, const Environment& environment) {
    parameters.erase("password");
    parameters.erase("sslpassword");
    std::string text = to_string(parameters);
    for (const auto* const variable : {"PGHOST", "PGHOSTADDR", "PGPORT", "PGTARGETSESSIONATTRS"}) {
        text += ' ' + environment(variable).value_or("");
    }
    return std::to_string(std::hash<std::string>{}(text));
}

} // namespace

PostgresService parse_postgres_uri(std::string_view text, std::string_view database,
                                   const Environment& environment) {
    Parameters parameters = read(text);
    check_what_libpq_shows(parameters);
    choose_database(database, environment, parameters);
    set_defaults(environment, parameters);
    hide_unfit_passfile(environment, parameters);

    PostgresService service{to_string(parameters),
                            in_use(parameters, "dbname", environment, "PGDATABASE"),
                            origin_of(parameters, environment)};
    check_name(service.database, "the database's name");
    return service;
}

std::string quote_parameter(std::string_view value) {
    return '\'' + with_backslashes(value, "'\\") + '\'';
}

} // namespace ordercache
