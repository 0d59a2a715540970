-- The type of the customers' column, and its word for ORDERS_CUSTOMER_TYPE if there is one. The
-- second part is never run. But PostgreSQL parses the condition in it alone, outside parentheses,
-- and so refuses one that would end its parenthesis early. With a parameter it also refuses several
-- statements.
SELECT max(format_type(t.oid, NULL)) AS type,
       max(CASE WHEN coalesce(nullif(typbasetype, 0), t.oid) = 'uuid'::regtype THEN 'uuid'
                WHEN typcategory = 'N' THEN 'integer'
                WHEN typcategory IN ('S', 'E') THEN 'text' END) AS word
FROM pg_attribute JOIN pg_type AS t ON t.oid = atttypid
WHERE attrelid = to_regclass({table_name}) AND attname = $1
UNION ALL
SELECT NULL, NULL FROM {table} WHERE {condition}
LIMIT 1
