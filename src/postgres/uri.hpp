#pragma once

#include "base/environment.hpp"

#include <string>
#include <string_view>

namespace ordercache {

/// A PostgreSQL service, as PG_SERVICE_URI and PG_DATABASE name it.
struct PostgresService {
    std::string connection_string; ///< For libpq, as `key='value' …`; holds the password.
    std::string database;          ///< The database in use; empty for libpq's default.

    /// A word that names the server and the database, by everything that chooses them, passwords
    /// left out.
    std::string origin = {};
};

/// Reads a `postgres` or `postgresql` URI or libpq's `key=value` form. The service uses `database`
/// or, if that is empty, the database that the URI names. Refuses what would make libpq show a
/// password. Throws std::invalid_argument, whose message says what is wrong and never quotes a
/// value.
PostgresService parse_postgres_uri(std::string_view text, std::string_view database,
                                   const Environment& environment);

/// Returns the value as libpq's connection string needs it: in quotes.
std::string quote_parameter(std::string_view value);

} // namespace ordercache
