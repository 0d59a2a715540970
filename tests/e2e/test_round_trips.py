"""Round trips: a hit is one turn to Redis and none to PostgreSQL, an add one connection, and a turn before and after its commit."""

import pytest

from keys import ALIVE, FOLLOWED, LEDGER
from orders import an_order
from peers import Proxy
from servers import commands_seen

SETTING_UP = {"AUTH", "SELECT", "HELLO", "CLIENT"}


@pytest.fixture
def watched(ordercache, redis_server):
    """The program behind a proxy that watches its talk with Redis: of a cluster, with the node that has the total."""
    with Proxy(redis_server.owner("num_orders:all").port) as proxy:
        ordercache.environment["REDIS_SERVICE_URI"] = f"redis://127.0.0.1:{proxy.port}"
        yield proxy


def connections(log):
    return sum("connection authorized" in line for line in log)


def queries(log):
    return [line for line in log if "statement:" in line or "execute" in line]


def test_a_hit_is_one_round_trip(ordercache, cache, watched):
    cache.set("num_orders:all", 12000)
    with commands_seen(cache) as commands:
        ordercache("count")
    assert commands == [["PTTL", ALIVE], ["GET", FOLLOWED], ["GET", "num_orders:all"]]
    assert (watched.connections, watched.round_trips) == (1, 1)


def test_a_hit_opens_no_connection_to_postgresql(ordercache, cache, database):
    cache.set("num_orders:all", 12000)
    with database.log() as log:
        ordercache("count")
    assert log == []


def test_credentials_and_the_database_cost_a_hit_no_round_trip(ordercache, lone_redis):
    lone_redis.client().acl_setuser("shop", enabled=True, passwords=["+open"], keys=["*"], commands=["+@all"])
    lone_redis.client(db=3).set("num_orders:all", 4711)
    with Proxy(lone_redis.port) as proxy:
        run = ordercache("count", env={"REDIS_SERVICE_URI": f"redis://shop:open@127.0.0.1:{proxy.port}/3"})
    assert run.stdout == "4711\n"
    assert proxy.round_trips == 1


def test_a_miss_is_two_round_trips_more(ordercache, watched):
    assert ordercache("count").stdout == "12000\n"
    assert (watched.connections, watched.round_trips) == (1, 3)


def test_a_miss_is_one_connection_and_one_count(ordercache, database):
    with database.log() as log:
        ordercache("count")
    assert connections(log) == 1
    assert sum("count(" in line.lower() for line in queries(log)) == 1


def test_the_counting_statement_runs_by_itself(ordercache, database):
    with database.log() as log:
        ordercache("count")
    assert not any("begin" in line.lower() for line in queries(log))
    [counting] = [line for line in queries(log) if "count(" in line.lower()]
    assert counting == queries(log)[-1]


def test_an_add_is_one_connection_to_postgresql(ordercache, database):
    with database.log() as log:
        ordercache(*an_order())
    assert connections(log) == 1
    assert queries(log)[-1].lower().endswith("commit")


def test_an_add_is_one_connection_and_two_round_trips_to_redis(ordercache, watched):
    ordercache(*an_order())
    assert (watched.connections, watched.round_trips) == (1, 2)


def test_a_counts_of_no_cache_opens_no_connection_to_redis(ordercache, watched):
    ordercache("count", "--no-cache")
    assert watched.connections == 0


@pytest.mark.parametrize("command", [
    ("count",), ("count", "--customer", "9999"), ("count", "--refresh"), ("count", "--no-cache"), tuple(an_order()),
    (*an_order(), "--dry-run"), ("invalidate",), ("invalidate", "--customer", "9999"), ("ttl",),
], ids=" ".join)
def test_no_key_of_the_protocol_is_left_behind(ordercache, cache, command):
    ordercache(*command)
    assert not [key for key in cache.keys() if "lease" in key]
    assert set(cache.hgetall(LEDGER)) <= {"since", "filled_by"}
    assert cache.exists("num_orders:all") or not cache.exists(LEDGER)
