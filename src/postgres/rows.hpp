#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
    using Columns = std::vector<std::string>;
    using Values = std::vector<std::optional<std::string>>; ///< nullopt for NULL.

    Row(std::shared_ptr<const Columns> columns, Values values)
        : m_columns(std::move(columns)), m_values(std::move(values)) {}

    bool is_null(std::string_view column) const { return !value(column); }
    const std::string& text(std::string_view column) const;
    std::int64_t number(std::string_view column) const;
    bool flag(std::string_view column) const;

private:
    const std::optional<std::string>& value(std::string_view column) const;

    std::shared_ptr<const Columns> m_columns;
    Values m_values;
};

/// The result of a statement.
class Rows {
public:
    using Values = Row::Values;

    Rows() = default;
    explicit Rows(Row::Columns columns)
        : m_columns(std::make_shared<const Row::Columns>(std::move(columns))) {}

    /// Adds a row. There must be as many values as columns.
    void add(Values values) { m_rows.emplace_back(m_columns, std::move(values)); }

    std::size_t size() const { return m_rows.size(); }
    bool empty() const { return m_rows.empty(); }
    auto begin() const { return m_rows.begin(); }
    auto end() const { return m_rows.end(); }

    /// Throws UnexpectedReply unless there is exactly one row.
    Row only() const;

private:
    std::shared_ptr<const Row::Columns> m_columns;
    std::vector<Row> m_rows;
};

} // namespace ordercache
