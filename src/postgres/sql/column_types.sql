-- The types of the columns, so that PostgreSQL reads a value in an array as it reads a single
-- value. For a column that is missing, the INSERT fails.
SELECT coalesce(format_type(atttypid, -1), 'text') AS type
FROM unnest(ARRAY[{names}]) WITH ORDINALITY AS wanted (name, place)
LEFT JOIN pg_attribute ON attrelid = to_regclass({table_name}) AND attname = name
ORDER BY place
