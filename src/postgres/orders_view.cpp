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

/// The first two are never left out.
constexpr std::array<Column, 6> k_columns = {{{"orderid", &OrdersView::order_id},
                                              {"customerid", &OrdersView::customer},
                                              {"orderdate", &OrdersView::date},
                                              {"netamount", &OrdersView::net},
                                              {"tax", &OrdersView::tax},
                                              {"totalamount", &OrdersView::total}}};

constexpr std::string_view k_separators = ", \t\n";

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

/// Takes the quoted name that the text begins with, and returns it without its quotes.
std::string take_quoted(std::string_view& text) {
    std::string name;
    do { // a quote inside is doubled
        const auto end = text.find('"', 1);
        name += text.substr(0, end);
        text.remove_prefix(std::min(end, text.size() - 1) + 1);
        if (end == std::string_view::npos) {
            throw std::invalid_argument("the quotes of a name are not closed");
        }
    } while (text.starts_with('"'));
    return name.substr(1);
}

std::string take_unquoted(std::string_view& text) {
    const auto* const end = std::ranges::find_if_not(text, is_part_of_name);
    std::string name = lower_case({text.begin(), end});
    text.remove_prefix(name.size());
    return name.find_first_of("$0123456789") == 0 ? "" : name;
}

/// Takes the name that the text begins with, and returns it as SQL.
std::string take_name(std::string_view& text) {
    const std::string name = text.starts_with('"') ? take_quoted(text) : take_unquoted(text);
    if (name.empty() || name.size() > k_longest_name || printable(name, '?') != name) {
        throw std::invalid_argument("an SQL name is letters, digits and _, or any text between "
                                    "double quotes, of at most 63 bytes");
    }
    const bool is_tutorials =
        name == "orders" || std::ranges::count(k_columns, name, &Column::first);
    return is_tutorials ? name : doubled(name, '"');
}

bool is_at_end(std::string_view text) {
    return text.empty() || k_separators.find(text.front()) != std::string_view::npos;
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
    while (text.remove_prefix(std::min(text.find_first_not_of(k_separators), text.size())),
           !text.empty()) {
        const std::string left = take_name(text);
        const auto* const column = std::ranges::find(k_columns, left, &Column::first);
        if (column == k_columns.end() || !text.starts_with('=')) {
            throw std::invalid_argument(
                "each piece must name one of orderid, orderdate, customerid, netamount, tax and "
                "totalamount, and its column, as in customerid=user_id");
        }
        text.remove_prefix(1);
        if (is_at_end(text) && column < k_columns.begin() + 2) {
            throw std::invalid_argument(left + " cannot be left out");
        }
        view.*(column->second) = is_at_end(text) ? "" : take_name(text);
        if (!is_at_end(text)) {
            throw std::invalid_argument("an SQL name must end at a comma or a blank");
        }
    }
}

std::string bare_name(std::string_view name) {
    return name.starts_with('"') ? take_quoted(name) : std::string(name);
}

std::string sql_literal(std::string_view text) {
    return doubled(text, '\'');
}

} // namespace ordercache
