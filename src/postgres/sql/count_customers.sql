-- A customer without orders has no row. The last row is there to say whether this is a standby.
SELECT {customer_id} AS customer, count(*) AS count, NULL::boolean AS on_standby
FROM {table} WHERE {is_customer} AND {is_order} GROUP BY 1
UNION ALL SELECT NULL, NULL, pg_is_in_recovery()
