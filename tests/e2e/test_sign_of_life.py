"""A follower's sign of life: what no follower watches any more is counted anew."""

import contextlib
import json
import re
import signal
import subprocess
import threading
import time

import pytest

import servers
from following import FOLLOWS, INSERT, Follower, hears, service_manager
from keys import ALIVE, FOLLOWED, TOTAL, script
from peers import Proxy
from servers import Cluster, running, wait_until
from test_single_flight import count_queries

READERS = 30
GONE = (
    "ordercache: warning: the follower of num_orders is gone: counting anew; start it again, or run ordercache invalidate"
    " if there is to be none\n"
)


@pytest.fixture
def follower(followed, cache):
    follower = Follower(followed)
    wait_for_sign(cache)
    return follower


def wait_for_sign(cache):
    wait_until(lambda: cache.exists(ALIVE), seconds=20, what="a sign of life")


def lose(follower, cache):
    """Kills it, and waits until its last sign of life has expired."""
    follower.process.kill()
    follower.process.communicate()
    wait_until(lambda: not cache.exists(ALIVE), seconds=20, what="the end of the sign of life")


def last_sign(cache):
    return int(cache.get(FOLLOWED).split()[0])


def time_without_gap(cache):
    """For how many milliseconds the sign of life had been there when the last one was given."""
    return int(cache.get(FOLLOWED).split()[1])


def is_clean(run, answer, warning=""):
    return (run.status, run.stdout, run.stderr) == (0, answer, warning)


def test_a_follower_gives_a_sign_of_life_every_half_second(follower, cache):
    assert cache.ttl(FOLLOWED) == -1
    for _ in range(10):
        assert 0 < cache.pttl(ALIVE) <= 2000
        time.sleep(0.1)
    for key in ALIVE, FOLLOWED:
        cache.delete(key)
        begin = time.monotonic()
        wait_until(lambda: cache.exists(key))
        assert time.monotonic() - begin < 2


@contextlib.contextmanager
def killed(process, *_):
    process.kill()
    yield


@contextlib.contextmanager
def ended(process, *_):
    process.terminate()
    yield


@contextlib.contextmanager
def stopped(process, *_):
    process.send_signal(signal.SIGSTOP)
    yield
    process.send_signal(signal.SIGCONT)


def cut_from_postgresql(_process, to_postgresql, _to_redis):
    return to_postgresql.cut()


def cut_from_redis(_process, _to_postgresql, to_redis):
    return to_redis.cut()


@pytest.mark.parametrize("fault", [killed, ended, stopped, cut_from_postgresql, cut_from_redis])
def test_a_read_is_true_though_the_follower_is_lost(followed, database, postgres, lone_redis, fault):
    cache = lone_redis.client()
    followed.environment["REDIS_SERVICE_URI"] = lone_redis.uri()
    with Proxy(postgres.port) as to_postgresql, Proxy(lone_redis.port) as to_redis:
        follower = Follower(
            followed, PG_SERVICE_URI=postgres.uri(port=to_postgresql.port), REDIS_SERVICE_URI=lone_redis.uri(port=to_redis.port),
        )
        wait_for_sign(cache)
        assert is_clean(followed("count"), "12000\n")
        assert is_clean(followed("count", "--customer=9999"), "1\n")
        with fault(follower.process, to_postgresql, to_redis):
            database.execute(INSERT.format(9999))
            wait_until(lambda: not cache.exists(ALIVE), seconds=20, what="the end of the sign of life")
            assert is_clean(followed("count"), "12001\n", GONE)
            assert is_clean(followed("count", "--customer=9999"), "2\n", GONE)
            database.execute(INSERT.format(9999))
            assert is_clean(followed("count"), "12002\n", GONE)
        if fault in (killed, ended):
            Follower(followed)
        wait_for_sign(cache)
        assert is_clean(followed("count"), "12002\n")
        database.execute(INSERT.format(9999))
        wait_until(lambda: cache.get(TOTAL) == "12003", what="the order in the cache")
        assert is_clean(followed("count"), "12003\n")


def test_a_restart_leaves_no_gap(followed, cache):
    follower = Follower(followed)
    wait_for_sign(cache)
    follower.process.terminate()
    follower = Follower(followed)
    wait_until(lambda: cache.pttl(ALIVE) > 1900)
    assert is_clean(followed("count"), "12000\n")


def test_without_a_follower_there_is_none_to_miss(ordercache, cache):
    assert is_clean(ordercache("count"), "12000\n")
    assert not cache.exists(FOLLOWED, ALIVE)
    assert is_clean(ordercache("count", "--customer=9999", "--customer=1"), "9999\t1\n1\t0\n")


def test_a_list_is_counted_anew_with_one_warning(follower, followed, cache, database):
    asked = "".join(f"{customer}\n" for customer in range(9000, 9999))
    first = followed("count", "--customers-from=-", stdin=asked)
    lose(follower, cache)
    database.execute(INSERT.format(9500))
    run = followed("count", "--customers-from=-", stdin=asked)
    assert (run.status, run.stderr) == (0, GONE)
    changed = set(run.stdout.splitlines()) - set(first.stdout.splitlines())
    assert len(changed) == 1 and changed.pop().startswith("9500\t")


def test_a_coprocess_warns_when_the_follower_goes_and_trusts_its_successor(follower, followed, cache, database):
    coprocess = followed.start("count", "--customers-from=-", stdin=subprocess.PIPE)

    def ask():
        coprocess.stdin.write("9999\n")
        coprocess.stdin.flush()
        return coprocess.stdout.readline()

    assert ask() == "9999\t1\n"
    lose(follower, cache)
    for orders in (2, 3):
        database.execute(INSERT.format(9999))
        assert ask() == f"9999\t{orders}\n"
    Follower(followed)
    wait_for_sign(cache)
    assert ask() == "9999\t3\n"
    with database.log() as log:
        assert ask() == "9999\t3\n"
    assert count_queries(log) == 0
    _, errors = coprocess.communicate(timeout=20)
    assert (coprocess.returncode, errors) == (0, GONE)


def test_an_invalidate_ends_the_watch_of_a_dead_follower(follower, followed, cache):
    lose(follower, cache)
    assert is_clean(followed("count"), "12000\n", GONE)
    assert is_clean(followed("invalidate", "--dry-run"), "1\n")
    assert is_clean(followed("invalidate", "--customer=9999"), "1\n")
    assert is_clean(followed("count"), "12000\n", GONE)
    assert is_clean(followed("invalidate"), "1\n")
    assert is_clean(followed("count"), "12000\n")


@pytest.mark.parametrize("forget", [lambda followed, _: followed("invalidate"), lambda _, cache: cache.flushall()])
def test_a_follower_that_is_alive_is_in_charge_again_after_an_invalidate(follower, followed, cache, database, forget):
    followed("count")
    forget(followed, cache)
    wait_until(lambda: cache.exists(FOLLOWED) and cache.exists(ALIVE))
    assert is_clean(followed("count"), "12000\n")
    lose(follower, cache)
    database.execute(INSERT.format(9999))
    assert is_clean(followed("count"), "12001\n", GONE)


def test_ttl_tells_whether_somebody_follows(followed, cache):
    def told():
        return followed("ttl", "-v").stderr.splitlines()[1], json.loads(followed("ttl", "--json", "--customer=9999").stdout)

    assert told() == ("No follower is in charge", {"ttl": None})
    follower = Follower(followed)
    wait_for_sign(cache)
    line, fields = told()
    assert re.fullmatch(r"A follower is at work; its last poll began (?:[01]\.\d|2\.0) s ago", line)
    assert fields["followed"] is True and 0 <= fields["last_poll"] < 2
    lose(follower, cache)
    line, fields = told()
    assert re.fullmatch(r"The follower has been gone since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", line)
    assert fields["followed"] is False and fields["last_poll"] > 0
    assert told()[1]["last_poll"] > fields["last_poll"]


def test_a_sign_that_comes_late_is_none(followed, database, lone_redis):
    """The wire holds it back, its follower is killed, and it arrives long after."""
    cache = lone_redis.client()
    followed.environment["REDIS_SERVICE_URI"] = lone_redis.uri()
    may_go_on, went_on = threading.Event(), threading.Event()

    def hold_back(_proxy, _client, server, message):
        may_go_on.wait()
        server.sendall(message)
        went_on.set()

    with Proxy(lone_redis.port) as proxy:
        follower = Follower(followed, REDIS_SERVICE_URI=lone_redis.uri(port=proxy.port))
        wait_for_sign(cache)
        followed("count")
        proxy.watch_for(script("follower_sign"), hold_back)
        wait_until(lambda: proxy.triggered, what="a sign on its way")
        lose(follower, cache)
        database.execute(INSERT.format(9999))
        before = last_sign(cache)
        wait_until(lambda: cache.time()[0] > before / 1000 + 4, what="the end of the sign that was held back")
        may_go_on.set()
        assert went_on.wait(10)
        wait_until(lambda: last_sign(cache) > before, what="the sign")
        assert not cache.exists(ALIVE)
        assert is_clean(followed("count"), "12001\n", GONE)


def test_readers_of_a_dead_follower_share_their_counts(follower, followed, cache, database, redis_server):
    followed("count")
    lose(follower, cache)
    database.execute(INSERT.format(9999))
    with database.log() as log:
        with database.orders_locked():
            readers = [followed.start("count", "--timeout=60") for _ in range(READERS)]
            wait_until(lambda: askers(redis_server) == READERS, what="the readers, which all wait for one count")
        assert [reader.communicate(timeout=60) for reader in readers] == [("12001\n", GONE)] * READERS
    assert 1 <= count_queries(log) <= 3


def askers(redis_server):
    """How many programs have asked for the right to count the total."""
    clients = redis_server.owner(TOTAL).client().client_list()
    return sum(client["cmd"].startswith("eval") for client in clients)


def test_a_redis_that_becomes_a_replica_is_not_vouched_for(followed, database, lone_redis, folder):
    followed.environment["REDIS_SERVICE_URI"] = lone_redis.uri()
    cache = lone_redis.client()
    with running(servers.Redis(folder)) as primary:
        follower = Follower(followed)
        wait_for_sign(cache)
        cache.replicaof("127.0.0.1", primary.port)
        assert "it is a replica" in follower.process.stderr.readline()
        cache.replicaof("NO", "ONE")
        assert "answer again: all caches were cleared" in follower.process.stderr.readline()


@pytest.fixture(scope="module")
def cluster(folder):
    with running(Cluster(folder)) as cluster:
        yield cluster


@pytest.fixture
def in_cluster(followed, cluster):
    cache = cluster.client()
    cache.flushall()
    followed.environment["REDIS_SERVICE_URI"] = cluster.uri()
    yield cache
    cache.close()


CUSTOMERS = range(9990, 9999)


def test_in_a_cluster_a_customers_count_is_watched_from_the_totals_node(in_cluster, followed, database):
    follower = Follower(followed)
    wait_for_sign(in_cluster)
    wait_until(lambda: time_without_gap(in_cluster) > 1000, what="signs that a read in a cluster trusts")
    scopes = [(), *((f"--customer={customer}",) for customer in CUSTOMERS)]
    for scope in scopes:
        followed("count", *scope)
    with database.log() as log:
        assert [followed("count", *scope).stderr for scope in scopes] == [""] * len(scopes)
    assert count_queries(log) == 0
    lose(follower, in_cluster)
    for customer in CUSTOMERS:
        database.execute(INSERT.format(customer))
    for customer in CUSTOMERS:
        true = database.value("SELECT count(*) FROM orders WHERE customerid = %s", customer)
        assert is_clean(followed("count", f"--customer={customer}"), f"{true}\n", GONE)
    assert is_clean(followed("count"), f"{12000 + len(CUSTOMERS)}\n", GONE)


def test_in_a_cluster_a_follower_starts_anew_when_a_primary_is_replaced(in_cluster, cluster, followed):
    with service_manager() as (told_where, manager):
        follower = followed.start("invalidate", "--follow", env=told_where)
        hears(manager, FOLLOWS)
        wait_for_sign(in_cluster)
        other = next(node for node in cluster.primaries() if node.port != cluster.owner(TOTAL).port)
        replica = next(node for node in cluster.nodes if is_replica_of(node, other))
        replica.client().execute_command("CLUSTER", "FAILOVER")
        assert "it is a replica" in follower.stderr.readline()
        assert "answer again: all caches were cleared" in follower.stderr.readline()


def is_replica_of(node, primary):
    role = node.client().role()
    return role[0] == "slave" and role[2] == primary.port
