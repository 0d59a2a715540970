#include "postgres/follow_sql.hpp"

#include <fmt/format.h>

namespace ordercache {

namespace {

/// Nobody waits long for the locks on the table orders, and nobody waits long behind them.
constexpr auto k_begin = R"sql(BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL client_min_messages = warning;
)sql";

/// The triggers go with their function.
constexpr auto k_drop_all = R"sql(
    DROP FUNCTION IF EXISTS ordercache.note_change() CASCADE;
    DROP FUNCTION IF EXISTS ordercache.poll(regclass);
    DROP FUNCTION IF EXISTS ordercache.version();
    DROP TABLE IF EXISTS ordercache.change;
    DROP TABLE IF EXISTS ordercache.follower;
)sql";

constexpr auto k_introduction =
    R"sql(-- Has PostgreSQL note down changes of the table orders for `ordercache invalidate --follow`.
-- Run it as the owner of that table, or as a superuser. It may be run again at any time: it does
-- nothing where it was done before. `ordercache invalidate --follow-sql=remove` undoes it.
-- Whoever writes orders needs no new rights. Remove it before orders.customerid is renamed, or gets
-- another type.

)sql";

constexpr auto k_check_version = R"sql(
-- An older version makes room for this one, and a newer one stays.
DO $$
DECLARE
    installed integer := 1;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace
               WHERE nspname = 'ordercache' AND pg_get_userbyid(nspowner) <> current_user) THEN
        RAISE EXCEPTION 'the schema ordercache belongs to another role: run this as that role';
    END IF;
    IF to_regprocedure('ordercache.version()') IS NOT NULL THEN
        installed := ordercache.version();
    END IF;
    IF installed > 1 THEN
        RAISE EXCEPTION 'a newer version is installed';
    ELSIF installed < 1 THEN
)sql";

constexpr auto k_create_tables = R"sql(    END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS ordercache;

-- What changed: for each order that came or went, the transaction, the customer whose order it is,
-- and 1 or -1. No customer where there is none, or one that `count --customer` does not take.
-- The follower deletes what it has read. A crash empties the table; the follower notices.
CREATE UNLOGGED TABLE IF NOT EXISTS ordercache.change (
    transaction xid8 NOT NULL,
    customer integer,
    orders smallint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 1000000000);

-- Who follows: one row, which is gone after a crash, with the changes.
CREATE UNLOGGED TABLE IF NOT EXISTS ordercache.follower (token text NOT NULL);

CREATE OR REPLACE FUNCTION ordercache.version() RETURNS integer
    LANGUAGE sql IMMUTABLE AS 'SELECT 1';
)sql";

constexpr auto k_create_trigger_function = R"sql(
-- Notes a change down. It runs with its owner's rights, so that writers need none on the table of
-- changes, and with a search_path of its own, so that it runs nothing of theirs.
CREATE OR REPLACE FUNCTION ordercache.note_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO ordercache.change (transaction, customer, orders)
        VALUES (pg_catalog.pg_current_xact_id(),
                CASE WHEN OLD.customerid BETWEEN 1 AND 2147483647 THEN OLD.customerid END, -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO ordercache.change (transaction, customer, orders)
        VALUES (pg_catalog.pg_current_xact_id(),
                CASE WHEN NEW.customerid BETWEEN 1 AND 2147483647 THEN NEW.customerid END, 1);
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION ordercache.note_change() FROM PUBLIC;
)sql";

constexpr auto k_create_poll = R"sql(
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
    IF NOT pg_try_advisory_xact_lock({}) THEN
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
)sql";

constexpr auto k_create_triggers = R"sql(
-- The triggers: on orders, whose partitions get them from it, and on tables that inherit from it.
-- ALWAYS: what logical replication writes is noted down too. A transaction that has seen to the
-- cache itself, and says so with its own id, as `ordercache add` does, is passed over.
DO $$
DECLARE
    counted regclass := to_regclass('orders');
    owner regrole;
    unhandled CONSTANT text := 'pg_catalog.current_setting(''ordercache.handled'', true) '
        'IS DISTINCT FROM pg_catalog.pg_current_xact_id()::text';
    parts oid[];
    missing record;
    found record;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    IF NOT EXISTS (SELECT FROM pg_class WHERE oid = counted AND relkind IN ('r', 'p')) THEN
        RAISE EXCEPTION USING MESSAGE =
            'there is no table orders in the search_path of database ' || current_database();
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
                   WHERE attrelid = counted AND attname = 'customerid' AND typcategory = 'N') THEN
        RAISE EXCEPTION 'the table orders has no column customerid of numbers';
    END IF;

    parts := ARRAY(
        WITH RECURSIVE tree (relid) AS (
            SELECT counted::oid
            UNION
            SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = relid)
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

    -- note_change() gets the rights of whoever owns orders, and no more: a column's type may have
    -- casts that run that role's code. Whoever attaches a partition copies the triggers, too.
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
)sql";

constexpr auto k_remove = R"sql(
-- The schema stays where others have put something into it.
DO $$
BEGIN
    DROP SCHEMA IF EXISTS ordercache;
EXCEPTION WHEN dependent_objects_still_exist THEN
    RAISE WARNING 'the schema ordercache stays: it holds something else';
END
$$;
COMMIT;
)sql";

} // namespace

std::string follow_setup_sql() {
    return std::string(k_introduction) + k_begin + k_check_version + k_drop_all + k_create_tables +
           k_create_trigger_function + fmt::format(k_create_poll, k_follower_lock) +
           k_create_triggers;
}

std::string follow_removal_sql() {
    return std::string("-- Takes away what `ordercache invalidate --follow-sql` has installed.\n") +
           k_begin + k_drop_all + k_remove;
}

} // namespace ordercache
