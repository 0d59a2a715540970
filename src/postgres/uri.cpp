#include "postgres/uri.hpp"

#include "base/uri.hpp"
#include "postgres/conninfo.hpp"

#include <fmt/format.h>

#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace ordercache {

namespace {

void set_hosts(std::string_view text, Conninfo& conninfo) {
    std::vector<std::string> hosts;
    std::vector<std::string> ports;
    for (const std::string_view piece : split(text, ',')) {
        const Endpoint endpoint = parse_endpoint(piece);
        hosts.push_back(endpoint.host);
        ports.push_back(endpoint.port);
    }
    conninfo.set_unless_empty("host", fmt::format("{}", fmt::join(hosts, ",")));
    conninfo.set_unless_empty("port", fmt::format("{}", fmt::join(ports, ",")));
}

Conninfo read_uri(std::string_view text) {
    const Uri uri = split_uri(text);
    if (uri.scheme != "postgres" && uri.scheme != "postgresql") {
        throw std::invalid_argument("it must begin with postgres:// or postgresql://, as in "
                                    "postgres://user:password@host:5432/defaultdb");
    }
    Conninfo conninfo;
    const auto [user, password] = cut(uri.userinfo.value_or(""), ':');
    conninfo.set_unless_empty("user", percent_decode(user));
    conninfo.set_unless_empty("password", percent_decode(password.value_or("")));
    set_hosts(uri.hosts, conninfo);
    conninfo.set_unless_empty("dbname", percent_decode(uri.path.substr(uri.path.empty() ? 0 : 1)));
    for (UriOption& option : parse_query(uri.query)) {
        if (option.name == "ssl" && option.value == "true") { // JDBC's; libpq knows it in a URI
            conninfo.set("sslmode", "require");
        } else {
            conninfo.set(option.name, std::move(option.value));
        }
    }
    return conninfo;
}

Conninfo read(std::string_view text) {
    const bool is_key_value = text.find('=') < text.find("://");
    return is_key_value ? Conninfo::parse(text) : read_uri(text);
}

/// A parameter as libpq takes it: what is given, else what a variable says.
std::string in_use(const Conninfo& conninfo, std::string_view parameter,
                   const Environment& environment, const char* variable) {
    return conninfo.get(parameter).value_or(environment(variable).value_or(""));
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

std::string name_peer(const Conninfo& conninfo, const Environment& environment) {
    const std::string service = in_use(conninfo, "service", environment, "PGSERVICE");
    const bool names_host = conninfo.get("host") || conninfo.get("hostaddr");
    if (!service.empty() && !names_host) {
        return fmt::format("service {}", service);
    }
    const std::string hosts = in_use(conninfo, "host", environment, "PGHOST");
    const std::string addresses = in_use(conninfo, "hostaddr", environment, "PGHOSTADDR");
    const std::string ports = in_use(conninfo, "port", environment, "PGPORT");
    return name_hosts(hosts.empty() ? addresses : hosts, ports);
}

void check_ports(std::string_view ports) {
    for (const std::string_view port : split(ports, ',')) {
        if (!port.empty()) {
            check_port(port);
        }
    }
}

/// libpq would wait for a host that says nothing for as long as the whole connection may take, and
/// try no other. The least that it knows is 2 s.
void limit_wait_for_each_host(Conninfo& conninfo, const Environment& environment) {
    const bool has_several =
        in_use(conninfo, "host", environment, "PGHOST").find(',') != std::string::npos;
    const auto limit = in_use(conninfo, "connect_timeout", environment, "PGCONNECT_TIMEOUT");
    if (has_several && limit.empty()) {
        conninfo.set("connect_timeout", "2");
    }
}

} // namespace

PostgresService parse_postgres_uri(std::string_view text, std::string_view database,
                                   const Environment& environment) {
    Conninfo conninfo = read(text);
    conninfo.set_unless_empty("dbname", std::string(database));
    check_ports(conninfo.get("port").value_or(""));
    limit_wait_for_each_host(conninfo, environment);

    PostgresService service{conninfo.to_string(), name_peer(conninfo, environment),
                            in_use(conninfo, "dbname", environment, "PGDATABASE")};
    check_printable(service.peer, "the host");
    check_printable(service.database, "the database's name");
    return service;
}

} // namespace ordercache
