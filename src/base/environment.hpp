#pragma once

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

namespace ordercache {

/// Returns a variable's value; nullopt if it is unset or empty.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// The process's own environment.
inline std::optional<std::string> process_environment(const char* name) {
    const char* const value = std::getenv(name);
    const bool is_set = value != nullptr && *value != '\0';
    return is_set ? std::optional<std::string>(value) : std::nullopt;
}

} // namespace ordercache
