-- The types of the columns, so that PostgreSQL reads each value of an array as it reads one alone.
-- The INSERT complains about a column that is missing.
SELECT coalesce(format_type(atttypid, -1), 'text') AS type
FROM unnest(string_to_array('{columns}', ', ')) WITH ORDINALITY AS wanted (name, place)
LEFT JOIN pg_attribute ON attrelid = 'orders'::regclass AND attname = name
ORDER BY place
