-- A follower that hangs between a poll and its acknowledgement, or whose host or network is gone, must
-- not keep the lock: the server ends its session.
SET idle_in_transaction_session_timeout = '10s';
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SELECT pg_try_advisory_lock({follower_lock}) AS is_ours
