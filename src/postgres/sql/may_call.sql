-- Whether the role may call a function of the view's schema. It is looked up by name, since
-- to_regprocedure() would need a right to the schema.
EXISTS (SELECT FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE nspname = '{schema}' AND proname = '{function}'
          AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE'))
