-- Whether the role may call a function of the view's schema. It is looked up by name, since
-- to_regprocedure() would need a right to the schema. A join would take a new session 0.2 ms more.
EXISTS (SELECT FROM pg_proc
        WHERE proname = '{function}'
          AND pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = '{schema}')
          AND has_schema_privilege(pronamespace, 'USAGE') AND has_function_privilege(oid, 'EXECUTE'))