#include "base/uri.hpp"

#include "base/whole_number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <stdexcept>
#include <system_error>

namespace ordercache {

namespace {

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

void check_no_blanks(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || is_control(c); };
    if (std::any_of(text.begin(), text.end(), is_blank)) {
        throw std::invalid_argument(
            "it contains a blank or a control character, perhaps at an end: write a blank as %20");
    }
}

/// A raw / or ? in a password ends the authority early, so that the @ follows it; a raw @ is a
/// second one. A piece of the password would be taken for a host, and shown.
void check_delimiters(std::string_view authority, std::string_view rest) {
    const bool second_at = authority.find('@') != authority.rfind('@');
    if (second_at || rest.find('@') != std::string_view::npos ||
        authority.find('#') != std::string_view::npos || rest.find('#') != std::string_view::npos) {
        throw std::invalid_argument("in a user, a password or a value, @ must be written as %40, "
                                    "/ as %2F, ? as %3F and # as %23");
    }
}

char decode_escape(std::string_view digits) {
    unsigned byte = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stopped, failure] = std::from_chars(digits.data(), end, byte, 16);
    if (digits.size() != 2 || failure != std::errc{} || stopped != end) {
        throw std::invalid_argument(
            "a % must be followed by two hexadecimal digits: write % itself as %25");
    }
    if (byte == 0) {
        throw std::invalid_argument("it must not contain %00");
    }
    return static_cast<char>(byte);
}

Endpoint parse_bracketed(std::string_view text) {
    const auto [address, after] = cut(text.substr(1), ']');
    if (address.empty() || !after || (!after->empty() && !after->starts_with(':'))) {
        throw std::invalid_argument("an IPv6 address must stand in brackets, as in [::1]:port");
    }
    return {percent_decode(address), std::string(cut(*after, ':').after.value_or(""))};
}

Endpoint parse_plain(std::string_view text) {
    const auto [host, port] = cut(text, ':');
    if (port && port->find(':') != std::string_view::npos) {
        throw std::invalid_argument("an IPv6 address must stand in brackets, as in [::1]:port");
    }
    return {percent_decode(host), std::string(port.value_or(""))};
}

} // namespace

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower;
}

Uri split_uri(std::string_view text) {
    check_no_blanks(text);
    Uri uri;
    const auto separator = text.find("://");
    if (separator == std::string_view::npos) {
        return uri;
    }
    uri.scheme = lower_case(text.substr(0, separator));
    text.remove_prefix(separator + 3);

    const std::string_view authority = text.substr(0, text.find_first_of("/?"));
    const std::string_view rest = text.substr(authority.size());
    check_delimiters(authority, rest);

    const auto [before_at, after_at] = cut(authority, '@');
    uri.hosts = after_at.value_or(before_at);
    if (after_at) {
        uri.userinfo = before_at;
    }
    const auto [path, query] = cut(rest, '?');
    uri.path = path;
    uri.query = query.value_or("");
    return uri;
}

SplitPair cut(std::string_view text, char delimiter) {
    const auto at = text.find(delimiter);
    if (at == std::string_view::npos) {
        return {text, std::nullopt};
    }
    return {text.substr(0, at), text.substr(at + 1)};
}

std::vector<std::string_view> split(std::string_view text, char delimiter) {
    std::vector<std::string_view> pieces;
    std::optional<std::string_view> rest = text;
    while (rest) {
        const auto [piece, after] = cut(*rest, delimiter);
        pieces.push_back(piece);
        rest = after;
    }
    return pieces;
}

std::string percent_decode(std::string_view text) {
    std::string decoded;
    while (!text.empty()) {
        if (text.front() == '%') {
            decoded += decode_escape(text.substr(1, 2));
            text.remove_prefix(3);
        } else {
            decoded += text.front();
            text.remove_prefix(1);
        }
    }
    return decoded;
}

Endpoint parse_endpoint(std::string_view text) {
    Endpoint endpoint = text.starts_with('[') ? parse_bracketed(text) : parse_plain(text);
    check_printable(endpoint.host, "the host");
    if (!endpoint.port.empty()) {
        check_port(endpoint.port);
    }
    return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    return (is_ipv6 ? '[' + endpoint.host + ']' : endpoint.host) + ':' + endpoint.port;
}

std::vector<UriOption> parse_query(std::string_view query) {
    std::vector<UriOption> options;
    for (const std::string_view piece : split(query, '&')) {
        if (piece.empty()) {
            continue;
        }
        const auto [name, value] = cut(piece, '=');
        if (!value) {
            throw std::invalid_argument("an option after the ? must be name=value: write & in a "
                                        "value as %26");
        }
        options.push_back({name, percent_decode(*value)});
    }
    return options;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto port = parse_whole_number(text, 1, std::numeric_limits<std::uint16_t>::max());
    return port ? std::optional(static_cast<std::uint16_t>(*port)) : std::nullopt;
}

void check_port(std::string_view port) {
    if (!parse_port(port)) {
        throw std::invalid_argument("the port must be a number from 1 to 65535");
    }
}

void check_printable(std::string_view value, std::string_view what) {
    if (std::any_of(value.begin(), value.end(), is_control)) {
        throw std::invalid_argument(fmt::format("{} must not contain a control character", what));
    }
}

void check_name(std::string_view value, std::string_view what) {
    check_printable(value, what);
    if (value.find("://") != std::string_view::npos) {
        throw std::invalid_argument(fmt::format("{} must not be a URI", what));
    }
}

} // namespace ordercache
