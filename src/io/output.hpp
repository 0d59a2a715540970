#pragma once

#include "base/error.hpp"
#include "base/order.hpp"
#include "base/waiting.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace ordercache {

enum class Format { text, json };

/// The reader of stdout has gone. A type of its own, for it ends the program as SIGPIPE does,
/// unless an answer was lost that must be told.
class ClosedPipe : public Error {
public:
    explicit ClosedPipe(const std::string& message) : Error(ErrorKind::output_failed, message) {}
};

/// The answer on stdout, and nothing else. Numbers are plain digits, whatever the locale.
/// Buffers its lines. Every function throws Error (no) where a write fails or a slow reader is
/// waited for beyond the limit, ClosedPipe where the reader has gone (and SIGPIPE is ignored), and
/// Interrupted where a signal ends the wait. What was buffered is then lost.
class Output {
public:
    /// Writes to the file descriptor `fd`, which stays the caller's and open.
    explicit Output(Format format, TimeLimit limit = TimeLimit::none(), int fd = 1);

    void count(std::int64_t count);
    void customer_count(CustomerId customer, std::int64_t count);
    void order_added(CustomerId customer, const OrderId& order);
    void orders_added(std::int64_t orders);
    void invalidated(std::int64_t counts);
    /// Absent: not cached, which text shows as nothing. Negative: it never expires, `-1`.
    void time_to_live(std::optional<std::chrono::seconds> left);

    /// A text that is not an answer: help, the version.
    void page(const std::string& text);

    /// Writes what is buffered. A caller that leaves without it loses the answer.
    void flush();

private:
    bool is_json() const { return m_format == Format::json; }
    void line(const std::string& text);

    Format m_format;
    TimeLimit m_limit;
    int m_fd;
    std::string m_buffer;
};

} // namespace ordercache
