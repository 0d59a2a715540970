#include "io/output.hpp"

#include "io/console.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace ordercache {

namespace {

constexpr std::size_t k_buffer_size = 65536;

/// Returns whether the text is a number in JSON, which does not allow leading zeros.
bool is_whole_number(std::string_view text) {
    const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
    return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos &&
           (digits.size() == 1 || digits.front() != '0');
}

std::string json_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < ' ') {
            quoted += fmt::format("\\u{:04x}", static_cast<int>(c));
        } else if (c == '"' || c == '\\') {
            quoted += fmt::format("\\{}", c);
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

/// A text is a string even if it holds only digits, so that all customers of a type are alike.
std::string json_customer(const CustomerId& customer, CustomerType type) {
    return type == CustomerType::integer ? customer.text : json_string(customer.text);
}

void throw_write_error(int error) {
    const auto message =
        fmt::format("cannot write to stdout: {}",
                    error == ETIMEDOUT ? "it was not read within --timeout" : std::strerror(error));
    if (error == EPIPE) {
        throw ClosedPipe(message);
    }
    throw Error(ErrorKind::output_failed, message);
}

} // namespace

Output::Output(Format format, TimeLimit limit, int fd)
    : m_format(format), m_limit(limit), m_fd(fd) {}

void Output::count(std::int64_t count) {
    line(is_json() ? fmt::format(R"({{"count":{}}})", count) : std::to_string(count));
}

void Output::customer_count(const CustomerId& customer, CustomerType type, std::int64_t count) {
    line(is_json()
             ? fmt::format(R"({{"customer":{},"count":{}}})", json_customer(customer, type), count)
             : customer.text + '\t' + std::to_string(count));
}

void Output::order_added(const CustomerId& customer, CustomerType type, const OrderId& order) {
    line(is_json() ? fmt::format(R"({{"updated":{{"customer":{},"order":{}}}}})",
                                 json_customer(customer, type),
                                 is_whole_number(order) ? order : json_string(order))
                   : order);
}

void Output::orders_added(std::int64_t orders) {
    line(is_json() ? fmt::format(R"({{"updated":{{"orders":{}}}}})", orders)
                   : std::to_string(orders));
}

void Output::invalidated(std::int64_t counts) {
    line(is_json() ? fmt::format(R"({{"invalidated":{}}})", counts) : std::to_string(counts));
}

void Output::time_to_live(std::optional<std::chrono::seconds> left, const Fields& more) {
    const std::string seconds =
        !left ? "null" : std::to_string(std::max<std::int64_t>(left->count(), -1));
    if (is_json()) {
        std::string object = R"({"ttl":)" + seconds;
        for (const auto& [name, value] : more) {
            object += fmt::format(R"(,"{}":{})", name, value);
        }
        line(object + '}');
    } else if (left) {
        line(seconds);
    }
}

void Output::page(const std::string& text) {
    m_buffer += text;
}

void Output::flush() {
    // The buffer is emptied even if the write fails: a second flush must not repeat half a line.
    if (const int error = write_all(m_fd, std::exchange(m_buffer, {}), m_limit)) {
        throw_write_error(error);
    }
}

void Output::line(const std::string& text) {
    m_buffer += text;
    m_buffer += '\n';
    if (m_buffer.size() >= k_buffer_size) {
        flush();
    }
}

} // namespace ordercache
