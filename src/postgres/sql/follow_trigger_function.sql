-- Notes a change. It runs with its owner's rights, so that writers need no right to the table of
-- changes, and with its own search_path, so that it never runs a writer's code.
--
-- If the table is full, the transaction takes a lock, which the follower sees, and notes nothing
-- from then on. It looks at the size again after it has the lock. If the follower has emptied the
-- table by then, the change is noted. Otherwise the follower, which looks for such locks after it
-- has emptied the table, sees the lock, and drops all cached counts when the transaction has ended.
-- A look costs as much as a note: the first row of a transaction looks, and then one in a hundred.
CREATE OR REPLACE FUNCTION ordercache.note_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own_id CONSTANT xid8 := pg_current_xact_id();
    looked CONSTANT text := current_setting('ordercache.looked', true);
BEGIN
    IF looked = 'full ' || own_id THEN
        RETURN NULL;
    END IF;
    IF looked IS DISTINCT FROM own_id::text OR random() < 0.01 THEN
        PERFORM set_config('ordercache.looked', own_id::text, true);
        IF ordercache.is_full() THEN
            PERFORM pg_advisory_xact_lock_shared({unnoted_lock});
            IF ordercache.is_full() THEN
                PERFORM set_config('ordercache.looked', 'full ' || own_id, true);
                RETURN NULL;
            END IF;
        END IF;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO ordercache.change (transaction, customer, orders)
        VALUES (own_id,
                CASE WHEN OLD.customerid BETWEEN 1 AND 2147483647 THEN OLD.customerid END, -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO ordercache.change (transaction, customer, orders)
        VALUES (own_id,
                CASE WHEN NEW.customerid BETWEEN 1 AND 2147483647 THEN NEW.customerid END, 1);
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION ordercache.note_change() FROM PUBLIC;
