-- What decides which rows a role sees. A query plans it only for a table with row security.
CREATE OR REPLACE FUNCTION {schema}.row_security(counted oid) RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT hashtextextended(concat_ws(' ', relowner, relforcerowsecurity,
        (SELECT string_agg(concat_ws(' ', p.oid, p.xmin), ',' ORDER BY p.oid)
         FROM pg_policy AS p WHERE polrelid = counted),
        (SELECT string_agg(r.oid::text, ',' ORDER BY r.oid)
         FROM pg_roles AS r WHERE rolbypassrls OR rolsuper),
        (SELECT string_agg(concat_ws(' ', roleid, member, m.xmin), ',' ORDER BY roleid, member)
         FROM pg_auth_members AS m)), 0)
    FROM pg_class WHERE oid = counted
$$;

-- What the number of all orders depends on, beside the rows: a state of each part of the table, of the
-- table of changes, and of row security if there is any. Each changes with the part or its triggers.
-- It has no search_path of its own, so that a query can contain it.
CREATE OR REPLACE FUNCTION {schema}.states(counted regclass)
    RETURNS TABLE (relid oid, is_followed boolean, is_partial boolean, state bigint)
    LANGUAGE sql STABLE AS $$
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
               count(*) FILTER (WHERE tgfoid = to_regproc('{schema}.note_change')
                                      AND tgenabled = 'A') AS of_ours
        FROM parts LEFT JOIN pg_trigger AS t ON tgrelid = relid
        GROUP BY relid
    )
    SELECT relid, is_leaving OR relkind IN ('r', 'p') AND of_ours = 3, is_leaving,
           hashtextextended(concat_ws(' ', relid, links, is_leaving, relfilenode, relrowsecurity,
                                      triggers), 0)
    FROM parts JOIN triggered USING (relid) JOIN pg_class ON pg_class.oid = relid
    UNION ALL
    SELECT oid, true, false, hashtextextended(pg_relation_filenode(oid)::text, 0)
    FROM pg_class WHERE oid = '{schema}.change'::regclass
    UNION ALL
    SELECT oid, true, true, {schema}.row_security(oid)
    FROM pg_class WHERE oid = counted AND relrowsecurity
$$;

-- A text that changes with one of these states; null if there are changes that are not noted, or rows
-- that not every role sees.
CREATE OR REPLACE FUNCTION {schema}.fingerprint(counted regclass) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sum(state)::text FROM {schema}.states(counted)
    HAVING bool_and(is_followed) AND NOT bool_or(is_partial)
$$;

-- Transactions that may change orders without a note: one whose changes are not noted, because the
-- table of changes was full; and one that is prepared, whose notes a crash may have removed.
CREATE OR REPLACE FUNCTION {schema}.locks(parts oid[])
    RETURNS TABLE (kind text, virtualtransaction text) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT CASE locktype WHEN 'advisory' THEN 'unnoted' ELSE 'prepared' END,
           virtualtransaction
    FROM pg_locks
    WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (locktype = 'advisory' AND (classid, objid, objsubid) = ({unnoted_lock}, 2)
           OR locktype = 'relation' AND pid IS NULL -- prepared
              AND mode NOT IN ('AccessShareLock', 'RowShareLock') AND relation = ANY (parts))
$$;

-- Whether that follower may count the orders now.
CREATE OR REPLACE FUNCTION {schema}.may_count(counted regclass, follower text) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM {schema}.follower WHERE token = may_count.follower)
       AND NOT {schema}.is_full()
       AND NOT EXISTS (SELECT FROM {schema}.locks(ARRAY(SELECT relid FROM {schema}.states(counted))))
$$;

-- The number of all orders in the snapshot of the query that calls it, or null if it is not known.
-- The tables are locked before the state of the table of changes is looked at: a TRUNCATE is seen in
-- every snapshot. It is SQL, as is what else a session calls once, since PL/pgSQL takes a millisecond
-- to load.
CREATE OR REPLACE FUNCTION {schema}.total_now(counted regclass, condition text) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT known.orders + noted.orders
    FROM {schema}.total AS known,
         (SELECT coalesce(sum(orders), 0)::bigint AS orders, count(*) - count(orders) AS nulls
          FROM {schema}.change) AS noted
    WHERE nulls = 0 AND NOT {schema}.is_full()
      AND condition = (SELECT v.condition FROM {schema}.view() AS v)
      AND known.tables = {schema}.fingerprint(counted)
$$;

-- It runs with its owner's rights, so that its callers need no right to the tables. A standby has no
-- UNLOGGED tables. There total_now(), which reads them, is not called.
CREATE OR REPLACE FUNCTION {schema}.known_total(counted regclass, condition text) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN NOT pg_is_in_recovery() THEN {schema}.total_now(counted, condition) END
$$;
REVOKE ALL ON FUNCTION {schema}.known_total(regclass, text) FROM PUBLIC;

-- Notes orders of a transaction that keeps the cache true by itself and that the triggers skip. Null
-- stands for an unknown number. If the table is full, it does as note_change() does.
CREATE OR REPLACE FUNCTION {schema}.note_handled(orders bigint) RETURNS text
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_advisory_xact_lock_shared({unnoted_lock}) WHERE {schema}.is_full();
    INSERT INTO {schema}.change
    SELECT pg_current_xact_id(), NULL, note_handled.orders, true WHERE NOT {schema}.is_full();
    SELECT ''
$$;
REVOKE ALL ON FUNCTION {schema}.note_handled(bigint) FROM PUBLIC;
