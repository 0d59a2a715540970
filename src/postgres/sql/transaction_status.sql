-- What became of the transaction $1. A standby lags and cannot tell. A server that crashed, or took
-- over from one that did, may have lost the transaction and not yet given its id away again. A
-- transaction that a snapshot does not see yet is in progress, whatever its status says: its row is
-- looked for in that snapshot.
SELECT CASE WHEN pg_is_in_recovery() THEN 'in progress'
            WHEN $1::xid8 >= pg_current_xact_id() THEN 'aborted'
            WHEN NOT pg_visible_in_snapshot($1::xid8, pg_current_snapshot()) THEN 'in progress'
            WHEN {is_found} THEN 'committed'
            WHEN pg_xact_status($1::xid8) = 'aborted' THEN 'aborted'
            ELSE 'unknown' END AS status
-- A view has no xmin: there the name means this one.
FROM (SELECT NULL::xid AS xmin) AS without_system_columns
