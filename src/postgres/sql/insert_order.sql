-- Inserts an order. If the table is plain, takes the writer's lock in the same statement.
INSERT INTO orders ({columns}) VALUES ($1, $2, $3, $4, $5)
RETURNING orderid::text AS orderid, customerid::int AS customer, ({columns})::text AS content,
          pg_current_xact_id() AS transaction,
          CASE WHEN NOT EXISTS (SELECT FROM pg_class
                                WHERE oid = 'orders'::regclass AND (relkind = 'p' OR {changes_more}))
               THEN {lock} END IS NOT NULL AS is_locked
