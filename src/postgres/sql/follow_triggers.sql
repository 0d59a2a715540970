-- The triggers: on orders, whose partitions get them from it, and on tables that inherit from it.
-- They fire ALWAYS, so also for what logical replication writes. They do not fire for a transaction
-- that says, with its own id, that it keeps the cache true by itself, as `ordercache add` does.
DO $$
DECLARE
    counted regclass := to_regclass('orders');
    another text; -- what it is instead of a table
    owner regrole;
    unhandled CONSTANT text := 'pg_catalog.current_setting(''ordercache.handled'', true) '
        'IS DISTINCT FROM pg_catalog.pg_current_xact_id()::text';
    parts oid[];
    missing record;
    found record;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    IF counted IS NULL THEN
        RAISE EXCEPTION USING MESSAGE =
            'there is no table orders in the search_path of database ' || current_database();
    END IF;
    another := (SELECT CASE WHEN relpersistence = 't' THEN 'temporary'
                            WHEN relkind IN ('r', 'p') THEN NULL
                            WHEN relkind = 'v' THEN 'a view'
                            WHEN relkind = 'm' THEN 'a materialized view'
                            WHEN relkind = 'f' THEN 'a foreign table'
                            ELSE 'not a table' END
                FROM pg_class WHERE oid = counted);
    IF another IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE =
            counted::text || ' is ' || another || ': only the changes of a table can be followed';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
                   WHERE attrelid = counted AND attname = 'customerid' AND typcategory = 'N') THEN
        RAISE EXCEPTION 'the table orders has no column customerid of numbers';
    END IF;

    parts := ARRAY(
        WITH RECURSIVE tree (relid) AS (
            SELECT counted::oid
            UNION
            SELECT inhrelid
            FROM tree JOIN pg_inherits ON inhparent = relid JOIN pg_class ON oid = inhrelid
            WHERE relpersistence <> 't') -- others do not see its rows
        SELECT relid FROM tree);

    FOR found IN
        SELECT tgrelid::regclass AS relid, tgname FROM pg_trigger
        WHERE tgfoid = 'ordercache.note_change'::regproc AND tgparentid = 0
          AND (tgrelid <> ALL (parts) OR tgname NOT IN (
              'ordercache_insert', 'ordercache_delete', 'ordercache_update'))
    LOOP
        EXECUTE 'DROP TRIGGER IF EXISTS ' || quote_ident(found.tgname) || ' ON ' || found.relid;
    END LOOP;

    FOR missing IN
        SELECT pg_class.oid::regclass AS relid, event, condition
        FROM pg_class CROSS JOIN (
            VALUES ('insert', unhandled), ('delete', unhandled),
                   ('update', 'OLD.customerid IS DISTINCT FROM NEW.customerid AND ' || unhandled)
            ) AS wanted (event, condition)
        WHERE pg_class.oid = ANY (parts) AND (pg_class.oid = counted OR NOT relispartition)
          AND NOT EXISTS (SELECT FROM pg_trigger
                          WHERE tgrelid = pg_class.oid AND tgname = 'ordercache_' || event)
    LOOP
        EXECUTE 'CREATE TRIGGER ordercache_' || missing.event || ' AFTER ' || missing.event
            || ' ON ' || missing.relid || ' FOR EACH ROW WHEN (' || missing.condition
            || ') EXECUTE FUNCTION ordercache.note_change()';
    END LOOP;

    FOR found IN
        SELECT tgrelid::regclass AS relid, tgname FROM pg_trigger
        WHERE tgfoid = 'ordercache.note_change'::regproc AND tgenabled <> 'A'
    LOOP
        EXECUTE 'ALTER TABLE ' || found.relid || ' ENABLE ALWAYS TRIGGER '
            || quote_ident(found.tgname);
    END LOOP;

    -- note_change() gets the rights of the owner of orders, and no more: a column's type may have
    -- casts that run that role's code. A role that attaches a partition copies the triggers, too.
    owner := (SELECT relowner FROM pg_class WHERE oid = counted);
    EXECUTE 'GRANT USAGE ON SCHEMA ordercache TO ' || owner;
    EXECUTE 'GRANT INSERT ON ordercache.change TO ' || owner;
    EXECUTE 'ALTER FUNCTION ordercache.note_change() OWNER TO ' || owner;
END
$$;

-- What the follower's role needs, beside SELECT on orders:
--   GRANT USAGE ON SCHEMA ordercache TO follower;
--   GRANT SELECT, DELETE, TRUNCATE ON ordercache.change TO follower;
--   GRANT SELECT, INSERT, DELETE ON ordercache.follower TO follower;
COMMIT;
