-- The follower calls this many times a second, in a transaction that it ends when the cache has the
-- changes. It moves them into the known total. All rows are from one snapshot, in this order:
--   busy         another follower's poll is under way; no other row comes
--   tables       a text that changes when the table, one of its parts, a trigger or a policy changes;
--                and the size of the table of changes in bytes
--   full         that table has reached its limit
--   follower     the token of the follower that started last; no row after a crash
--   prepared     a prepared transaction that has a writer's lock on the table or on the changes
--   unnoted      a transaction whose changes are not noted, because the table was full
--   missing      a part of the table whose changes are not always noted
--   stray        a table that is not a part of that table, and whose changes are noted
--   uncounted    the total is not known, and nothing that could change it unnoticed is in flight
--   total        the number of all orders may have changed by an unknown number: row security may
--                hide some from a reader, or a partition is being detached
-- and of what writers did that do not keep the cache true by themselves:
--   transaction  its id, and by how much it changed the number of all orders; none beside `total`
--   customer     a customer whose orders changed
CREATE OR REPLACE FUNCTION {schema}.poll(counted regclass)
    RETURNS TABLE (kind text, subject text, amount bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock({follower_lock}) THEN
        RETURN QUERY SELECT 'busy', NULL, NULL::bigint;
        RETURN;
    END IF;
    RETURN QUERY
    WITH states AS MATERIALIZED (
        SELECT * FROM {schema}.states(counted)
    ), locks AS MATERIALIZED (
        SELECT * FROM {schema}.locks(ARRAY(SELECT relid FROM states))
    ), changed AS (
        DELETE FROM {schema}.change RETURNING transaction, customer, orders, is_handled
    ), unhandled AS (
        SELECT transaction, customer, orders FROM changed WHERE NOT is_handled
    ), folded AS (
        UPDATE {schema}.total SET orders = total.orders + news.orders,
                                  tables = CASE WHEN news.nulls = 0 THEN tables ELSE '' END,
                                  version = version + news.nulls
        FROM (SELECT coalesce(sum(orders), 0) AS orders, count(*) - count(orders) AS nulls
              FROM changed) AS news
        WHERE news.orders <> 0 OR news.nulls > 0
    ), partial AS (
        SELECT bool_or(is_partial) FROM states
    )
    SELECT 'tables', sum(state)::text, pg_relation_size('{schema}.change') FROM states
    UNION ALL
    SELECT 'full', NULL, NULL WHERE {schema}.is_full()
    UNION ALL
    SELECT 'follower', token, NULL FROM {schema}.follower
    UNION ALL
    SELECT locks.kind, virtualtransaction, NULL FROM locks
    UNION ALL
    SELECT 'missing', min(relid::regclass::text), NULL FROM states WHERE NOT is_followed
    HAVING count(*) > 0
    UNION ALL
    SELECT 'stray', min(tgrelid::regclass::text), NULL
    FROM pg_depend JOIN pg_trigger AS t ON t.oid = objid
    WHERE classid = 'pg_trigger'::regclass AND refclassid = 'pg_proc'::regclass
      AND refobjid = '{schema}.note_change'::regproc
      AND tgrelid NOT IN (SELECT relid FROM states)
    HAVING count(*) > 0
    UNION ALL
    SELECT 'uncounted', NULL, NULL
    WHERE NOT (TABLE partial) AND NOT {schema}.is_full() AND NOT EXISTS (SELECT FROM locks)
      AND (SELECT sum(state)::text FROM states)
          IS DISTINCT FROM (SELECT total.tables FROM {schema}.total)
    UNION ALL
    SELECT 'total', NULL, NULL WHERE (TABLE partial) AND EXISTS (SELECT FROM unhandled)
    UNION ALL
    SELECT CASE WHEN GROUPING(customer) = 1 THEN 'transaction' ELSE 'customer' END,
           CASE WHEN GROUPING(customer) = 1 THEN transaction::text ELSE customer END,
           sum(orders)::bigint
    FROM unhandled
    GROUP BY GROUPING SETS ((transaction), (customer))
    HAVING CASE WHEN GROUPING(customer) = 1 THEN sum(orders) <> 0 AND NOT (TABLE partial)
                ELSE customer IS NOT NULL END;
END
$$;
