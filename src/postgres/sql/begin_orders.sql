-- The isolation that the protocol needs, whatever the server's default. A commit that is reported
-- must survive a crash. A writer whose host is gone must not hold its lock for hours.
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT set_config('synchronous_commit', 'on', true)
WHERE current_setting('synchronous_commit') = 'off';
SELECT set_config('tcp_keepalives_idle', '60', true),
       set_config('tcp_keepalives_interval', '10', true),
       set_config('tcp_keepalives_count', '6', true)
WHERE current_setting('tcp_keepalives_idle')::int > 60
