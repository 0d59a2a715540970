#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the URIs of services have in common. A URI may hold a password, so no message quotes a URI.
namespace ordercache {

/// The parts of a URI, still percent-encoded: views into the text that was parsed.
struct Uri {
    std::string scheme;                       ///< In lower case; empty without `://`.
    std::optional<std::string_view> userinfo; ///< What comes before the `@`.
    std::string_view hosts;                   ///< `host:port`, or several between commas.
    std::string_view path;                    ///< Empty, or with its leading slash.
    std::string_view query;                   ///< Without the `?`.
};

/// Splits `scheme://[userinfo@]hosts[/path][?query]`. Throws std::invalid_argument if a blank, a
/// `#` or a misplaced `@` leaves it unclear where a password ends.
Uri split_uri(std::string_view text);

/// Returns the text with its ASCII letters in lower case, in every locale.
std::string lower_case(std::string_view text);

/// The two parts of a text. `after` is nullopt if the text has no delimiter.
struct SplitPair {
    std::string_view before;
    std::optional<std::string_view> after;
};

/// Cuts at the first `delimiter`.
SplitPair cut(std::string_view text, char delimiter);

/// Returns the pieces between the delimiters, or the whole text if it has no delimiter.
std::vector<std::string_view> split(std::string_view text, char delimiter);

/// Replaces each `%XX` by its byte, once; a plus stays. Throws std::invalid_argument for a bad
/// escape, and for `%00`.
std::string percent_decode(std::string_view text);

/// A host without brackets, and its port. Either may be empty.
struct Endpoint {
    std::string host;
    std::string port;
};

/// Splits `host`, `host:port`, `[address]` or `[address]:port`, and decodes the host. Throws
/// std::invalid_argument for anything else.
Endpoint parse_endpoint(std::string_view text);

/// `host:port`, with the brackets that an IPv6 address needs.
std::string to_string(const Endpoint& endpoint);

/// An option after the `?`. Its name is as in the URI, its value is decoded.
struct UriOption {
    std::string_view name;
    std::string value;
};

/// Splits `name=value&…`. Throws std::invalid_argument if an option has no value.
std::vector<UriOption> parse_query(std::string_view query);

/// Returns nullopt unless the text is a number from 1 to 65535.
std::optional<std::uint16_t> parse_port(std::string_view text);

/// Throws std::invalid_argument unless `port` is a number from 1 to 65535.
void check_port(std::string_view port);

/// Throws std::invalid_argument if `value` has a control character, which would break the line of a
/// message. `what` names the value, as in `the host`.
void check_printable(std::string_view value, std::string_view what);

/// As check_printable, and throws if the value is a URI, which may hold a password.
void check_name(std::string_view value, std::string_view what);

} // namespace ordercache
