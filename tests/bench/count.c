/* count CONNECTION SQL: one statement on PostgreSQL, and its first value printed. The yardstick of
 * a miss. */

#include <libpq-fe.h>
#include <stdio.h>

int main(int argc, char** argv) {
    if (argc != 3) {
        return 2;
    }
    PGconn* connection = PQconnectdb(argv[1]);
    PGresult* result = PQexec(connection, argv[2]);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        fputs(PQerrorMessage(connection), stderr);
        return 1;
    }
    puts(PQgetvalue(result, 0, 0));
    PQclear(result);
    PQfinish(connection);
    return 0;
}
