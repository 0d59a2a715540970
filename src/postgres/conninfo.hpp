#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ordercache {

/// libpq's connection parameters. They may hold a password: no message quotes one.
class Conninfo {
public:
    /// Reads `key=value …` as libpq's conninfo_parse does: of two that are the same the later
    /// wins. Throws std::invalid_argument where libpq would refuse it, and echo a part.
    static Conninfo parse(std::string_view text);

    /// Throws std::invalid_argument where libpq has no parameter of that name.
    void set(std::string_view name, std::string value);

    /// As libpq stores the pieces of a URI: an empty one leaves the default.
    void set_unless_empty(std::string_view name, std::string value);

    /// Absent: not set, and libpq takes its default, from the environment say.
    std::optional<std::string> get(std::string_view name) const;

    /// `key='value' …`, for libpq.
    std::string to_string() const;

private:
    std::map<std::string, std::string, std::less<>> m_values;
};

} // namespace ordercache
