-- Has PostgreSQL note the changes of the orders for `ordercache invalidate --follow`. Run it as the
-- owner of their table or as a superuser, with the search_path that ordercache gets. It can be run
-- again at any time, and changes nothing then. `ordercache invalidate --follow-sql=remove` prints
-- the SQL that undoes it. Programs that write orders need no new rights. Run the removal before the
-- column of the customer, or one that ORDERS_WHERE names, is renamed or gets another type.

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL client_min_messages = warning;

-- An older version makes room for this one, and a newer one stays.
DO $$
DECLARE
    installed integer := {version};
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace
               WHERE nspname = '{schema}' AND pg_get_userbyid(nspowner) <> current_user) THEN
        RAISE EXCEPTION 'the schema {schema} belongs to another role: run this as that role';
    END IF;
    IF to_regprocedure('{schema}.version()') IS NOT NULL THEN
        installed := {schema}.version();
    END IF;
    IF installed > {version} THEN
        RAISE EXCEPTION 'a newer version is installed';
    ELSIF installed < {version} THEN
{drop}    END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS {schema};

-- The table and the column of the customer, the type of the customers, and the condition that a row
-- meets if it is an order; empty if every row is one.
CREATE OR REPLACE FUNCTION {schema}.view(OUT counted text, OUT customer text, OUT type text,
                                         OUT condition text)
    LANGUAGE sql IMMUTABLE AS {view};

-- What changed: the transaction, the customer, and 1 or -1 for an order that was added or removed.
-- The customer is null if the order has none, or one that `count --customer` does not take.
-- note_handled() notes several orders at once, or null if their number is not known. The follower
-- moves what it has read into `total`. A crash empties the table, and the follower notices that.
-- VACUUM must not truncate it: see note_change().
CREATE UNLOGGED TABLE IF NOT EXISTS {schema}.change (
    transaction xid8 NOT NULL,
    customer text,
    orders bigint,
    is_handled boolean NOT NULL DEFAULT false -- by a writer that keeps the cache true
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 1000000000,
        vacuum_truncate = false);

-- One row, the known total: the number of all orders is this number plus the orders in `change`, in
-- every snapshot, if `tables` is the fingerprint of the table. Whoever changes the orders notes it in
-- the same commit. A crash removes the row.
CREATE UNLOGGED TABLE IF NOT EXISTS {schema}.total (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    orders bigint NOT NULL DEFAULT 0,
    tables text NOT NULL DEFAULT '',
    version bigint NOT NULL DEFAULT 0 -- greater after a correction or a change by an unknown number
);

-- One row, with the token of the follower at work. A crash removes it together with the changes.
CREATE UNLOGGED TABLE IF NOT EXISTS {schema}.follower (token text NOT NULL);

CREATE OR REPLACE FUNCTION {schema}.version() RETURNS integer
    LANGUAGE sql IMMUTABLE AS 'SELECT {version}';

-- Whether the table of changes has reached its limit, 128 MB: no follower reads it, or one
-- transaction changes millions of orders.
CREATE OR REPLACE FUNCTION {schema}.is_full() RETURNS boolean
    LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.pg_relation_size(''{schema}.change'') >= 134217728';
