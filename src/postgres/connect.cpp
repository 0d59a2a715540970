#include "postgres/connect.hpp"

#include "base/lazy_library.hpp"
#include "base/signals.hpp"
#include "base/uri.hpp"
#include "base/whole_number.hpp"
#include "postgres/failure_text.hpp"
#include "postgres/session.hpp"
#include "postgres/uri.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libpq-fe.h>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <new>
#include <optional>
#include <vector>

namespace ordercache {

namespace {

using namespace std::chrono_literals;
using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
using Parameters = std::map<std::string, std::string, std::less<>>;
using List = std::vector<std::string_view>;

constexpr std::chrono::seconds k_connect_timeout = 5s;
constexpr std::chrono::seconds k_timeout_of_each_host = 2s;

/// Returns the parameters that the connection string, the environment and a service file give.
Parameters parameters_in_use(PGconn* connection) {
    const Options options(PQconninfo(connection), &PQconninfoFree);
    if (!options) {
        throw std::bad_alloc();
    }
    Parameters parameters;
    for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
        parameters.emplace(option->keyword, option->val == nullptr ? "" : option->val);
    }
    return parameters;
}

bool names_several_hosts(const Parameters& parameters) {
    return (parameters.at("host") + parameters.at("hostaddr")).find(',') != std::string::npos;
}

struct Limits {
    Deadline whole;
    std::optional<std::chrono::seconds> each_host;

    Deadline of_next_host() const { return each_host ? whole.or_in(*each_host) : whole; }
};

/// A connect_timeout of 0 or less means no limit, as in libpq.
Limits limits_of(const Parameters& parameters, Deadline deadline) {
    const std::string& timeout = parameters.at("connect_timeout");
    if (timeout.empty()) {
        return {deadline.or_in(k_connect_timeout),
                names_several_hosts(parameters) ? k_timeout_of_each_host : k_connect_timeout};
    }
    if (timeout.starts_with('-')) {
        return {deadline, std::nullopt};
    }
    const auto seconds = parse_whole_number(timeout, 0, std::numeric_limits<int>::max());
    if (!seconds) {
        throw BadSetting("connect_timeout must be a whole number");
    }
    return {deadline, *seconds > 0 ? std::optional(std::chrono::seconds(*seconds)) : std::nullopt};
}

/// A list of one element is for all hosts.
std::string_view element(const List& list, std::size_t index) {
    return list.size() == 1 ? list.front() : list[index];
}

std::string without_element(List list, std::size_t index) {
    if (list.size() > 1) {
        list.erase(list.begin() + static_cast<std::ptrdiff_t>(index));
    }
    return quote_parameter(fmt::format("{}", fmt::join(list, ",")));
}

/// Returns the connection string without the host in use, or nullopt if it names no other host.
std::optional<std::string> without_host_in_use(PGconn* connection,
                                               const std::string& connection_string) {
    const Parameters parameters = parameters_in_use(connection);
    const List hosts = split(parameters.at("host"), ',');
    const List addresses = split(parameters.at("hostaddr"), ',');
    const List ports = split(parameters.at("port"), ',');
    const std::size_t count = std::max(hosts.size(), addresses.size());
    for (std::size_t i = 0; count > 1 && i < count; ++i) {
        const auto host = element(hosts, i).empty() ? element(addresses, i) : element(hosts, i);
        const auto port = element(ports, i).empty() ? "5432" : element(ports, i);
        if (host == PQhost(connection) && port == PQport(connection)) {
            return fmt::format("{} host={} hostaddr={} port={}", connection_string,
                               without_element(hosts, i), without_element(addresses, i),
                               without_element(ports, i));
        }
    }
    return std::nullopt;
}

Attempt attempt_of(PGconn* connection) {
    const std::string_view host = PQhost(connection) == nullptr ? "" : PQhost(connection);
    const auto sslmode = parameters_in_use(connection)["sslmode"];
    return {.needs_password = PQconnectionNeedsPassword(connection) != 0,
            .is_local = host.starts_with('/') || host.starts_with('@'),
            .declines_tls = sslmode == "disable" || sslmode == "allow"};
}

[[noreturn]] void fail(PGconn* connection, const std::string& silent_hosts) {
    const std::string message = silent_hosts + PQerrorMessage(connection);
    if (const auto refused = refused_setting(message)) {
        throw BadSetting(*refused);
    }
    throw explain_no_connection(message, attempt_of(connection));
}

/// Returns false if the deadline or a request to stop came first.
bool wait(PGconn* connection, PostgresPollingStatusType state, Deadline deadline,
          const std::stop_token& stop) {
    const int socket = PQsocket(connection);
    const std::stop_callback shut(stop, [socket] { shutdown(socket, SHUT_RDWR); });
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    return wait_for(socket, events, deadline, Signals::wait) && !stop.stop_requested();
}

/// Waits until connecting has succeeded or failed. Returns false if the host in use says nothing
/// for too long.
bool complete(PGconn* connection, const Limits& limits, const std::stop_token& stop) {
    std::string host;
    Deadline deadline = Deadline::never();
    auto state =
        PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        std::string next =
            fmt::format("{} {} {}", PQhost(connection), PQhostaddr(connection), PQport(connection));
        if (next != host) {
            host = std::move(next);
            deadline = limits.of_next_host();
        }
        if (!wait(connection, state, deadline, stop)) {
            return false;
        }
        state = PQconnectPoll(connection);
    }
    return true;
}

PostgresHandle start(const std::string& connection_string) {
    PostgresHandle connection(PQconnectStart(connection_string.c_str()), &PQfinish);
    if (!connection) {
        throw std::bad_alloc();
    }
    // From here on notices are dropped, and the server's messages have their SQLSTATEs.
    PQsetNoticeProcessor(
        connection.get(), [](void*, const char*) {}, nullptr);
    PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
    return connection;
}

} // namespace

PostgresHandle connect(const std::string& connection_string, Deadline deadline,
                       const std::stop_token& stop) {
    open_library(libpq);
    std::string silent_hosts;
    std::optional<Limits> limits;
    std::optional<std::string> target = connection_string;
    for (;;) {
        PostgresHandle connection = start(*target);
        if (!limits) {
            limits = limits_of(parameters_in_use(connection.get()), deadline);
        }
        if (complete(connection.get(), *limits, stop)) {
            if (PQstatus(connection.get()) == CONNECTION_OK) {
                return connection;
            }
            fail(connection.get(), silent_hosts);
        }
        silent_hosts +=
            fmt::format("connection to server at \"{}\", port {} failed: no answer in time\n",
                        PQhost(connection.get()), PQport(connection.get()));
        target = without_host_in_use(connection.get(), *target);
        if (!target || limits->whole.passed() || stop.stop_requested()) {
            throw explain_no_connection(silent_hosts, {});
        }
    }
}

} // namespace ordercache
