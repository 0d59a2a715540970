#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ordercache {

/// What kind of failure ends the command. main.cpp gives each its exit status.
enum class ErrorKind {
    rejected,      ///< PostgreSQL rejected the order.
    output_failed, ///< The answer could not be written to stdout.
    usage,         ///< Wrong usage, value or configuration; nothing was changed.
    store_failed,  ///< PostgreSQL is unreachable, timed out or failed; nothing was written.
    cache_failed,  ///< Redis failed likewise, and the command needs it; nothing was written.
    in_doubt,      ///< An order may have been, or was, committed.
};

/// A failure that ends the command. The message is one line that names the peer and the act, and
/// tells the user what to do; it never holds a password.
class Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), m_kind(kind) {}

    ErrorKind kind() const { return m_kind; }

private:
    ErrorKind m_kind;
};

/// PostgreSQL refused the user, the password or the database.
class LoginRefused : public Error {
public:
    explicit LoginRefused(const std::string& message) : Error(ErrorKind::store_failed, message) {}
};

/// Redis could not be reached, or answered with an error. It has a type of its own because a count
/// goes on without the cache.
class CacheError : public Error {
public:
    explicit CacheError(const std::string& message) : Error(ErrorKind::cache_failed, message) {}
};

/// Redis refused a command and did nothing.
class CacheRefusal : public CacheError {
public:
    using CacheError::CacheError;
};

/// What is wrong with a file, one complaint for each bad line. what() is the first.
class BadLines : public Error {
public:
    explicit BadLines(std::vector<std::string> complaints)
        : Error(ErrorKind::usage, complaints.front()), m_complaints(std::move(complaints)) {}

    const std::vector<std::string>& complaints() const { return m_complaints; }

private:
    std::vector<std::string> m_complaints;
};

inline Error usage_error(const std::string& message) {
    return {ErrorKind::usage, message};
}

} // namespace ordercache
