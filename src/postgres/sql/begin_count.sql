-- `transaction_timeout` came with PostgreSQL 17. The table of the orders is locked first, as it is where
-- the triggers are removed. The locks come before the look whether the follower may count, and that
-- look before the snapshot of the count: nobody empties the table of changes in between.
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = 0;
SELECT set_config('transaction_timeout', '0', true)
WHERE current_setting('transaction_timeout', true) <> '0';
LOCK TABLE {table} IN ACCESS SHARE MODE;
LOCK TABLE {schema}.change IN ACCESS SHARE MODE;
SELECT {schema}.may_count({table_name}::regclass, {token}) AS may_count
