#include "postgres/rows.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace ordercache {

const std::optional<std::string>& Row::value(std::string_view column) const {
    const auto found = m_values.find(column);
    if (found == m_values.end()) {
        throw UnexpectedReply(fmt::format("there is no column {}", column));
    }
    return found->second;
}

const std::string& Row::text(std::string_view column) const {
    const auto& text = value(column);
    if (!text) {
        throw UnexpectedReply(fmt::format("column {} is NULL", column));
    }
    return *text;
}

std::int64_t Row::number(std::string_view column) const {
    const std::string& digits = text(column);
    std::int64_t number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stopped, failure] = std::from_chars(digits.data(), end, number);
    if (digits.empty() || failure != std::errc{} || stopped != end) {
        throw UnexpectedReply(fmt::format("column {} is not a number", column));
    }
    return number;
}

bool Row::flag(std::string_view column) const {
    const std::string& letter = text(column);
    if (letter != "t" && letter != "f") {
        throw UnexpectedReply(fmt::format("column {} is not a boolean", column));
    }
    return letter == "t";
}

Row Rows::only() const {
    if (size() != 1) {
        throw UnexpectedReply(fmt::format("{} rows instead of one", size()));
    }
    return front();
}

} // namespace ordercache
