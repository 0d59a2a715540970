-- Says that this transaction keeps the view's counts true by itself: `ordercache.handled` holds the
-- view's schema and the transaction's own id. If `notes`, it also notes its orders by itself, and the
-- view's triggers skip it: the role may do that, and an INSERT changes no more than it says. A setting
-- that was left behind holds another transaction's id and has no effect. A standby has no ids.
SELECT set_config('ordercache.handled', mark, true),
       CASE WHEN {may_call} THEN CASE WHEN {is_plain}
            THEN set_config('ordercache.noted', mark, true) END END IS NOT NULL AS notes
FROM (SELECT '{schema} ' || pg_current_xact_id() AS mark WHERE NOT pg_is_in_recovery()) AS own
