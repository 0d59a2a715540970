-- Has PostgreSQL note down changes of the table orders for `ordercache invalidate --follow`.
-- Run it as the owner of that table, or as a superuser. It may be run again at any time: it does
-- nothing where it was done before. `ordercache invalidate --follow-sql=remove` undoes it.
-- Whoever writes orders needs no new rights. Remove it before orders.customerid is renamed, or gets
-- another type.

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL client_min_messages = warning;


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
    DROP FUNCTION IF EXISTS ordercache.note_change() CASCADE;
    DROP FUNCTION IF EXISTS ordercache.poll(regclass);
    DROP FUNCTION IF EXISTS ordercache.version();
    DROP TABLE IF EXISTS ordercache.change;
    DROP TABLE IF EXISTS ordercache.follower;
    END IF;
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
