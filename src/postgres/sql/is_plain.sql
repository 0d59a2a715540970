-- Whether an INSERT into the table changes no more counts than it says, and this is easily seen.
NOT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass({table_name})
                                   AND (relkind = 'p' OR {changes_more}))
