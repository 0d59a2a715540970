-- Inserts an order. If the table is plain, takes the writer's lock in the same statement.
INSERT INTO {table} ({columns}) VALUES ({values})
RETURNING {order_id}::text AS orderid, {customer_id} AS customer, ({columns})::text AS content,
          {is_order} IS TRUE AS counts, {lock_key} AS lock_key, pg_current_xact_id() AS transaction,
          CASE WHEN {is_plain} THEN {lock} END IS NOT NULL AS is_locked
