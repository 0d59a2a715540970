-- Has PostgreSQL note the changes of the table orders for `ordercache invalidate --follow`. Run it
-- as the owner of that table or as a superuser. It can be run again at any time, and changes
-- nothing then. `ordercache invalidate --follow-sql=remove` prints the SQL that undoes it. Programs
-- that write orders need no new rights. Run the removal before orders.customerid is renamed or gets
-- another type.

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL client_min_messages = warning;

-- An older version makes room for this one, and a newer one stays.
DO $$
DECLARE
    installed integer := {version};
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace
               WHERE nspname = 'ordercache' AND pg_get_userbyid(nspowner) <> current_user) THEN
        RAISE EXCEPTION 'the schema ordercache belongs to another role: run this as that role';
    END IF;
    IF to_regprocedure('ordercache.version()') IS NOT NULL THEN
        installed := ordercache.version();
    END IF;
    IF installed > {version} THEN
        RAISE EXCEPTION 'a newer version is installed';
    ELSIF installed < {version} THEN
        DROP FUNCTION IF EXISTS ordercache.note_change() CASCADE; -- and the triggers
        DROP FUNCTION IF EXISTS ordercache.poll(regclass);
        DROP FUNCTION IF EXISTS ordercache.version();
        DROP FUNCTION IF EXISTS ordercache.is_full();
        DROP TABLE IF EXISTS ordercache.change;
        DROP TABLE IF EXISTS ordercache.follower;
    END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS ordercache;

-- A row for each order that was added or removed: the transaction, the customer, and 1 or -1. The
-- customer is null if the order has none, or one that `count --customer` does not take. The
-- follower deletes what it has read. A crash empties the table, and the follower notices that.
-- VACUUM must not truncate it: see note_change().
CREATE UNLOGGED TABLE IF NOT EXISTS ordercache.change (
    transaction xid8 NOT NULL,
    customer integer,
    orders smallint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 1000000000,
        vacuum_truncate = false);

-- One row, with the token of the follower at work. A crash removes it together with the changes.
CREATE UNLOGGED TABLE IF NOT EXISTS ordercache.follower (token text NOT NULL);

CREATE OR REPLACE FUNCTION ordercache.version() RETURNS integer
    LANGUAGE sql IMMUTABLE AS 'SELECT {version}';

-- Whether the table of changes has reached its limit, 128 MB: no follower reads it, or one
-- transaction changes millions of orders.
CREATE OR REPLACE FUNCTION ordercache.is_full() RETURNS boolean
    LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.pg_relation_size(''ordercache.change'') >= 134217728';
