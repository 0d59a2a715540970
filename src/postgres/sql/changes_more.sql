-- A condition on a row of pg_class: an INSERT may change more counts than it says.
relkind NOT IN ('r', 'p') OR relrowsecurity
OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class = pg_class.oid AND ev_type = '3')
-- A user's trigger that fires on INSERT (bit 2 of tgtype). Up to PostgreSQL 14, a partition's copy
-- of a trigger is marked internal, as a foreign key's trigger is; but only the latter names another
-- table. The triggers of --follow-sql change no count. They are looked up by name, since to_regproc()
-- would need a right to its schema.
OR EXISTS (
    SELECT FROM pg_trigger
    WHERE tgrelid = pg_class.oid AND tgenabled <> 'D' AND tgtype & 4 <> 0
      AND (NOT tgisinternal OR tgparentid <> 0 AND tgconstrrelid = 0)
      AND tgfoid NOT IN (SELECT p.oid FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
                         WHERE proname = 'note_change'
                           AND (nspname = 'ordercache' OR starts_with(nspname, 'ordercache_'))))
-- A default or a check that calls a function that may write.
OR EXISTS (
    SELECT FROM (SELECT 'pg_attrdef'::regclass AS class, oid AS id FROM pg_attrdef
                 WHERE adrelid = pg_class.oid
                 UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint
                 WHERE conrelid = pg_class.oid AND contype = 'c') AS expression
    JOIN pg_depend ON classid = class AND objid = id AND refclassid = 'pg_proc'::regclass
    JOIN pg_proc AS p ON p.oid = refobjid JOIN pg_language AS l ON l.oid = prolang
    WHERE provolatile = 'v' AND lanname NOT IN ('internal', 'c'))
