-- An expression of type text that takes a writer's lock on two keys, and is null if one of them is.
-- A lock is held for as long as its transaction: unless the user chose another limit, a writer that
-- says nothing for five minutes is rolled back.
pg_advisory_xact_lock_shared({class}, {key})::text
|| pg_advisory_xact_lock_shared({class}, {other_key})::text
|| CASE current_setting('idle_in_transaction_session_timeout')
   WHEN '0' THEN set_config('idle_in_transaction_session_timeout', '5min', true) ELSE '' END
