-- By how much the known total is wrong, its version, and the fingerprint of the table.
SELECT {count_rows}
       - (SELECT coalesce(sum(change.orders), 0) FROM {schema}.change)
       - coalesce((SELECT total.orders FROM {schema}.total), 0) AS missing,
       coalesce((SELECT version FROM {schema}.total), 0) AS version,
       {schema}.fingerprint({table_name}::regclass) AS tables
