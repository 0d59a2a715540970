"""Single flight: readers that miss together put one query on the database, whatever becomes of the one that asks."""

import threading
import time
from contextlib import contextmanager

import pytest

from keys import LEDGER, claim_total, reader_of_total, total_claimed, values
from orders import an_order
from peers import Proxy
from servers import wait_until

LEASE_SECONDS = 2
SCOPES = [((), "num_orders:all", "12000\n"), (("--customer", "9999"), "num_orders:9999", "1\n")]


def count_queries(log):
    return sum("count(" in line.lower() for line in log if "statement:" in line or "execute" in line)


def test_two_hundred_cold_counts_are_one_query(ordercache, database, cache):
    with database.log() as log:
        with database.orders_locked():
            readers = [ordercache.start("count") for _ in range(200)]
            time.sleep(2)
        answers = [reader.communicate(timeout=30) for reader in readers]
    assert answers == [("12000\n", "")] * 200
    assert {reader.returncode for reader in readers} == {0}
    assert count_queries(log) == 1
    assert values(cache) == ["num_orders:all"]


def test_a_waiting_reader_takes_the_value_of_the_one_that_asked(ordercache, database):
    with database.log() as log:
        with database.orders_locked():
            asking = ordercache.start("count")
            time.sleep(0.5)
            waiting = ordercache.start("count")
            time.sleep(0.5)
        assert [reader.communicate(timeout=20)[0] for reader in (asking, waiting)] == ["12000\n"] * 2
    assert count_queries(log) == 1


def test_a_reader_of_one_count_does_not_wait_for_one_of_another(ordercache, cache):
    with total_claimed(cache):
        run = ordercache("count", "--customer", "9999")
        assert run.stdout == "1\n"
        assert run.seconds < 10


@pytest.mark.parametrize("scope, name, answer", SCOPES)
def test_a_reader_that_is_killed_is_replaced_when_its_right_ends(ordercache, database, cache, scope, name, answer):
    with database.orders_locked():
        killed = ordercache.start("count", *scope)
        database.wait_for_activity("orders")
        killed.kill()
        killed.wait()
    assert values(cache) == []
    run = ordercache("count", *scope)
    assert (run.status, run.stdout, run.stderr) == (0, answer, "")
    assert run.seconds < LEASE_SECONDS + 5
    assert values(cache) == [name]


@pytest.mark.parametrize("scope, name, answer, right", [
    ((), "num_orders:all", "12000\n", LEDGER),
    (("--customer", "9999"), "num_orders:9999", "1\n", "{num_orders:9999}:lease"),
], ids=["total", "customer"])
def test_the_right_to_count_is_short_and_renewed(ordercache, database, cache, scope, name, answer, right):
    with database.orders_locked():
        reader = ordercache.start("count", *scope)
        database.wait_for_activity("orders")
        for _ in range(8):
            time.sleep(0.5)
            assert 0 < cache.pttl(right) <= LEASE_SECONDS * 1000
    assert reader.communicate(timeout=20)[0] == answer
    assert values(cache) == [name]


def test_a_reader_that_lost_its_lease_answers_and_stores_nothing(ordercache, database, cache):
    with database.orders_locked():
        reader = ordercache.start("count")
        database.wait_for_activity("orders")
        claim_total(cache)
    assert reader.communicate(timeout=20) == ("12000\n", "")
    assert values(cache) == []
    assert reader_of_total(cache) == "another-reader"


def test_a_reader_whose_lease_was_dropped_answers_and_stores_nothing(ordercache, database, cache):
    with database.orders_locked():
        reader = ordercache.start("count")
        database.wait_for_activity("orders")
        assert ordercache("invalidate").stdout == "0\n"
    assert reader.communicate(timeout=20) == ("12000\n", "")
    assert cache.keys() == []


def test_a_reader_waits_up_to_its_timeout_and_says_for_what(ordercache, cache, database):
    with total_claimed(cache):
        with database.log() as log:
            run = ordercache("count", "--timeout", "3")
        assert (run.status, run.stdout) == (3, "")
        assert run.stderr == (
            "ordercache: error: timed out waiting for num_orders:all: another process is still counting in PostgreSQL;"
            " use a longer --timeout\n"
        )
        assert 2.9 < run.seconds < 10
        assert count_queries(log) == 0
        assert reader_of_total(cache) == "another-reader"


def test_readers_wait_for_a_count_that_takes_most_of_their_time(ordercache, database):
    with database.log() as log:
        with database.orders_locked():
            readers = [ordercache.start("count", "--timeout", "10") for _ in range(10)]
            time.sleep(6)
        answers = [reader.communicate(timeout=20) for reader in readers]
    assert answers == [("12000\n", "")] * 10
    assert count_queries(log) == 1


@pytest.mark.parametrize("milliseconds", [None, 60_000, 3_600_000])
def test_a_lease_that_does_not_end_in_its_time_is_not_in_use(ordercache, cache, milliseconds):
    """One with a later end is from before a failover to a Redis whose clock is behind."""
    cache.set("{num_orders:9999}:lease", "another's", px=milliseconds)
    run = ordercache("count", "--customer", "9999")
    assert (run.stdout, run.stderr) == ("1\n", "")
    assert run.seconds < 10
    assert values(cache) == ["num_orders:9999"]


@pytest.mark.parametrize("scope, name, answer", SCOPES)
def test_refreshes_that_overlap_fill_the_cache(ordercache, database, cache, scope, name, answer):
    with database.log() as log:
        with database.orders_locked():
            first = ordercache.start("count", *scope, "--refresh")
            database.wait_for_activity("count(")
            others = [ordercache.start("count", *scope, "--refresh") for _ in range(5)]
            time.sleep(1)
        assert [reader.communicate(timeout=20)[0] for reader in (first, *others)] == [answer] * 6
    assert values(cache) == [name]
    assert count_queries(log) == 2


def test_a_value_that_comes_while_waiting_is_the_answer(ordercache, cache, database):
    with total_claimed(cache):
        reader = ordercache.start("count")
        time.sleep(0.3)
        cache.set("num_orders:all", 4711)
        assert reader.communicate(timeout=20) == ("4711\n", "")
        assert wait_until(lambda: not database.activity())


READERS = 16
SLOW_ORDERS = """
    CREATE SCHEMA slow;
    CREATE VIEW slow.orders AS
      WITH waited AS MATERIALIZED (SELECT pg_sleep(1)) SELECT orders.* FROM public.orders, waited
"""


def slowly(server):
    """Orders that take a second to count."""
    return {"PG_SERVICE_URI": f"{server.uri(port=server.port)}?options=-csearch_path%3Dslow%2Cpublic"}


@contextmanager
def stopped_add(ordercache, database):
    """An add that is entered in the ledger, and whose COMMIT does not reach the server meanwhile."""
    ended = threading.Event()

    def hold_back(_proxy, _client, server, message):
        ended.wait(60)
        server.sendall(message)

    with Proxy(database.postgres.port, trigger=b"COMMIT\0", act=hold_back) as proxy:
        add = ordercache.start(*an_order(), env={"PG_SERVICE_URI": database.postgres.uri(port=proxy.port)})
        wait_until(lambda: proxy.triggered, what="the COMMIT")
        try:
            yield
        finally:
            ended.set()
            assert add.communicate(timeout=20)[0] == "12001\n"


def assert_that_few_counts_serve_all(ordercache, cache, scope, answer, environment):
    """Each that counts says so; nothing is stored for the others."""
    begin = time.monotonic()
    readers = [ordercache.start("count", "-v", "--timeout=15", *scope, env=environment) for _ in range(READERS)]
    told = [reader.communicate(timeout=30) for reader in readers]
    assert [stdout for stdout, _ in told] == [answer] * READERS
    assert 1 <= sum("Looking up" in stderr for _, stderr in told) <= 3
    assert time.monotonic() - begin < 15
    assert values(cache) == []


@pytest.mark.parametrize("scope, _name, answer", SCOPES)
def test_readers_of_a_standby_share_their_counts(ordercache, database, cache, standby, scope, _name, answer):
    database.execute(SLOW_ORDERS)
    standby.catch_up()
    assert_that_few_counts_serve_all(ordercache, cache, scope, answer, slowly(standby))


@pytest.mark.parametrize("scope, _name, answer", SCOPES)
def test_readers_beside_a_stopped_add_share_their_counts(ordercache, database, cache, scope, _name, answer):
    database.execute(SLOW_ORDERS)
    with stopped_add(ordercache, database):
        assert_that_few_counts_serve_all(ordercache, cache, scope, answer, slowly(database.postgres))


def test_a_standbys_count_is_not_for_readers_of_the_primary(ordercache, database, cache, standby):
    """It may lag behind an add that has returned."""
    database.execute(SLOW_ORDERS)
    standby.catch_up()
    on_standby = slowly(standby)
    early = ordercache.start("count", env=on_standby)
    wait_until(lambda: reader_of_total(cache), what="the first reader")
    first = reader_of_total(cache)
    others = [ordercache.start("count", "-v", env=on_standby) for _ in range(3)]
    ours = ordercache.start("count", "-v")
    assert early.communicate(timeout=20)[0] == "12000\n"
    assert first
    told = [reader.communicate(timeout=20) for reader in (ours, *others)]
    assert [stdout for stdout, _ in told] == ["12000\n"] * 4
    assert "Taking another" not in told[0][1]
