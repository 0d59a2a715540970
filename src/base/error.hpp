#pragma once

#include "base/exit_status.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ordercache {

/// A failure that ends the command: one line that names the peer and the act, and tells the user
/// what to do; never a password.
class Error : public std::runtime_error {
public:
    Error(ExitStatus status, const std::string& message)
        : std::runtime_error(message), m_status(status) {}

    ExitStatus status() const { return m_status; }

private:
    ExitStatus m_status;
};

/// Redis could not be reached, or answered an error. A type of its own, for a count goes on
/// without the cache.
class CacheError : public Error {
public:
    explicit CacheError(const std::string& message) : Error(ExitStatus::cache_failed, message) {}
};

/// Redis answered that it will not do what it was asked, and has not done it.
class CacheRefusal : public CacheError {
public:
    using CacheError::CacheError;
};

/// What is wrong with a file, a line of it each; what() is the first.
class BadLines : public Error {
public:
    explicit BadLines(std::vector<std::string> complaints)
        : Error(ExitStatus::usage, complaints.front()), m_complaints(std::move(complaints)) {}

    const std::vector<std::string>& complaints() const { return m_complaints; }

private:
    std::vector<std::string> m_complaints;
};

inline Error usage_error(const std::string& message) {
    return {ExitStatus::usage, message};
}

} // namespace ordercache
