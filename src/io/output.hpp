#pragma once

#include "base/error.hpp"
#include "base/order.hpp"
#include "base/waiting.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ordercache {

enum class Format { text, json };

/// The reader of stdout has closed it. This ends the program as SIGPIPE would, unless an answer was
/// lost that the user must know.
class ClosedPipe : public Error {
public:
    explicit ClosedPipe(const std::string& message) : Error(ErrorKind::output_failed, message) {}
};

/// Fields of a JSON object: a name, and the value as JSON writes it.
using Fields = std::vector<std::pair<const char*, std::string>>;

/// Writes the answer to stdout, buffered. Numbers are plain digits in every locale. Every function
/// throws Error (output_failed) if writing fails or takes longer than the limit, ClosedPipe if the
/// reader has closed stdout (and SIGPIPE is ignored), and Interrupted if a signal ends the wait.
/// The buffer is lost then.
class Output {
public:
    /// Does not close `fd`.
    explicit Output(Format format, TimeLimit limit = TimeLimit::none(), int fd = 1);

    bool is_json() const { return m_format == Format::json; }

    void count(std::int64_t count);
    void customer_count(const CustomerId& customer, CustomerType type, std::int64_t count);
    void order_added(const CustomerId& customer, CustomerType type, const OrderId& order);
    void orders_added(std::int64_t orders);
    void invalidated(std::int64_t counts);
    /// `left` is nullopt for a count that is not cached, of which text shows nothing, and negative
    /// for one that never expires. Only JSON shows `more`.
    void time_to_live(std::optional<std::chrono::seconds> left, const Fields& more);

    /// A help page, the version.
    void page(const std::string& text);

    /// Writes the buffer. Without this call the answer is lost.
    void flush();

private:
    void line(const std::string& text);

    Format m_format;
    TimeLimit m_limit;
    int m_fd;
    std::string m_buffer;
};

} // namespace ordercache
