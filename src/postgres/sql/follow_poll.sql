-- The follower calls this many times a second, in a transaction that it ends when the cache has the
-- changes. All rows are from one snapshot. They come in this order:
--   busy         another follower's poll is under way; no other row comes
--   tables       a text that changes when the table, one of its parts, a trigger or a policy changes;
--                and the size of the table of changes in bytes
--   full         that table has reached its limit
--   follower     the token of the follower that started last; no row after a crash
--   prepared     a prepared transaction that has a writer's lock on the table or on the changes
--   unnoted      a transaction whose changes are not noted, because the table was full
--   missing      a part of the table whose changes are not always noted
--   stray        a table that is not a part of that table, and whose changes are noted
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
    -- What SELECT reads: no partition whose DETACH CONCURRENTLY is pending (PostgreSQL 13 has no
    -- such column), and no temporary table, which only its own session would see.
    WITH RECURSIVE tree (relid, link, is_leaving) AS (
        SELECT counted::oid, '', false
        UNION ALL
        SELECT inhrelid, i.xmin::text,
               is_leaving OR coalesce((to_jsonb(i) ->> 'inhdetachpending')::boolean, false)
        FROM tree JOIN pg_inherits AS i ON inhparent = relid JOIN pg_class ON oid = inhrelid
        WHERE relpersistence <> 't'
    ), parts AS (
        SELECT relid, string_agg(link, ' ' ORDER BY link) AS links, bool_or(is_leaving) AS is_leaving
        FROM tree
        GROUP BY relid -- a table may inherit from two others
    ), triggered AS (
        SELECT relid, string_agg(concat_ws(' ', t.oid, t.xmin, t.tgenabled), ',' ORDER BY t.oid)
                   AS triggers,
               count(*) FILTER (WHERE tgfoid = '{schema}.note_change'::regproc
                                      AND tgenabled = 'A') AS of_ours
        FROM parts LEFT JOIN pg_trigger AS t ON tgrelid = relid
        GROUP BY relid
    ), tables AS (
        SELECT relid, is_leaving OR relkind IN ('r', 'p') AND of_ours = 3 AS is_followed,
               hashtextextended(concat_ws(' ', relid, links, is_leaving, relfilenode,
                                          relrowsecurity, triggers), 0) AS state
        FROM parts JOIN triggered USING (relid) JOIN pg_class ON pg_class.oid = relid
    ), secured AS (
        SELECT concat_ws(' ', relowner, relforcerowsecurity,
            (SELECT string_agg(concat_ws(' ', p.oid, p.xmin), ',' ORDER BY p.oid)
             FROM pg_policy AS p WHERE polrelid = counted),
            (SELECT string_agg(r.oid::text, ',' ORDER BY r.oid)
             FROM pg_roles AS r WHERE rolbypassrls OR rolsuper),
            (SELECT string_agg(concat_ws(' ', roleid, member, m.xmin), ',' ORDER BY roleid, member)
             FROM pg_auth_members AS m)) AS state
        FROM pg_class WHERE oid = counted AND relrowsecurity
    ), partial AS (
        SELECT EXISTS (SELECT FROM secured) OR EXISTS (SELECT FROM parts WHERE is_leaving)
    ), locks AS (
        SELECT DISTINCT CASE locktype WHEN 'advisory' THEN 'unnoted' ELSE 'prepared' END AS kind,
               virtualtransaction
        FROM pg_locks
        WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND (locktype = 'advisory' AND (classid, objid, objsubid) = ({unnoted_lock}, 2)
               OR locktype = 'relation' AND pid IS NULL -- prepared
                  AND mode NOT IN ('AccessShareLock', 'RowShareLock')
                  AND (relation = '{schema}.change'::regclass
                       OR relation IN (SELECT relid FROM parts)))
    ), changed AS (
        DELETE FROM {schema}.change RETURNING transaction, customer, orders, is_handled
    ), unhandled AS (
        SELECT transaction, customer, orders FROM changed WHERE NOT is_handled
    )
    SELECT 'tables', concat_ws(' ', sum(state), (SELECT relfilenode FROM pg_class
                                                 WHERE oid = '{schema}.change'::regclass),
                               (SELECT hashtextextended(state, 0) FROM secured)),
           pg_relation_size('{schema}.change')
    FROM tables
    UNION ALL
    SELECT 'full', NULL, NULL WHERE {schema}.is_full()
    UNION ALL
    SELECT 'follower', token, NULL FROM {schema}.follower
    UNION ALL
    SELECT locks.kind, virtualtransaction, NULL FROM locks
    UNION ALL
    SELECT 'missing', min(relid::regclass::text), NULL FROM tables WHERE NOT is_followed
    HAVING count(*) > 0
    UNION ALL
    SELECT 'stray', min(tgrelid::regclass::text), NULL
    FROM pg_depend JOIN pg_trigger AS t ON t.oid = objid
    WHERE classid = 'pg_trigger'::regclass AND refclassid = 'pg_proc'::regclass
      AND refobjid = '{schema}.note_change'::regproc
      AND tgrelid NOT IN (SELECT relid FROM parts)
    HAVING count(*) > 0
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
