-- What the follower asks, many times a second, in a transaction that ends when it has seen to the
-- cache. All rows but the first are of one snapshot.
--   busy         another follower is at work: nothing else is told
--   transaction  its id, and by how much it changed the number of all orders
--   customer     one whose orders changed
--   follower     the token of the follower that was here last; none after a crash
--   partial      with row security who counts may not see all orders: the numbers say too much
--   prepared     a transaction that is prepared, and not committed yet
--   tables       a number that is another one when orders, one of its partitions or a trigger
--                changed; and how many bytes the table of changes takes
--   missing      a part of orders whose changes are not, or not always, noted down
--   stray        a table that is no part of orders, and whose changes are noted down
CREATE OR REPLACE FUNCTION ordercache.poll(counted regclass)
    RETURNS TABLE (kind text, subject text, amount bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock({follower_lock}) THEN
        RETURN QUERY SELECT 'busy', NULL, NULL::bigint;
        RETURN;
    END IF;
    RETURN QUERY
    WITH RECURSIVE tree (relid, link) AS (
        SELECT counted::oid, ''
        UNION ALL
        SELECT inhrelid, pg_inherits.xmin::text
        FROM pg_inherits JOIN tree ON inhparent = relid
    ), triggered AS (
        SELECT relid, string_agg(concat_ws(' ', t.oid, t.xmin, t.tgenabled), ',' ORDER BY t.oid)
                   AS triggers,
               count(*) FILTER (WHERE tgfoid = 'ordercache.note_change'::regproc
                                      AND tgenabled = 'A') AS of_ours
        FROM tree LEFT JOIN pg_trigger AS t ON tgrelid = relid
        GROUP BY relid
    ), tables AS (
        SELECT relid, relkind IN ('r', 'p') AND of_ours = 3 AS is_followed,
               hashtextextended(concat_ws(' ', relid, link, relfilenode, relrowsecurity, triggers),
                                0) AS state
        FROM tree JOIN triggered USING (relid) JOIN pg_class ON pg_class.oid = relid
    ), changed AS (
        DELETE FROM ordercache.change RETURNING transaction, customer, orders
    )
    SELECT CASE WHEN GROUPING(customer) = 1 THEN 'transaction' ELSE 'customer' END,
           CASE WHEN GROUPING(customer) = 1 THEN transaction::text ELSE customer::text END,
           sum(orders)
    FROM changed
    GROUP BY GROUPING SETS ((transaction), (customer))
    HAVING GROUPING(customer) = 1 OR customer IS NOT NULL
    UNION ALL
    SELECT 'follower', token, NULL FROM ordercache.follower
    UNION ALL
    SELECT 'partial', NULL, NULL FROM pg_class WHERE oid = counted AND relrowsecurity
    UNION ALL
    SELECT 'prepared', p.transaction::text, NULL
    FROM pg_prepared_xacts AS p WHERE database = current_database()
    UNION ALL
    SELECT 'tables', sum(state)::text, pg_relation_size('ordercache.change') FROM tables
    UNION ALL
    SELECT 'missing', relid::regclass::text, NULL FROM tables WHERE NOT is_followed
    UNION ALL
    SELECT DISTINCT 'stray', tgrelid::regclass::text, NULL::bigint
    FROM pg_depend JOIN pg_trigger AS t ON t.oid = objid
    WHERE classid = 'pg_trigger'::regclass AND refclassid = 'pg_proc'::regclass
      AND refobjid = 'ordercache.note_change'::regproc
      AND tgrelid NOT IN (SELECT relid FROM tree);
END
$$;
