#variable_conflict use_column
-- Notes a change. It runs with its owner's rights, so that writers need no right to the table of
-- changes, and with its own search_path, so that it never runs a writer's code.
--
-- If the table is full, the transaction takes a lock, which the follower sees, and notes nothing
-- from then on. It looks at the size again after it has the lock. If the follower has emptied the
-- table by then, the change is noted. Otherwise the follower, which looks for such locks after it
-- has emptied the table, sees the lock, and drops all cached counts when the transaction has ended.
-- A look costs as much as a note: the first row of a transaction looks, and then one in a hundred.
DECLARE
    own_id CONSTANT xid8 := pg_current_xact_id();
    looked CONSTANT text := current_setting('{schema}.looked', true);
    is_handled CONSTANT boolean := coalesce(
        current_setting('ordercache.handled', true)
            IN ('{schema} ' || own_id, own_id::text), false); -- the latter by version 1.1
    was_order boolean := false;
    is_order boolean := false;
    was_of text;
    is_of text;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        was_order := is_order(OLD);
        was_of := customer_of(OLD);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        is_order := is_order(NEW);
        is_of := customer_of(NEW);
    END IF;
    IF looked = 'full ' || own_id OR NOT was_order AND NOT is_order
       OR was_order AND is_order AND was_of IS NOT DISTINCT FROM is_of THEN
        RETURN NULL;
    END IF;
    IF looked IS DISTINCT FROM own_id::text OR random() < 0.01 THEN
        PERFORM set_config('{schema}.looked', own_id::text, true);
        IF {schema}.is_full() THEN
            PERFORM pg_advisory_xact_lock_shared({unnoted_lock});
            IF {schema}.is_full() THEN
                PERFORM set_config('{schema}.looked', 'full ' || own_id, true);
                RETURN NULL;
            END IF;
        END IF;
    END IF;
    IF was_order THEN
        INSERT INTO {schema}.change (transaction, customer, orders, is_handled)
        VALUES (own_id, was_of, -1, is_handled);
    END IF;
    IF is_order THEN
        INSERT INTO {schema}.change (transaction, customer, orders, is_handled)
        VALUES (own_id, is_of, 1, is_handled);
    END IF;
    RETURN NULL;
END
