-- The triggers: on the table, whose partitions get them from it, and on tables that inherit from it.
-- They fire ALWAYS, so also for what logical replication writes. They do not fire for a transaction
-- that says, with its own id, that it notes its orders by itself, as `ordercache add` does. Orders
-- that another trigger adds to such a transaction are noted here.
DO $$
DECLARE
    wanted record; -- the view of the orders
    counted regclass;
    path CONSTANT text := current_setting('search_path');
    another text; -- what it is instead of a table
    owner regrole;
    copy text; -- an empty table with the same columns
    condition record;
    customer record;
    may_change record; -- whether an UPDATE may change the customer or the condition
    body text := $body${body}$body$;
    side text; -- OLD or NEW
    signature text; -- of what the triggers do
    unnoted CONSTANT text := '(pg_catalog.current_setting(''ordercache.noted'', true) '
        'IS DISTINCT FROM ''{schema} '' || pg_catalog.pg_current_xact_id() '
        'OR pg_catalog.pg_trigger_depth() > 0)';
    parts oid[];
    missing record;
    entry record;
BEGIN
    SELECT * INTO wanted FROM {schema}.view();
    counted := to_regclass(wanted.counted);
    IF counted IS NULL THEN
        RAISE EXCEPTION USING MESSAGE = 'there is no table ' || wanted.counted
            || ' in the search_path of database ' || current_database();
    END IF;
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    SELECT CASE WHEN relpersistence = 't' THEN 'temporary'
                WHEN relkind IN ('r', 'p') THEN NULL
                WHEN relkind = 'v' THEN 'a view'
                WHEN relkind = 'm' THEN 'a materialized view'
                WHEN relkind = 'f' THEN 'a foreign table'
                ELSE 'not a table' END, relowner, 'pg_temp.' || quote_ident(relname)
    INTO another, owner, copy FROM pg_class WHERE oid = counted;
    IF another IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE =
            counted::text || ' is ' || another || ': only the changes of a table can be followed';
    END IF;

    -- An index checks that the condition is immutable and looks at nothing but the row, and knows
    -- its columns. A cursor takes one statement alone, and so a condition that is one by itself.
    EXECUTE 'CREATE TEMPORARY TABLE ' || copy || ' (LIKE ' || counted || ')';
    IF wanted.condition <> '' THEN
        DECLARE
            alone refcursor;
        BEGIN
            PERFORM set_config('search_path', path, true);
            OPEN alone FOR EXECUTE 'SELECT FROM ' || copy || ' WHERE ' || wanted.condition
                || chr(10) || 'LIMIT $1' USING 0;
            CLOSE alone;
            EXECUTE 'CREATE INDEX ON ' || copy || ' ((1)) WHERE (' || wanted.condition || chr(10)
                || ')';
            PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        EXCEPTION WHEN others THEN
            RAISE EXCEPTION USING MESSAGE = 'ORDERS_WHERE cannot be followed: ' || sqlerrm,
                HINT = 'It may use the columns of the row and immutable functions alone.';
        END;
    END IF;
    SELECT coalesce(max(pg_get_expr(indpred, indrelid)), 'true') AS text,
           coalesce(bool_or(strpos(indpred::text, ':varattno 0 ') > 0), false) AS is_of_whole_row
    INTO condition FROM pg_index WHERE indrelid = copy::regclass;
    IF condition.is_of_whole_row THEN
        RAISE EXCEPTION 'ORDERS_WHERE cannot be followed: it does not name the columns that it uses';
    END IF;

    WITH RECURSIVE types AS (
        SELECT attname, atttypid AS id FROM pg_attribute
        WHERE attrelid = counted AND attnum > 0 AND NOT attisdropped
          AND attname = (parse_ident(wanted.customer))[1]
        UNION ALL
        SELECT attname, typbasetype FROM types JOIN pg_type ON oid = id WHERE typtype = 'd'
    )
    SELECT quote_ident(attname) AS name, typname::text AS type,
           CASE WHEN typcategory = 'N' THEN 'integer' WHEN typname = 'uuid' THEN 'uuid'
                ELSE 'text' END AS kind
    INTO customer FROM types JOIN pg_type ON oid = id WHERE typtype <> 'd';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING MESSAGE = 'the table ' || counted || ' has no column '
            || wanted.customer || ': see ORDERS_COLUMNS';
    ELSIF customer.kind <> wanted.type THEN
        RAISE EXCEPTION USING MESSAGE = 'the column ' || customer.name || ' of ' || counted
            || ' is of the type ' || customer.type || ': set ORDERS_CUSTOMER_TYPE to '
            || customer.kind;
    END IF;

    -- The function for this view. A customer is noted in the form that the cache has.
    FOREACH side IN ARRAY ARRAY['OLD', 'NEW'] LOOP
        body := replace(body, 'customer_of(' || side || ')', replace(CASE
            WHEN customer.kind = 'uuid' THEN 'its::text'
            WHEN customer.kind = 'text' THEN 'CASE WHEN octet_length(its::text) <= 200 THEN its::text END'
            WHEN customer.type IN ('float4', 'float8') -- the next number is too large for a bigint
                THEN 'CASE WHEN its BETWEEN 1 AND 9223372036854774784 THEN its::bigint::text END'
            WHEN customer.type IN ('int2', 'int4', 'int8')
                THEN 'CASE WHEN its >= 1 THEN its::text END'
            ELSE 'CASE WHEN its BETWEEN 1 AND 9223372036854775807 THEN its::bigint::text END'
            END, 'its', side || '.' || customer.name));
        body := replace(body, 'is_order(' || side || ')', CASE
            WHEN condition.text = 'true' THEN 'true'
            ELSE '(SELECT (' || condition.text || ') IS TRUE FROM (SELECT ' || side || '.*) AS changed)'
            END);
    END LOOP;
    EXECUTE 'CREATE OR REPLACE FUNCTION {schema}.note_change() RETURNS trigger LANGUAGE plpgsql '
        'SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS ' || quote_literal(body);
    REVOKE ALL ON FUNCTION {schema}.note_change() FROM PUBLIC;

    -- Bytes are compared: a type may have no equality, or take different customers for equal.
    -- PostgreSQL 18 computes a virtual column when it is read, and does not give it to triggers.
    SELECT 'record_image_ne(ROW(' || string_agg('OLD.' || name, ', ' ORDER BY name)
           || '), ROW(' || string_agg('NEW.' || name, ', ' ORDER BY name) || '))' AS condition,
           min(name) FILTER (WHERE EXISTS (
               SELECT FROM pg_attribute AS of_table
               WHERE of_table.attrelid = counted AND of_table.attname = pg_attribute.attname
                 AND of_table.attgenerated = 'v')) AS computed
    INTO may_change
    FROM pg_attribute CROSS JOIN quote_ident(attname) AS name
    WHERE attrelid = copy::regclass AND attnum > 0 AND (name = customer.name OR EXISTS (
        SELECT FROM pg_depend JOIN pg_index ON indexrelid = objid
        WHERE classid = 'pg_class'::regclass AND refclassid = classid
          AND refobjid = attrelid AND refobjsubid = attnum AND indrelid = attrelid));
    IF may_change.computed IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = 'the column ' || may_change.computed || ' of ' || counted
            || ' is virtual: it cannot be followed';
    END IF;
    signature := md5(concat_ws(' ', counted::oid, may_change.condition, body));
    EXECUTE 'DROP TABLE ' || copy;

    parts := ARRAY(
        WITH RECURSIVE tree (relid) AS (
            SELECT counted::oid
            UNION
            SELECT inhrelid
            FROM tree JOIN pg_inherits ON inhparent = relid JOIN pg_class ON oid = inhrelid
            WHERE relpersistence <> 't') -- others do not see its rows
        SELECT relid FROM tree);

    FOR entry IN
        SELECT tgrelid::regclass AS relid, tgname FROM pg_trigger AS t
        WHERE tgfoid = '{schema}.note_change'::regproc AND tgparentid = 0
          AND (tgrelid <> ALL (parts) OR strpos(pg_get_triggerdef(t.oid), signature) = 0
               OR tgname NOT IN ('{schema}_insert', '{schema}_delete', '{schema}_update'))
    LOOP
        EXECUTE 'DROP TRIGGER IF EXISTS ' || quote_ident(entry.tgname) || ' ON ' || entry.relid;
    END LOOP;

    FOR missing IN
        SELECT pg_class.oid::regclass AS relid, event, fires
        FROM pg_class CROSS JOIN (
            VALUES ('insert', unnoted), ('delete', unnoted),
                   ('update', may_change.condition || ' AND ' || unnoted)
            ) AS events (event, fires)
        WHERE pg_class.oid = ANY (parts) AND (pg_class.oid = counted OR NOT relispartition)
          AND NOT EXISTS (SELECT FROM pg_trigger
                          WHERE tgrelid = pg_class.oid AND tgname = '{schema}_' || event)
    LOOP
        EXECUTE 'CREATE TRIGGER {schema}_' || missing.event || ' AFTER ' || missing.event
            || ' ON ' || missing.relid || ' FOR EACH ROW WHEN (' || missing.fires
            || ') EXECUTE FUNCTION {schema}.note_change(' || quote_literal(signature) || ')';
    END LOOP;

    FOR entry IN
        SELECT tgrelid::regclass AS relid, tgname FROM pg_trigger
        WHERE tgfoid = '{schema}.note_change'::regproc AND tgenabled <> 'A'
    LOOP
        EXECUTE 'ALTER TABLE ' || entry.relid || ' ENABLE ALWAYS TRIGGER '
            || quote_ident(entry.tgname);
    END LOOP;

    -- note_change() gets the rights of the owner of the table, and no more: a column's type may have
    -- casts that run that role's code. A role that attaches a partition copies the triggers, too.
    EXECUTE 'GRANT USAGE ON SCHEMA {schema} TO ' || owner;
    EXECUTE 'GRANT INSERT ON {schema}.change TO ' || owner;
    EXECUTE 'ALTER FUNCTION {schema}.note_change() OWNER TO ' || owner;
END
$$;

-- What the follower's role needs, beside SELECT on the table:
--   GRANT USAGE ON SCHEMA {schema} TO follower;
--   GRANT SELECT, DELETE, TRUNCATE ON {schema}.change TO follower;
--   GRANT SELECT, INSERT, DELETE ON {schema}.follower TO follower;
--   GRANT SELECT, INSERT, UPDATE ON {schema}.total TO follower;
-- What lets `count` of another role use the known total, and `add` note its orders quickly:
--   GRANT USAGE ON SCHEMA {schema} TO shop;
--   GRANT EXECUTE ON FUNCTION {schema}.known_total, {schema}.note_handled TO shop;
COMMIT;
