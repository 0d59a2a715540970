"""`invalidate --follow`: what other programs write is in the cache a moment later."""

import contextlib
import io
import shutil
import signal

import psycopg2
import pytest

import following
import servers
from following import FOLLOWS, INSERT, WAITS, Follower, hears, install, service_manager
from keys import TOTAL, values
from postgres_peers import PgBouncer
from servers import wait_until

SOON = 10  # on however busy a machine


@pytest.fixture
def follower(followed):
    return Follower(followed)


@pytest.fixture
def with_own_sessions(followed, postgres):
    """No pooler stands between, whatever the suite was asked for."""
    followed.environment["PG_SERVICE_URI"] = postgres.uri(port=postgres.port)
    return followed


class Counts(following.Counts):
    def __init__(self, ordercache, cache, database):
        super().__init__(cache, database)
        self.ordercache = ordercache

    def fill(self):
        self.ordercache("count")
        self.ordercache("count", "--customer", "9999")
        assert self.cache.get(TOTAL) and self.cache.get("num_orders:9999")

    def truth(self):
        return self.database.rows("SELECT count(*), count(*) FILTER (WHERE customerid = 9999) FROM orders")

    def are_true(self):
        return not self.wrong()

    def become_true(self):
        wait_until(self.are_true, seconds=SOON, what="the cached counts")


@pytest.fixture
def counts(ordercache, cache, database):
    return Counts(ordercache, cache, database)


@pytest.mark.parametrize("statements", [
    [INSERT.format(9999)],
    ["DELETE FROM orders WHERE customerid = 9999"],
    ["UPDATE orders SET customerid = 9999 WHERE orderid = (SELECT max(orderid) FROM orders WHERE customerid <> 9999)"],
    [f"BEGIN; {INSERT.format(9999)}; {INSERT.format(1)}; COMMIT"],
    [f"BEGIN; {INSERT.format(9999)}; SAVEPOINT s; {INSERT.format(1)}; ROLLBACK TO s; COMMIT"],
    ["TRUNCATE orders CASCADE"],
])
def test_what_others_write_is_in_the_cache_a_moment_later(follower, counts, database, statements):
    counts.fill()
    before = counts.truth()
    for statement in statements:
        database.execute(statement)
    assert counts.truth() != before or "9999" in statements[0]
    counts.become_true()
    assert follower.end() == -signal.SIGTERM
    assert follower.errors == ""


def test_the_total_stays_cached_while_others_write(follower, counts, database, cache):
    counts.fill()
    before = int(cache.get(TOTAL))
    database.execute(INSERT.format(1))
    wait_until(lambda: cache.get(TOTAL) == str(before + 1), seconds=SOON)
    assert 0 < cache.ttl(TOTAL) <= 120
    database.execute(f"DELETE FROM orders WHERE customerid = 9999; {INSERT.format(7)}")
    counts.become_true()
    assert cache.get(TOTAL) is not None


@pytest.fixture
def partitioned(database):
    database.execute("""
        DROP TABLE orders CASCADE;
        CREATE TABLE orders (
            orderid serial, orderdate date NOT NULL, customerid integer, netamount numeric(12,2) NOT NULL,
            tax numeric(12,2) NOT NULL, totalamount numeric(12,2) NOT NULL
        ) PARTITION BY RANGE (orderdate);
        CREATE TABLE orders_2004 PARTITION OF orders FOR VALUES FROM ('2004-01-01') TO ('2005-01-01');
        CREATE TABLE orders_2005 PARTITION OF orders FOR VALUES FROM ('2005-01-01') TO ('2006-01-01');
    """)
    database.execute(f"{INSERT.format(9999)}; {INSERT.format(9999)}".replace("2004-01-01", "2005-01-01"))


@pytest.mark.parametrize("change", [
    INSERT.format(9999).replace("orders", "orders_2004", 1),
    "DELETE FROM orders_2005 WHERE orderid = (SELECT max(orderid) FROM orders_2005)",
    "UPDATE orders SET orderdate = '2004-05-06'; DELETE FROM orders_2004 WHERE orderid = (SELECT max(orderid) FROM orders_2004)",
    "ALTER TABLE orders DETACH PARTITION orders_2005",
    "TRUNCATE orders_2005",
    "DROP TABLE orders_2005",
    "CREATE TABLE orders_2006 (LIKE orders); INSERT INTO orders_2006 SELECT orderid, '2006-01-01', customerid, 1, 1, 2 FROM orders;"
    "ALTER TABLE orders ATTACH PARTITION orders_2006 FOR VALUES FROM ('2006-01-01') TO ('2007-01-01')",
])
def test_what_others_do_to_partitions_is_in_the_cache_a_moment_later(partitioned, followed, counts, database, change):
    Follower(followed)
    counts.fill()
    before = counts.truth()
    database.execute(change)
    assert counts.truth() != before
    counts.become_true()
    counts.fill()
    database.execute(INSERT.format(9999))
    counts.become_true()


@pytest.fixture
def narrow(database, postgres):
    """The URI of a role that sees the orders of few customers."""
    database.execute("""
        CREATE ROLE narrow LOGIN;
        GRANT SELECT ON orders TO narrow;
        ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
        CREATE POLICY few ON orders TO narrow USING (customerid < 5000);
    """)
    yield postgres.uri(user="narrow", port=postgres.port)
    database.execute("DROP OWNED BY narrow; DROP ROLE narrow")


@pytest.mark.parametrize("change", [
    INSERT.format(9999),
    INSERT.format(7),
    "UPDATE orders SET customerid = 9999 WHERE customerid = (SELECT min(customerid) FROM orders)",
])
def test_a_total_of_which_not_all_is_seen_is_counted_anew(followed, narrow, database, cache, change):
    def count(*option):
        return followed("count", *option, env={"PG_SERVICE_URI": narrow}).stdout

    Follower(followed)
    assert 0 < int(count()) < 12000
    database.execute(change)
    wait_until(lambda: database.value("SELECT count(*) FROM ordercache.change") == 0, seconds=SOON)
    assert cache.get(TOTAL) is None
    assert count() == count("--no-cache")


@pytest.fixture
def subscriber(ordercache, cache):
    """A database whose orders come from another one, by logical replication."""
    folder = servers.temporary_folder()
    postgres = servers.Postgres(folder, {"wal_level": "logical"})
    try:
        postgres.create()
        publisher, subscriber = servers.Database(postgres, "publisher"), servers.Database(postgres, "subscriber")
        for database in publisher, subscriber:
            database.create()
        publisher.execute("CREATE PUBLICATION orders FOR TABLE orders")
        publisher.execute("SELECT pg_create_logical_replication_slot('orders', 'pgoutput')")
        subscriber.execute(
            f"CREATE SUBSCRIPTION orders CONNECTION 'host={folder} port={postgres.port} user={servers.USER} dbname=publisher'"
            " PUBLICATION orders WITH (create_slot = false, copy_data = false)",
        )
        subscriber.publisher = publisher
        ordercache.environment.update(PG_SERVICE_URI=postgres.uri("subscriber"), PG_DATABASE="subscriber")
        yield subscriber
    finally:
        postgres.stop()
        shutil.rmtree(folder)


def test_what_logical_replication_brings_is_in_the_cache_a_moment_later(subscriber, ordercache, cache):
    install(ordercache, subscriber)
    counts = Counts(ordercache, cache, subscriber)
    Follower(ordercache)
    counts.fill()
    before = int(cache.get(TOTAL))
    for change in (INSERT.format(9999), "DELETE FROM orders WHERE customerid = 9999", "TRUNCATE orders"):
        total = subscriber.value("SELECT count(*) FROM orders")
        subscriber.publisher.execute(change)
        wait_until(lambda: subscriber.value("SELECT count(*) FROM orders") != total)
        counts.become_true()
    assert before == 12000


def test_what_was_rolled_back_changes_nothing(follower, counts, database, cache):
    counts.fill()
    before = cache.get(TOTAL)
    database.execute(f"BEGIN; {INSERT.format(9999)}; ROLLBACK")
    database.execute(INSERT.format(1))
    wait_until(lambda: cache.get(TOTAL) != before, seconds=SOON)
    assert counts.are_true()
    assert cache.get("num_orders:9999") is not None


def test_what_is_copied_in_is_followed(follower, counts, database, cache):
    counts.fill()
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.copy_expert(
            "COPY orders (orderdate, customerid, netamount, tax, totalamount) FROM STDIN CSV",
            io.StringIO("2004-01-01,9999,1,1,2\n" * 2500),
        )
        connection.commit()
    wait_until(lambda: cache.get("num_orders:9999") is None, seconds=SOON)
    counts.become_true()
    assert cache.get(TOTAL) is not None


def test_an_own_add_beside_it_is_counted_once(follower, counts, database, ordercache):
    counts.fill()
    for _ in range(3):
        run = ordercache("add", "--date", "2004-01-01", "--customer", "9999", "--net", "1", "--tax", "1")
        assert run.status == 0
        database.execute(INSERT.format(9999))
    wait_until(lambda: database.value("SELECT count(*) FROM ordercache.change") == 0, seconds=SOON)
    counts.become_true()
    assert counts.cache.get(TOTAL) is not None


def test_an_add_knows_the_follower_s_triggers_in_any_search_path(followed, cache, database):
    """It drops the counts that it changes, and not all, as it would for a trigger of the user's."""
    database.execute(f"ALTER DATABASE {database.name} SET search_path = ordercache, public")
    followed("count", "--customer", "9999")
    followed("add", "--date", "2004-01-01", "--customer", "1", "--net", "1", "--tax", "1")
    assert cache.get("num_orders:9999")


def test_an_add_without_the_cache_is_followed(follower, counts, ordercache, cache):
    counts.fill()
    before = int(cache.get(TOTAL))
    ordercache("add", "--date", "2004-01-01", "--customer", "9999", "--net", "1", "--tax", "1", "--no-cache")
    wait_until(lambda: cache.get(TOTAL) == str(before + 1), seconds=SOON)
    wait_until(lambda: cache.get("num_orders:9999") is None, seconds=SOON)


def test_without_the_triggers_it_drops_everything_and_says_what_to_do(ordercache, counts, cache):
    counts.fill()
    run = ordercache("invalidate", "--follow")
    assert run.status == 3
    assert "ordercache invalidate --follow-sql" in run.stderr
    assert cache.get(TOTAL) is None and cache.get("num_orders:9999") is None


def test_without_the_rights_it_says_where_they_are_written(followed, postgres):
    run = followed("invalidate", "--follow", env={"PG_SERVICE_URI": postgres.uri(user="stranger", password="known")})
    assert run.status == 3
    assert "or this role has not all the rights that the GRANTs in its SQL give" in run.stderr
    assert "permission denied for schema ordercache" in run.stderr


@pytest.mark.parametrize("change", [
    "ALTER TABLE orders DISABLE TRIGGER ordercache_insert",
    "DROP TRIGGER ordercache_delete ON orders",
])
def test_a_trigger_that_goes_ends_it(follower, counts, database, cache, change):
    counts.fill()
    database.execute(f"{change}; {INSERT.format(9999)}")
    _, errors = follower.process.communicate(timeout=20)
    assert follower.process.returncode == 3
    assert "orders are not noted" in errors and "--follow-sql" in errors
    assert cache.get(TOTAL) is None and cache.get("num_orders:9999") is None


def test_a_failed_unit_does_not_show_what_the_follower_did_before(followed, database):
    with service_manager() as (told_where, manager):
        process = followed.start("invalidate", "--follow", env=told_where)
        hears(manager, FOLLOWS)
        database.execute("DROP TRIGGER ordercache_insert ON orders")
        hears(manager, "STATUS=")
        process.communicate(timeout=20)
        assert process.returncode == 3


def test_a_trigger_that_was_off_for_a_while_drops_everything(follower, counts, database, cache):
    counts.fill()
    database.execute("BEGIN; ALTER TABLE orders DISABLE TRIGGER ordercache_insert;"
                     f"{INSERT.format(9999)}; ALTER TABLE orders ENABLE ALWAYS TRIGGER ordercache_insert; COMMIT")
    wait_until(lambda: cache.get(TOTAL) is None and cache.get("num_orders:9999") is None, seconds=SOON)
    assert follower.process.poll() is None


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_what_came_while_nobody_followed_is_true_after_the_next_start(follower, followed, counts, database, by):
    counts.fill()
    assert follower.end(by) == -by
    database.execute(INSERT.format(9999))
    assert not counts.are_true()
    Follower(followed)
    assert counts.are_true()


def test_the_changes_are_deleted_although_somebody_reads_their_table(follower, followed, counts, database):
    follower.end()
    database.execute(INSERT.format(9999))
    with contextlib.closing(database.connect()) as reader:
        reader.autocommit = False
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM ordercache.change")
            Follower(followed)
            assert database.value("SELECT count(*) FROM ordercache.change") == 0
            counts.fill()
            database.execute(INSERT.format(9999))
            counts.become_true()


def test_a_standby_that_is_away_holds_up_others_commits_alone(followed, counts, database, postgres):
    with postgres.setting("synchronous_standby_names", "nobody"):
        follower = Follower(followed)
        with contextlib.closing(database.connect()) as others, others.cursor() as cursor:
            cursor.execute("SET synchronous_commit = local")
            counts.fill()
            cursor.execute(INSERT.format(9999))
            counts.become_true()
            assert counts.cache.get(TOTAL) is not None
    assert follower.end() == -signal.SIGTERM


def test_a_second_follower_waits_and_takes_over(with_own_sessions, counts, database):
    follower = Follower(with_own_sessions)
    with service_manager() as (told_where, manager):
        with_own_sessions.start("invalidate", "--follow", env=told_where)
        assert FOLLOWS not in hears(manager, WAITS, "READY=1")
        assert follower.end() == -signal.SIGTERM
        hears(manager, FOLLOWS)
    counts.fill()
    database.execute(INSERT.format(9999))
    counts.become_true()


def test_the_service_manager_hears_that_it_is_alive(followed):
    with service_manager() as (told_where, manager):
        followed.start("invalidate", "--follow", env={**told_where, "WATCHDOG_USEC": "400000"})
        heard = [manager.recv(1000).decode() for _ in range(5)]
    assert sorted(heard) == ["READY=1", FOLLOWS, *3 * ["WATCHDOG=1"]]


@pytest.mark.parametrize("comes_back_with", ["nothing", "old counts"])
def test_a_redis_that_is_restarted_is_followed_again(followed, database, lone_redis, comes_back_with):
    uri, client = lone_redis.uri(), lone_redis.client()
    follower = Follower(followed, REDIS_SERVICE_URI=uri)
    counts = Counts(lambda *words: followed(*words, env={"REDIS_SERVICE_URI": uri}), client, database)
    counts.fill()
    if comes_back_with == "old counts":
        client.save()
    database.execute(INSERT.format(9999))
    wait_until(lambda: client.get("num_orders:9999") is None, seconds=SOON)
    lone_redis.stop()
    lone_redis.start()
    gone, back = (follower.process.stderr.readline() for _ in range(2))
    assert "Redis" in gone and "trying again" in gone
    assert "answer again" in back
    assert values(client) == []
    counts.fill()
    database.execute(INSERT.format(9999))
    counts.become_true()
    assert client.get(TOTAL) is not None
    assert (follower.end(), follower.errors) == (-signal.SIGTERM, "")


def test_a_connection_that_postgresql_ends_is_made_anew(with_own_sessions, counts, database):
    follower = Follower(with_own_sessions)
    counts.fill()
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1869767782")
    database.execute(INSERT.format(9999))
    counts.become_true()
    wait_until(lambda: database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), seconds=SOON)
    counts.fill()
    database.execute(INSERT.format(9999))
    counts.become_true()
    assert follower.end() == -signal.SIGTERM
    assert [line.count("again") for line in follower.errors.splitlines()] == [1, 1]


def test_it_follows_through_a_pooler_and_the_newest_wins(folder, postgres, followed, counts, database):
    with servers.running(PgBouncer(folder, postgres, size=3)) as pool:
        uri = postgres.uri(port=pool.port)
        first = Follower(followed, PG_SERVICE_URI=uri)
        counts.fill()
        database.execute(INSERT.format(9999))
        counts.become_true()
        assert database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1869767782"
                              " AND pid <> pg_backend_pid() AND granted AND virtualtransaction LIKE '%/0'") == 0
        second = Follower(followed, PG_SERVICE_URI=uri)
        _, errors = first.process.communicate(timeout=20)
        assert first.process.returncode == 3 and "taken over" in errors
        counts.fill()
        database.execute(INSERT.format(9999))
        counts.become_true()
        assert second.end() == -signal.SIGTERM


def test_through_a_pooler_it_waits_for_one_that_holds_the_lock(folder, postgres, with_own_sessions, counts, database):
    first = Follower(with_own_sessions)
    with servers.running(PgBouncer(folder, postgres, size=3)) as pool, service_manager() as (told_where, manager):
        pooled = {"PG_SERVICE_URI": postgres.uri(port=pool.port), **told_where}
        second = with_own_sessions.start("-v", "invalidate", "--follow", "--timeout=3", env=pooled)
        assert FOLLOWS not in hears(manager, WAITS, "READY=1")
        assert first.end() == -signal.SIGTERM
        hears(manager, FOLLOWS)
        counts.fill()
        database.execute(INSERT.format(9999))
        counts.become_true()
        second.send_signal(signal.SIGTERM)
        errors = second.communicate(timeout=20)[1]
    assert errors.count("Another follower is at work") == 1
    assert "warning" not in errors


def test_a_transaction_that_a_full_table_kept_from_noting_is_followed(followed, counts, database):
    database.execute(INSERT.format(1))
    database.execute("CREATE OR REPLACE FUNCTION ordercache.is_full() RETURNS boolean LANGUAGE sql"
                     " AS 'SELECT pg_catalog.pg_relation_size(''ordercache.change'') > 0'")
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"BEGIN; {INSERT.format(9999)}")
        database.execute("CREATE OR REPLACE FUNCTION ordercache.is_full() RETURNS boolean LANGUAGE sql AS 'SELECT false'")
        follower = Follower(followed, "-v")
        counts.fill()
        database.execute(INSERT.format(1))
        counts.become_true()
        assert counts.cache.get(TOTAL)
        cursor.execute("COMMIT")
        counts.become_true()
    counts.fill()
    database.execute(INSERT.format(9999))
    counts.become_true()
    follower.end()
    assert follower.errors.count("Clearing all caches") == 2


def test_a_partition_that_is_being_detached_is_left_out(partitioned, followed, counts, database):
    follower = Follower(followed)
    counts.fill()
    with contextlib.closing(database.connect()) as reader, contextlib.closing(database.connect()) as owner:
        reader.cursor().execute("BEGIN; SELECT FROM orders")
        with owner.cursor() as cursor:
            cursor.execute("SET statement_timeout = '200ms'")
            with pytest.raises(psycopg2.errors.QueryCanceled):
                cursor.execute("ALTER TABLE orders DETACH PARTITION orders_2005 CONCURRENTLY")
    counts.become_true()
    for after in ("SELECT 1", "ALTER TABLE orders DETACH PARTITION orders_2005 FINALIZE"):
        counts.fill()
        database.execute("DELETE FROM orders_2005 WHERE orderid = (SELECT max(orderid) FROM orders_2005)")
        database.execute(after)
        database.execute(INSERT.format(1))
        wait_until(counts.are_handled, seconds=SOON)
        counts.become_true()
    assert follower.end() == -signal.SIGTERM


def test_another_sessions_temporary_table_does_not_end_it(follower, counts, database):
    with contextlib.closing(database.connect()) as other:
        other.cursor().execute("CREATE TEMPORARY TABLE mine () INHERITS (orders)")
        counts.fill()
        database.execute(INSERT.format(9999))
        counts.become_true()
    assert follower.end() == -signal.SIGTERM


def test_prepared_transactions_do_not_clear_the_cache(followed, counts, database, cache):
    """One that was there at the start does, for a crash may have lost what it noted."""
    database.execute(f"BEGIN; {INSERT.format(9999)}; PREPARE TRANSACTION 'of old'")
    follower = Follower(followed, "-v")
    counts.fill()
    database.execute("COMMIT PREPARED 'of old'")
    counts.become_true()
    for number, statement in enumerate(5 * ["UPDATE customers SET lastname = 'x' WHERE customerid = 1", INSERT.format(9999)]):
        counts.fill()
        database.execute(f"BEGIN; {statement}; PREPARE TRANSACTION 'p{number}'")
        polls_twice(database)
        database.execute(f"COMMIT PREPARED 'p{number}'")
        polls_twice(database)
        counts.become_true()
        assert cache.get(TOTAL)
    follower.end()
    assert follower.errors.count("Clearing all caches") == 2


def polls_twice(database):
    """The follower has read what is noted, and its poll after that has begun."""
    for _ in range(2):
        database.execute("INSERT INTO ordercache.change VALUES (pg_current_xact_id(), NULL, 0)")
        wait_until(lambda: database.value("SELECT count(*) FROM ordercache.change") == 0, seconds=SOON)


def test_who_may_see_which_rows_is_followed(followed, narrow, database, cache):
    Follower(followed)
    assert followed("count", env={"PG_SERVICE_URI": narrow}).status == 0
    assert cache.get(TOTAL)
    database.execute("ALTER ROLE narrow BYPASSRLS")
    wait_until(lambda: cache.get(TOTAL) is None, seconds=SOON)


def test_a_large_transaction_is_read_in_pieces(followed, counts, database):
    database.execute("ALTER TABLE orders DROP CONSTRAINT fk_customerid")
    follower = Follower(followed)
    counts.fill()
    before = peak_memory(follower)
    database.execute("INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount)"
                     " SELECT '2004-01-01', n, 1, 1, 2 FROM generate_series(1, 100000) AS n")
    wait_until(counts.are_handled, seconds=SOON)
    counts.become_true()
    assert counts.cache.get(TOTAL)
    assert peak_memory(follower) < before + 8 * 1024


def peak_memory(follower):
    """In KiB."""
    with open(f"/proc/{follower.process.pid}/status") as status:
        [size] = [line.split()[1] for line in status if line.startswith("VmHWM:")]
    return int(size)


def test_a_poll_that_outlasts_timeout_is_tried_again(followed, counts, database):
    follower = Follower(followed, "--timeout=1")
    with contextlib.closing(database.connect()) as other:
        other.cursor().execute("BEGIN; LOCK TABLE ordercache.follower")
        assert "no answer within --timeout; trying again" in follower.process.stderr.readline()
    assert "answer again" in follower.process.stderr.readline()
    counts.fill()
    database.execute(INSERT.format(9999))
    counts.become_true()


@pytest.mark.parametrize("uri, said", [
    ({"user": "stranger", "password": "wrong"}, "password authentication failed"),
    ({"user": "nobody_at_all"}, "does not exist"),
    ({"database": "no_such_database"}, "does not exist"),
])
def test_a_login_that_is_refused_at_the_start_ends_it(followed, postgres, counts, uri, said):
    """A service manager has a failed unit then, and nothing is cleared."""
    counts.fill()
    uri = postgres.uri(**{"database": followed.environment["PG_DATABASE"], **uri}, port=postgres.port)
    run = followed("invalidate", "--follow", env={"PG_SERVICE_URI": uri, "PG_DATABASE": None})
    assert run.status == 3
    assert said in run.stderr
    assert counts.cache.get(TOTAL)


@contextlib.contextmanager
def rejecting(postgres, database):
    """PostgreSQL lets nobody connect to the database by TCP, and has ended the followers' sessions."""
    rules = postgres.folder / "data" / "pg_hba.conf"
    before = rules.read_text()

    def is_rejected():
        try:
            psycopg2.connect(postgres.uri(database.name, port=postgres.port)).close()
        except psycopg2.OperationalError:
            return True
        return False

    try:
        rules.write_text(f"host {database.name} all all reject\n{before}")
        database.execute("SELECT pg_reload_conf()")
        wait_until(is_rejected, what="the rejection")
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1869767782")
        yield
    finally:
        rules.write_text(before)
        database.execute("SELECT pg_reload_conf()")


def test_a_later_reason_is_not_hidden_behind_the_first(with_own_sessions, database, postgres):
    with service_manager() as (told_where, manager):
        follower = with_own_sessions.start("invalidate", "--follow", env=told_where)
        hears(manager, FOLLOWS)
        with rejecting(postgres, database):
            lines = iter(follower.stderr.readline, "")
            assert any("pg_hba.conf rejects connection" in line for line in lines)
            states = iter(lambda: manager.recv(1000).decode(), None)
            state = next(state for state in states if "pg_hba.conf rejects connection" in state)
            assert state.startswith("STATUS=Trying again since ")
        hears(manager, FOLLOWS)


def test_verbose_tells_when_it_follows_and_what_it_changes(followed, database):
    follower = Follower(followed, "-v")
    database.execute(INSERT.format(9999))
    wait_until(lambda: database.value("SELECT count(*) FROM ordercache.change") == 0, seconds=SOON)
    wait_until(lambda: database.value("SELECT ordercache.known_total('orders', '')") is not None, what="the known total")
    follower.end()
    told = follower.errors.splitlines()[1:]
    assert told[:2] == ["Clearing all caches", "Following what others write to orders"]
    assert {"Counting all orders for the known total", "Others wrote: clearing 1 caches, adding 1 to the total"} <= set(told[2:])
