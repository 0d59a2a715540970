-- Whether the role may call a function of the view's schema; NULL if it is not there. Without a right
-- to the schema to_regproc() would fail. To read pg_proc instead takes a new session 0.2 ms more.
CASE WHEN EXISTS (SELECT FROM pg_namespace WHERE nspname = '{schema}' AND has_schema_privilege(oid, 'USAGE'))
     THEN has_function_privilege(to_regproc('{schema}.{function}'), 'EXECUTE') END