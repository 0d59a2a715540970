-- Removes what `ordercache invalidate --follow-sql` installed for this view of the orders.
BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL client_min_messages = warning;
{drop}
-- The schema stays if it holds anything else.
DO $$
BEGIN
    DROP SCHEMA IF EXISTS {schema};
EXCEPTION WHEN dependent_objects_still_exist THEN
    RAISE WARNING 'the schema {schema} stays: it holds something else';
END
$$;
COMMIT;
