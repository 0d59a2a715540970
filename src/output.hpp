#pragma once

#include "order.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace ordercache {

enum class Format { text, json };

/// The answer on stdout, and nothing else. Numbers are plain digits, whatever the locale.
/// Buffers its lines; every function throws Error (no) when a write fails, but where the reader
/// of a pipe has gone: that ends the program as SIGPIPE does.
class Output {
public:
    /// Writes to the file descriptor `fd`, which stays the caller's.
    explicit Output(Format format, int fd = 1);

    void count(std::int64_t count);
    void customer_count(CustomerId customer, std::int64_t count);
    void order_added(CustomerId customer, OrderId order);
    void orders_added(std::int64_t orders);
    void invalidated(std::int64_t counts);
    /// Absent: not cached, which text shows as nothing. Negative: it never expires, `-1`.
    void time_to_live(std::optional<std::chrono::seconds> left);

    /// Writes what is buffered. A caller that leaves without it loses the answer.
    void flush();

private:
    void line(const std::string& text);

    Format m_format;
    int m_fd;
    std::string m_buffer;
};

} // namespace ordercache
