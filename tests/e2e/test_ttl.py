"""ttl: how long a cached count has left."""

import json

import pytest

from keys import LEDGER, claim_total, total_claimed
from peers import Proxy, refusing_port
from servers import wait_until
from test_ledger_scripts import Ledger

NOTHING_IN_FLIGHT = "No add is in flight, and the total is not being counted\n"


@pytest.fixture
def told(ordercache):
    """The line that -v says of the total's readers and writers."""
    return lambda: ordercache("ttl", "-v").stderr.splitlines()[-1]


@pytest.mark.parametrize("milliseconds, seconds", [(86_990, "87"), (1_990, "2"), (990, "1")])
def test_seconds_left_are_rounded_up(ordercache, cache, milliseconds, seconds):
    cache.set("num_orders:all", 12000, px=milliseconds)
    run = ordercache("ttl")
    assert (run.status, run.stdout, run.stderr) == (0, f"{seconds}\n", "")


def test_json_is_an_object_with_a_number(ordercache, cache):
    cache.set("num_orders:all", 12000, px=86_990)
    assert ordercache("ttl", "--json").stdout == '{"ttl":87,"adds_in_flight":0,"counting":false}\n'
    assert ordercache("ttl", "--json", "--customer=9999").stdout == '{"ttl":null}\n'


def test_a_customers_count_has_its_own(ordercache, cache):
    cache.set("num_orders:all", 12000, px=86_990)
    cache.set("num_orders:9999", 1, px=10_990)
    assert ordercache("ttl", "--customer", "9999").stdout == "11\n"


def test_what_is_not_cached_is_a_no_without_a_word_on_stdout(ordercache):
    run = ordercache("ttl")
    assert (run.status, run.stdout) == (1, "")


@pytest.mark.parametrize("customer, key, total", [
    ((), "num_orders:all", NOTHING_IN_FLIGHT), (("--customer", "9999"), "num_orders:9999", ""),
])
def test_what_is_not_cached_is_said_so_where_it_is_asked_for(ordercache, customer, key, total):
    run = ordercache("ttl", "-v", *customer)
    assert (run.status, run.stdout, run.stderr) == (1, "", f"{key} is not cached\nNo follower is in charge\n{total}")


@pytest.mark.parametrize("milliseconds, how_long", [(86_990, "is cached for another 87 s"), (None, "is cached and never expires")])
def test_how_long_a_count_is_cached_is_told_in_words_too(ordercache, cache, milliseconds, how_long):
    cache.set("num_orders:all", 12000, px=milliseconds)
    assert ordercache("ttl", "-v").stderr == f"num_orders:all {how_long}\nNo follower is in charge\n{NOTHING_IN_FLIGHT}"


def test_who_counts_the_total_is_told(ordercache, cache, told):
    with total_claimed(cache):
        assert told() == "No add is in flight, and the total is being counted"
        assert json.loads(ordercache("ttl", "--json").stdout)["counting"] is True
    cache.hset(LEDGER, "reader", "one-that-died 1700000000000")
    assert f"{told()}\n" == NOTHING_IN_FLIGHT


def test_adds_in_flight_are_told(ordercache, cache, told):
    ledger = Ledger(cache)
    wait_until(lambda: ledger.register(900, 1) or told() == "1 add is in flight, and the total is not being counted")
    wait_until(lambda: ledger.register(901, 1) or ledger.register(900, 1) or told().startswith("2 adds are in flight, "))
    wait_until(lambda: ledger.register(900, 1) or json.loads(ordercache("ttl", "--json").stdout)["adds_in_flight"])


def test_a_look_changes_nothing(ordercache, cache):
    claim_total(cache)
    cache.pexpire(LEDGER, 60_000)
    cache.set("num_orders:all", 12000, ex=100)
    before = {key: cache.dump(key) for key in cache.keys()}, cache.pttl(LEDGER)
    ordercache("ttl", "-v")
    assert {key: cache.dump(key) for key in cache.keys()} == before[0]
    assert cache.pttl(LEDGER) <= before[1]


def test_only_who_asks_for_more_waits_for_more(ordercache, cache, redis_server):
    with Proxy(redis_server.owner("num_orders:all").port) as proxy:
        for arguments, round_trips in ((), 1), (("-v",), 2), (("--json",), 2):
            before = proxy.round_trips
            ordercache("ttl", *arguments, env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{proxy.port}"})
            assert proxy.round_trips - before == round_trips


def test_what_is_not_cached_is_null_in_json(ordercache):
    run = ordercache("ttl", "--json")
    assert (run.status, run.stdout) == (1, '{"ttl":null,"adds_in_flight":0,"counting":false}\n')


def test_a_count_that_never_expires_has_minus_one(ordercache, cache):
    cache.set("num_orders:all", 12000)
    assert ordercache("ttl").stdout == "-1\n"
    assert json.loads(ordercache("ttl", "--json").stdout)["ttl"] == -1


def test_a_count_that_was_just_cached_has_its_whole_time(ordercache):
    ordercache("count")
    assert ordercache("ttl").stdout in ("120\n", "119\n")


def test_redis_down_is_a_failure(ordercache):
    with refusing_port() as port:
        run = ordercache("ttl", env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{port}"})
    assert (run.status, run.stdout) == (4, "")
    assert run.stderr == f"ordercache: error: cannot connect to Redis at 127.0.0.1:{port}: Connection refused\n"
