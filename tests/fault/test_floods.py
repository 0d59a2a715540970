"""Floods: more programs, connections and values than the servers take. Whatever fails says so; no answer is wrong."""

import contextlib
from collections import Counter

import psycopg2
import pytest
import redis

from keys import script, values
from orders import LAST_ORDER, added, an_order
from peers import Proxy
from servers import wait_until

PROGRAMS = 500
FILLS = 6000
FILLS_EACH = 300


def finish(processes):
    """The status and output of each."""
    outputs = [process.communicate(timeout=120) for process in processes]
    return [(process.returncode, *output) for process, output in zip(processes, outputs, strict=True)]


def statuses(finished):
    return Counter(status for status, _, _ in finished)


def test_five_hundred_counts_at_once_on_a_cold_cache_are_all_true(ordercache, record_property):
    finished = finish([ordercache.start("count") for _ in range(PROGRAMS)])
    assert finished == [(0, "12000\n", "")] * PROGRAMS
    record_property("500 counts at once", str(dict(statuses(finished))))


def start_against_a_lock(ordercache, database, *arguments):
    """More programs than PostgreSQL takes connections, none of which ends before the last has tried."""
    with database.orders_locked():
        processes = [ordercache.start(*arguments) for _ in range(PROGRAMS)]
        wait_until(lambda: sum(process.poll() == 3 for process in processes) > PROGRAMS / 2, seconds=60)
    return finish(processes)


def test_counts_that_no_connection_is_left_for_fail_honestly(ordercache, database, record_property):
    finished = start_against_a_lock(ordercache, database, "count", "--no-cache")
    assert {(status, stdout) for status, stdout, _ in finished} == {(0, "12000\n"), (3, "")}
    record_property("500 counts without a cache at once", str(dict(statuses(finished))))


def test_adds_that_no_connection_is_left_for_write_nothing(ordercache, database, cache, record_property):
    assert ordercache("count").status == 0
    finished = start_against_a_lock(ordercache, database, *an_order())
    told = {int(stdout) for status, stdout, _ in finished if status == 0}
    assert set(statuses(finished)) == {0, 3}
    assert {order for (order,) in database.rows("SELECT orderid FROM orders WHERE orderid > %s", LAST_ORDER)} == told
    assert ordercache("count").stdout == f"{LAST_ORDER + len(told)}\n"
    record_property("500 adds at once", str(dict(statuses(finished))))


@pytest.fixture
def no_connection_left(postgres, database):
    """All that PostgreSQL has to give are taken, the superuser's too."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(psycopg2.OperationalError):
            while True:
                stack.enter_context(contextlib.closing(database.connect()))
        yield


def test_without_a_connection_a_hit_is_answered_and_nothing_else(ordercache, cache, request):
    cache.set("num_orders:all", LAST_ORDER)
    request.getfixturevalue("no_connection_left")
    assert ordercache("count").stdout == "12000\n"
    for arguments in (["count", "--customer=9999"], ["count", "--no-cache"], an_order()):
        run = ordercache(*arguments)
        assert (run.status, run.stdout) == (3, "")
        assert "too many clients" in run.stderr
    assert values(cache) == ["num_orders:all"]


@contextlib.contextmanager
def redis_setting(cache, name, value):
    before = cache.config_get(name)[name]
    cache.config_set(name, value)
    try:
        yield
    finally:
        cache.config_set(name, before)


def test_a_redis_at_maxclients_delays_no_count_and_lets_no_add_pass(ordercache, cache, database):
    cache.set("num_orders:all", 1)  # what nobody must be told
    with redis_setting(cache, "maxclients", 1):
        run = ordercache("count")
        assert (run.status, run.stdout) == (0, "12000\n")
        assert run.stderr.startswith("ordercache: warning: ") and run.stderr.count("\n") == 1
        for arguments in (an_order(), ["invalidate"], ["ttl"]):
            run = ordercache(*arguments)
            assert (run.status, run.stdout) == (4, "")
    assert added(database) == []


POLICIES = [
    "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random",
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
]


def fill_memory(cache):
    with cache.pipeline() as pipeline:
        for number in range(4000):
            pipeline.set(f"filler:{number}", "x" * 1000, ex=1000)
        pipeline.execute()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_redis_whose_memory_is_full_gives_no_wrong_count(policy, ordercache, cache, record_property):
    """Values and leases are evicted at any moment, or refused, while orders are added."""
    orders, of_customer, warnings = LAST_ORDER, 1, 0
    fill_memory(cache)
    evicted = cache.info()["evicted_keys"]
    with redis_setting(cache, "maxmemory-policy", policy), redis_setting(cache, "maxmemory", 3 << 20):
        for _ in range(20):
            assert ordercache(*an_order()).status == 0
            orders, of_customer = orders + 1, of_customer + 1
            for _ in range(2):
                total, customers = ordercache("count"), ordercache("count", "--customer=9999")
                assert (total.stdout, customers.stdout) == (f"{orders}\n", f"{of_customer}\n")
                warnings += len((total.stderr + customers.stderr).splitlines())
            with contextlib.suppress(redis.ResponseError):
                cache.set(f"filler:more:{orders}", "x" * 50000, ex=1000)
        evicted = cache.info()["evicted_keys"] - evicted
    assert (warnings >= 40) if policy == "noeviction" else (evicted > 0)
    record_property("memory full", f"{policy}: 80 counts true, {evicted} keys evicted, {warnings} warnings")


class Dam(Proxy):
    """Holds every fill back until it is opened."""

    def __init__(self, target):
        self.held = 0
        self.is_open = False
        super().__init__(target, trigger=script("lease_fill"), act=self._hold)

    def takes_up(self):
        with self._lock:
            self.held += 1
        return True

    def _hold(self, _proxy, _client, server, message):
        wait_until(lambda: self.is_open, seconds=60, what="the dam's opening")
        server.sendall(message)


@pytest.mark.parametrize("moment", ["after", "during"])
def test_six_thousand_fills_in_flight_leave_nothing_stale_behind_an_invalidate(
    moment, ordercache, cache, redis_server, database, record_property,
):
    """Counted before another program wrote; sent after its `invalidate`, or during it."""
    processes = FILLS // FILLS_EACH
    with Dam(redis_server.port) as dam:
        readers = []
        for number in range(processes):
            first = 1 + number * FILLS_EACH
            customers = [f"--customer={customer}" for customer in range(first, first + FILLS_EACH)]
            env = {"REDIS_SERVICE_URI": f"redis://127.0.0.1:{dam.port}?socket_timeout=60"}
            readers.append(ordercache.start("count", *customers, "--timeout=60", env=env))
        wait_until(lambda: dam.held == processes, seconds=60, what="the fills")
        database.execute(
            "INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount)"
            " SELECT '2023-03-10', customer, 1, 0, 1 FROM generate_series(1, %s) AS customer", FILLS,
        )
        leases = len(cache.keys("{num_orders:*}:lease"))
        dam.is_open = moment == "during"
        invalidated = ordercache("invalidate", "--timeout=60")
        dam.is_open = True
        assert invalidated.status == 0
        assert {status for status, _, _ in finish(readers)} == {0}
    truth = dict(database.rows("SELECT customerid, count(*) FROM orders GROUP BY customerid"))
    cached = {key: int(cache.get(key)) for key in cache.keys("num_orders:*")}
    stale = [key for key, count in cached.items() if truth[int(key.split(":")[1])] != count]
    assert stale == []
    record_property("fills in flight", f"{FILLS} ({leases} leases alive), {moment} an invalidate: {len(stale)} stale")
