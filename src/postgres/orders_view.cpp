#include "postgres/orders_view.hpp"

#include "base/quoted.hpp"
#include "base/uri.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <utility>

namespace ordercache {

namespace {

constexpr std::size_t k_longest_name = 63; // PostgreSQL cuts longer ones

using Column = std::pair<std::string_view, std::string OrdersView::*>;

constexpr std::array<Column, 6> k_columns = {{{"orderid", &OrdersView::order_id},
                                              {"orderdate", &OrdersView::date},
                                              {"customerid", &OrdersView::customer},
                                              {"netamount", &OrdersView::net},
                                              {"tax", &OrdersView::tax},
                                              {"totalamount", &OrdersView::total}}};

bool is_needed(const Column& column) {
    return column.second == &OrdersView::order_id || column.second == &OrdersView::customer;
}

bool is_part_of_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

std::string doubled(std::string_view text, char quote) {
    std::string quoted(1, quote);
    for (const char c : text) {
        quoted.append(c == quote ? 2 : 1, c);
    }
    return quoted + quote;
}

/// Returns the length of the quoted name that the text begins with.
std::size_t quoted_length(std::string_view text) {
    std::size_t end = text.find('"', 1);
    while (end != std::string_view::npos && text.substr(end + 1).starts_with('"')) {
        end = text.find('"', end + 2);
    }
    if (end == std::string_view::npos) {
        throw std::invalid_argument("the quotes of a name are not closed");
    }
    return end + 1;
}

/// Takes the SQL name that the text begins with.
std::string take_name(std::string_view& text) {
    const bool is_quoted = text.starts_with('"');
    const auto end = std::ranges::find_if_not(text, is_part_of_name);
    const auto length =
        is_quoted ? quoted_length(text) : static_cast<std::size_t>(end - text.begin());
    const std::string_view taken = text.substr(0, length);
    const std::string name = is_quoted ? bare_name(taken) : lower_case(taken);
    if (name.empty() || (!is_quoted && (name[0] == '$' || (name[0] >= '0' && name[0] <= '9')))) {
        throw std::invalid_argument("an SQL name is missing; one with other characters than "
                                    "letters, digits and _ needs double quotes");
    }
    if (name.size() > k_longest_name || printable(name, '?') != name) {
        throw std::invalid_argument(
            "a name is at most 63 bytes of UTF-8 without control characters");
    }
    text.remove_prefix(length);
    const bool is_tutorials =
        name == "orders" || std::ranges::count(k_columns, name, &Column::first);
    return is_tutorials ? name : doubled(name, '"');
}

} // namespace

std::string parse_table(std::string_view text) {
    std::string table = take_name(text);
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        table += '.' + take_name(text);
    }
    if (!text.empty()) {
        throw std::invalid_argument("it must be one or two SQL names, as in shop.orders");
    }
    return table;
}

void parse_columns(std::string_view text, OrdersView& view) {
    constexpr std::string_view separators = ", \t\n";
    while (text.remove_prefix(std::min(text.find_first_not_of(separators), text.size())),
           !text.empty()) {
        const std::string left = take_name(text);
        const auto* const column = std::ranges::find(k_columns, left, &Column::first);
        if (column == k_columns.end() || !text.starts_with('=')) {
            throw std::invalid_argument(
                "each piece must name one of orderid, orderdate, customerid, netamount, tax and "
                "totalamount, and its column, as in customerid=user_id");
        }
        text.remove_prefix(1);
        const bool is_left_out =
            text.empty() || separators.find(text.front()) != std::string_view::npos;
        if (is_left_out && is_needed(*column)) {
            throw std::invalid_argument(left + " cannot be left out");
        }
        view.*(column->second) = is_left_out ? "" : take_name(text);
        if (!text.empty() && separators.find(text.front()) == std::string_view::npos) {
            throw std::invalid_argument("an SQL name must end at a comma or a blank");
        }
    }
}

std::string bare_name(std::string_view name) {
    if (!name.starts_with('"')) {
        return std::string(name);
    }
    std::string bare;
    for (std::size_t i = 1; i + 1 < name.size(); ++i) {
        bare += name[i];
        i += name[i] == '"' ? 1 : 0;
    }
    return bare;
}

std::string sql_literal(std::string_view text) {
    return doubled(text, '\'');
}

} // namespace ordercache
