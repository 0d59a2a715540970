#pragma once

#include "base/environment.hpp"

#include <string>
#include <string_view>

namespace ordercache {

/// A PostgreSQL service, as PG_SERVICE_URI and PG_DATABASE name it.
struct PostgresService {
    std::string connection_string; ///< For libpq, as `key='value' …`; holds the password.
    std::string peer;     ///< How an error names it: `db.example:5432`; every host of several.
    std::string database; ///< The database in use; empty: libpq's default.
};

/// Takes a `postgres` or `postgresql` URI or libpq's `key=value` form, and has it use `database`
/// (empty: the one that it names). What it leaves open is looked up in `environment`, as libpq
/// does, to name it. Refuses whatever would make libpq echo a password.
/// Throws std::invalid_argument, whose message says what is wrong and never quotes the URI.
PostgresService parse_postgres_uri(std::string_view text, std::string_view database,
                                   const Environment& environment);

} // namespace ordercache
