-- For a table that is not plain: takes the lock of a batch if it or one of its partitions may change
-- more counts than the order says. A partition whose DETACH is pending may have been
-- attached when the order was inserted. It stays in pg_inherits until this transaction has ended.
WITH RECURSIVE tables AS (
    SELECT {table_name}::regclass::oid AS id
    UNION ALL SELECT inhrelid FROM pg_inherits JOIN tables ON inhparent = id
), look AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM tables JOIN pg_class ON oid = id WHERE {changes_more}) AS more
)
SELECT more, more AND EXISTS (SELECT FROM pg_foreign_table) AS may_be_remote,
       CASE WHEN more THEN {batch_lock} ELSE {lock} END
FROM look
