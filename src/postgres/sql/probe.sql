-- The keys on which writers hold a lock, each with the writer's transaction, which is known by the
-- lock on its own id, and with the id of which the key is a hash. A row without a key says `standby`
-- if this server is one, or `known_total` if the role may ask for it. The locks are read once, since
-- a writer may end between two looks. The function behind pg_locks costs a new session a quarter less
-- than that view, and the session's own database a fifth less than pg_database.
WITH locks AS MATERIALIZED (SELECT * FROM pg_lock_status())
SELECT held.objid AS key, own.transactionid AS writer, {id} AS id
FROM locks held
LEFT JOIN locks own ON own.virtualtransaction = held.virtualtransaction
                   AND own.locktype = 'transactionid' AND own.mode = 'ExclusiveLock'
{asked}
WHERE held.locktype = 'advisory' AND held.classid = {class} AND held.objsubid = 2
  AND held.database = (SELECT datid FROM pg_stat_get_activity(pg_backend_pid()))
UNION ALL SELECT NULL, NULL, 'standby' WHERE pg_is_in_recovery()
UNION ALL SELECT NULL, NULL, 'known_total' WHERE {may_ask_total}
