-- What became of the transaction $1. A standby lags and cannot tell. A server that crashed, or took
-- over after a crash, may have lost the transaction and not reused its id yet. A transaction that
-- the snapshot does not see is in progress, whatever its status says, since its row is looked for
-- in that snapshot.
SELECT CASE WHEN pg_is_in_recovery() THEN 'in progress'
            WHEN $1::xid8 >= pg_current_xact_id() THEN 'aborted'
            WHEN NOT pg_visible_in_snapshot($1::xid8, pg_current_snapshot()) THEN 'in progress'
            WHEN {is_found} THEN 'committed'
            WHEN pg_xact_status($1::xid8) = 'aborted' THEN 'aborted'
            ELSE 'unknown' END AS status
-- A view has no column xmin: there the name means this column.
FROM (SELECT NULL::xid AS xmin) AS without_system_columns
