#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ordercache {

/// Thrown where a reply is well formed and not what the statement asked for: PostgreSQL never says
/// such a thing, but what stands in its place may.
class UnexpectedReply : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class Rows;

/// A row of Rows, which must outlive it. Columns go by their names. Every function throws
/// UnexpectedReply where there is no such column, or its value is not of the kind.
class Row {
public:
    Row(const Rows& rows, std::size_t index) : m_rows(rows), m_index(index) {}

    bool is_null(std::string_view column) const;
    const std::string& text(std::string_view column) const;
    std::int64_t number(std::string_view column) const;
    bool flag(std::string_view column) const;

private:
    const std::optional<std::string>& value(std::string_view column) const;

    const Rows& m_rows;
    std::size_t m_index;
};

/// What a statement gave.
class Rows {
public:
    using Values = std::vector<std::optional<std::string>>; ///< Absent: NULL.

    Rows() = default;
    explicit Rows(std::vector<std::string> columns) : m_columns(std::move(columns)) {}

    /// A row; as many values as there are columns.
    void add(Values values) { m_rows.push_back(std::move(values)); }

    std::size_t size() const { return m_rows.size(); }
    bool empty() const { return m_rows.empty(); }
    Row operator[](std::size_t index) const { return {*this, index}; }

    /// The one row that a statement gives; throws UnexpectedReply where it gave none, or several.
    Row only() const;

    class Iterator {
    public:
        Iterator(const Rows& rows, std::size_t index) : m_rows(&rows), m_index(index) {}
        Row operator*() const { return (*m_rows)[m_index]; }
        Iterator& operator++() {
            ++m_index;
            return *this;
        }
        bool operator==(const Iterator&) const = default;

    private:
        const Rows* m_rows;
        std::size_t m_index;
    };
    Iterator begin() const { return {*this, 0}; }
    Iterator end() const { return {*this, size()}; }

private:
    friend class Row;

    std::vector<std::string> m_columns;
    std::vector<Values> m_rows;
};

} // namespace ordercache
