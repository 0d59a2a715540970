#pragma once

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

namespace ordercache {

/// A variable's value; absent where it is unset.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// The process's own environment.
inline std::optional<std::string> process_environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

} // namespace ordercache
