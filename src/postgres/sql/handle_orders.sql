-- Says that this transaction keeps the view's counts true by itself: `ordercache.handled` holds the
-- view's schema and the transaction's own id. `notes` is true if the role may note orders and an INSERT
-- changes no more than it says. Then the transaction notes its own orders, and the triggers skip them.
-- A setting that was left behind holds another transaction's id and has no effect. A standby has no ids.
SELECT set_config('ordercache.handled', mark, true),
       CASE WHEN {may_call} THEN CASE WHEN {is_plain}
            THEN set_config('ordercache.noted', mark, true) END END IS NOT NULL AS notes
FROM (SELECT '{schema} ' || pg_current_xact_id() AS mark WHERE NOT pg_is_in_recovery()) AS own
