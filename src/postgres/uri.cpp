#include "postgres/uri.hpp"

#include "base/lazy_library.hpp"
#include "base/uri.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

namespace ordercache {

namespace {

/// The database that a provider's service URI names, and the one to use instead.
constexpr auto k_providers_database = "defaultdb";
constexpr auto k_default_database = "dellstore";

/// libpq's parameters by their names. One that is absent is libpq's to choose, from the
/// environment say.
using Parameters = std::map<std::string, std::string, std::less<>>;

/// libpq quotes what it dislikes, which may be a password: nothing is shown from the first quote
/// on.
std::string complaint(std::string_view message) {
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
        throw std::invalid_argument(complaint(message));
    }
    Parameters parameters;
    for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr) {
            parameters.emplace(option->keyword, option->val);
        }
    }
    return parameters;
}

/// The URI with its scheme as libpq takes it. libpq would go on behind a raw delimiter of a
/// password, and take a piece of it for a host: refused here.
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

std::string to_string(const Parameters& parameters) {
    std::string text;
    for (const auto& [name, value] : parameters) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, quote(value));
    }
    return text;
}

/// A parameter as libpq takes it: what is given, else what a variable says.
std::string in_use(const Parameters& parameters, std::string_view name,
                   const Environment& environment, const char* variable) {
    const auto given = parameters.find(name);
    return given == parameters.end() ? environment(variable).value_or("") : given->second;
}

std::string service_in_use(const Parameters& parameters, const Environment& environment) {
    return in_use(parameters, "service", environment, "PGSERVICE");
}

std::string name_host(std::string_view host, std::string_view port) {
    const std::string_view number = port.empty() ? "5432" : port;
    if (host.empty()) {
        return fmt::format("local socket .s.PGSQL.{}", number);
    }
    if (host.starts_with('/') || host.starts_with('@')) {
        return fmt::format("{}/.s.PGSQL.{}", host, number);
    }
    return to_string(Endpoint{std::string(host), std::string(number)});
}

std::string name_hosts(std::string_view hosts, std::string_view ports) {
    const auto each_host = split(hosts, ',');
    const auto each_port = split(ports, ',');
    if (each_port.size() != 1 && each_port.size() != each_host.size()) {
        throw std::invalid_argument("it must give one port, or as many as hosts");
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < each_host.size(); ++i) {
        names.push_back(name_host(each_host[i], each_port[each_port.size() == 1 ? 0 : i]));
    }
    return fmt::format("{}", fmt::join(names, ", "));
}

std::string name_peer(const Parameters& parameters, const Environment& environment) {
    const std::string service = service_in_use(parameters, environment);
    const bool names_host = parameters.contains("host") || parameters.contains("hostaddr");
    if (!service.empty() && !names_host) {
        return fmt::format("service {}", service);
    }
    const std::string hosts = in_use(parameters, "host", environment, "PGHOST");
    const std::string addresses = in_use(parameters, "hostaddr", environment, "PGHOSTADDR");
    const std::string ports = in_use(parameters, "port", environment, "PGPORT");
    return name_hosts(hosts.empty() ? addresses : hosts, ports);
}

/// libpq takes any text for a port, and shows it when it fails to connect.
void check_ports(const Parameters& parameters) {
    const auto ports = parameters.find("port");
    if (ports == parameters.end()) {
        return;
    }
    for (const std::string_view port : split(ports->second, ',')) {
        if (!port.empty()) {
            check_port(port);
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

/// libpq would wait for a host that says nothing for as long as the whole connection may take, and
/// try no other. The least that it knows is 2 s.
void limit_wait_for_each_host(const Environment& environment, Parameters& parameters) {
    const bool has_several =
        in_use(parameters, "host", environment, "PGHOST").find(',') != std::string::npos;
    const auto limit = in_use(parameters, "connect_timeout", environment, "PGCONNECT_TIMEOUT");
    if (has_several && limit.empty()) {
        parameters.insert_or_assign("connect_timeout", "2");
    }
}

/// Asking for GSS encryption costs a failed attempt wherever there is no Kerberos: a user who has
/// it says so.
void set_defaults(const Environment& environment, Parameters& parameters) {
    parameters.try_emplace("fallback_application_name", "ordercache");
    const bool is_user_silent =
        !environment("PGGSSENCMODE") && service_in_use(parameters, environment).empty();
    if (is_user_silent) {
        parameters.try_emplace("gssencmode", "disable");
    }
}

} // namespace

PostgresService parse_postgres_uri(std::string_view text, std::string_view database,
                                   const Environment& environment) {
    Parameters parameters = read(text);
    check_ports(parameters);
    choose_database(database, environment, parameters);
    limit_wait_for_each_host(environment, parameters);
    set_defaults(environment, parameters);

    PostgresService service{to_string(parameters), name_peer(parameters, environment),
                            in_use(parameters, "dbname", environment, "PGDATABASE")};
    check_name(service.peer, "the host");
    check_name(service.database, "the database's name");
    return service;
}

} // namespace ordercache
