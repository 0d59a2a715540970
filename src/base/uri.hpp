#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the URIs of services have in common. A URI may hold a password: no message quotes one.
namespace ordercache {

/// A URI's pieces as they stand, still percent-encoded: views into the text that was given.
struct Uri {
    std::string scheme;                       ///< In lower case; empty where there is no `://`.
    std::optional<std::string_view> userinfo; ///< What stands before the `@`.
    std::string_view hosts;                   ///< `host:port`, or several between commas.
    std::string_view path;                    ///< Empty, or with its leading slash.
    std::string_view query;                   ///< Without the `?`.
};

/// Takes `scheme://[userinfo@]hosts[/path][?query]` apart. Throws std::invalid_argument where a
/// blank, a `#` or an `@` out of place leaves it in doubt where a password ends.
Uri split_uri(std::string_view text);

/// ASCII letters in lower case, whatever the locale.
std::string lower_case(std::string_view text);

/// A text cut in two: what stands after the delimiter is absent where there is none.
struct Cut {
    std::string_view before;
    std::optional<std::string_view> after;
};

/// Cuts at the first `delimiter`.
Cut cut(std::string_view text, char delimiter);

/// The pieces between the delimiters: one where there is none.
std::vector<std::string_view> split(std::string_view text, char delimiter);

/// The text that the `%XX` stand for, decoded once; a plus is a plus. Throws std::invalid_argument
/// for a bad escape, and for one of NUL.
std::string percent_decode(std::string_view text);

/// A host without brackets, and its port; each empty where it is missing.
struct Endpoint {
    std::string host;
    std::string port;
};

/// Takes `host`, `host:port`, `[address]` or `[address]:port` apart, and decodes the host.
/// Throws std::invalid_argument for all else.
Endpoint parse_endpoint(std::string_view text);

/// `host:port`, with the brackets that an IPv6 address needs.
std::string to_string(const Endpoint& endpoint);

/// An option after the `?`: its name as it stands, its value decoded.
struct UriOption {
    std::string_view name;
    std::string value;
};

/// Takes `name=value&…` apart. Throws std::invalid_argument where one has no value.
std::vector<UriOption> parse_query(std::string_view query);

/// The port; absent where the text is no number from 1 to 65535.
std::optional<std::uint16_t> parse_port(std::string_view text);

/// Throws std::invalid_argument unless `port` is a number from 1 to 65535.
void check_port(std::string_view port);

/// Throws std::invalid_argument where a control character in `value` would break the line of a
/// message that shows it. `what` names the value: `the host`.
void check_printable(std::string_view value, std::string_view what);

/// As check_printable, of a name that messages show: throws where it is a URI, which may hold a
/// password.
void check_name(std::string_view value, std::string_view what);

} // namespace ordercache
