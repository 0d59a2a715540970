-- Waits for a poll that is under way, but not for a follower that hangs in its poll or holds the
-- lock for its session.
SET LOCAL lock_timeout = '500ms';
SELECT pg_advisory_xact_lock({follower_lock});
WITH former AS (DELETE FROM {schema}.follower RETURNING token)
INSERT INTO {schema}.follower SELECT gen_random_uuid()
RETURNING token, coalesce((SELECT max(token) FROM former), '') AS former
