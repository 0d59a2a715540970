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
