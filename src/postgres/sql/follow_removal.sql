-- Removes what `ordercache invalidate --follow-sql` installed.
BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL client_min_messages = warning;
DROP FUNCTION IF EXISTS ordercache.note_change() CASCADE; -- and the triggers
DROP FUNCTION IF EXISTS ordercache.poll(regclass);
DROP FUNCTION IF EXISTS ordercache.version();
DROP FUNCTION IF EXISTS ordercache.is_full();
DROP TABLE IF EXISTS ordercache.change;
DROP TABLE IF EXISTS ordercache.follower;

-- The schema stays if it holds anything else.
DO $$
BEGIN
    DROP SCHEMA IF EXISTS ordercache;
EXCEPTION WHEN dependent_objects_still_exist THEN
    RAISE WARNING 'the schema ordercache stays: it holds something else';
END
$$;
COMMIT;
