#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ordercache {

/// The reply is well formed but does not fit the statement. PostgreSQL itself never sends such a
/// reply.
class UnexpectedReply : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A row of a result. Its columns have names. Every function throws UnexpectedReply if the column
/// is missing, or its value is not of that kind.
class Row {
public:
    /// By the columns' names; nullopt for NULL.
    using Values = std::map<std::string, std::optional<std::string>, std::less<>>;

    explicit Row(Values values) : m_values(std::move(values)) {}

    /// Returns nullopt for NULL.
    const std::optional<std::string>& value(std::string_view column) const;
    bool is_null(std::string_view column) const { return !value(column); }

    /// These throw UnexpectedReply for NULL.
    const std::string& text(std::string_view column) const;
    std::int64_t number(std::string_view column) const;
    bool flag(std::string_view column) const;

private:
    Values m_values;
};

/// The result of a statement.
struct Rows : std::vector<Row> {
    /// Throws UnexpectedReply unless there is exactly one row.
    Row only() const;
};

} // namespace ordercache
