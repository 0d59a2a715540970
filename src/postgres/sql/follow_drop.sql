DROP FUNCTION IF EXISTS {schema}.note_change() CASCADE; -- and the triggers
DROP FUNCTION IF EXISTS {schema}.poll(regclass);
DROP FUNCTION IF EXISTS {schema}.known_total(regclass, text);
DROP FUNCTION IF EXISTS {schema}.total_now(regclass, text);
DROP FUNCTION IF EXISTS {schema}.fingerprint(regclass);
DROP FUNCTION IF EXISTS {schema}.may_count(regclass, text);
DROP FUNCTION IF EXISTS {schema}.locks(oid[]);
DROP FUNCTION IF EXISTS {schema}.states(regclass);
DROP FUNCTION IF EXISTS {schema}.row_security(oid);
DROP FUNCTION IF EXISTS {schema}.note_handled(bigint);
DROP FUNCTION IF EXISTS {schema}.version();
DROP FUNCTION IF EXISTS {schema}.is_full();
DROP FUNCTION IF EXISTS {schema}.view();
DROP TABLE IF EXISTS {schema}.change;
DROP TABLE IF EXISTS {schema}.total;
DROP TABLE IF EXISTS {schema}.follower;
