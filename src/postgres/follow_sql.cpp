#include "postgres/follow_sql.hpp"

#include "postgres/sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>

namespace ordercache {

namespace {

/// The classes of the advisory locks, of a follower and of a transaction whose changes are not
/// noted: "ordf" and "ordg" in ASCII. The key is the schema's id, so that each view has its own.
constexpr std::int64_t k_follower_class = 0x6f726466;
constexpr std::int64_t k_unnoted_class = 0x6f726467;

std::string lock(std::int64_t lock_class, const std::string& schema) {
    return fmt::format("{}, '{}'::regnamespace::oid::int", lock_class, schema);
}

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/// FNV-1a: the same on every machine.
std::uint64_t hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    return hash;
}

/// The name of the default prefix is short, and the one that version 1.1 had.
constexpr std::string_view k_default_prefix = "num_orders";
constexpr const char* k_default_schema = "ordercache";

} // namespace

std::string follow_schema(std::string_view prefix) {
    // A name has at most 63 bytes, and a trigger's is longer by seven than its schema's.
    constexpr std::size_t longest = 63 - 7 - std::size("ordercache");
    constexpr std::size_t hash_length = std::size("0123456789abcdef");
    if (prefix == k_default_prefix) {
        return k_default_schema;
    }
    std::string name(prefix);
    if (name.size() > longest || !std::ranges::all_of(name, is_plain)) {
        name.resize(std::min(name.size(), longest - hash_length));
        std::ranges::replace_if(name, std::not_fn(is_plain), '_');
        name += fmt::format("_{:016x}", hash(prefix));
    }
    return fmt::format("{}_{}", k_default_schema, name);
}

std::string customers_sql(const OrdersView& view) {
    return fmt::format("{}, {}, {}", sql_literal(view.customer),
                       sql_literal(to_string(view.customer_type)), sql_literal(view.condition));
}

std::string follow_sql(const char* text, const OrdersView& view) {
    const auto fill = [&](const char* part, const std::string& drop, const std::string& body) {
        return fmt::format(
            fmt::runtime(part), fmt::arg("schema", view.schema),
            fmt::arg("version", k_follow_version), fmt::arg("drop", drop), fmt::arg("body", body),
            fmt::arg("follower_lock", lock(k_follower_class, view.schema)),
            fmt::arg("unnoted_lock", lock(k_unnoted_class, view.schema)),
            fmt::arg("view", sql_literal(fmt::format("SELECT {}, {}", sql_literal(view.table),
                                                     customers_sql(view)))));
    };
    return fill(text, fill(sql::k_follow_drop, "", ""),
                fill(sql::k_follow_trigger_function, "", ""));
}

std::string follow_setup_sql(const OrdersView& view) {
    return follow_sql(sql::k_follow_tables, view) + '\n' + follow_sql(sql::k_follow_total, view) +
           '\n' + follow_sql(sql::k_follow_poll, view) + '\n' +
           follow_sql(sql::k_follow_triggers, view);
}

std::string follow_removal_sql(const std::string& schema) {
    OrdersView view;
    view.schema = schema;
    return follow_sql(sql::k_follow_removal, view);
}

} // namespace ordercache
