#pragma once

#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// Returns a variable's value; nullopt if it is unset.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// The process's own environment.
inline std::optional<std::string> process_environment(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

/// Unsets each variable that is empty: libpq and OpenSSL would take it as set.
inline void unset_empty_variables() {
    std::vector<std::string> empty;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string text = *variable;
        if (text.find('=') + 1 == text.size()) {
            empty.push_back(text.substr(0, text.size() - 1));
        }
    }
    for (const std::string& name : empty) {
        unsetenv(name.c_str());
    }
}

} // namespace ordercache
