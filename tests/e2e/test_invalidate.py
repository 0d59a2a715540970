"""invalidate: cached counts dropped, and nothing else in Redis."""

import subprocess

import pytest

from delayed_link import DelayedLink, DistantRedis
from keys import claim_total
from peers import refusing_port
from program import PROGRAM
from servers import commands_seen


def test_every_cached_count_is_dropped_and_counted(ordercache, cache):
    cache.mset({"num_orders:all": 12000, **{f"num_orders:{customer}": 1 for customer in range(1, 8)}})
    run = ordercache("invalidate")
    assert (run.status, run.stdout, run.stderr) == (0, "8\n", "")
    assert cache.dbsize() == 0


def test_json_is_an_object_with_a_number(ordercache, cache):
    cache.mset({"num_orders:all": 12000, "num_orders:9999": 1})
    assert ordercache("invalidate", "--json").stdout == '{"invalidated":2}\n'


def test_nothing_cached_is_nothing_dropped(ordercache):
    run = ordercache("invalidate")
    assert (run.status, run.stdout) == (0, "0\n")


def test_other_keys_stay(ordercache, cache):
    others = {"num_orders": "1", "num_orders_total": "2", "orders:all": "3", "my:num_orders:all": "4", "other": "5"}
    cache.mset({**others, "num_orders:all": 12000})
    assert ordercache("invalidate").stdout == "1\n"
    assert {key: cache.get(key) for key in cache.keys()} == others


@pytest.mark.parametrize("prefix, other", [("sh*p", "shoop"), ("sh?p", "shop"), ("sh[io]p", "shop"), ("sh\\op", "shop")])
def test_a_prefix_means_itself(ordercache, cache, prefix, other):
    cache.mset({f"{prefix}:all": 1, f"{other}:all": 2})
    assert ordercache("invalidate", env={"CACHE_KEY_PREFIX": prefix}).stdout == "1\n"
    assert cache.keys() == [f"{other}:all"]


def test_any_number_of_counts_is_dropped(ordercache, cache):
    cache.mset({f"num_orders:{customer}": 1 for customer in range(1, 10_001)})
    cache.mset({f"other:{number}": 1 for number in range(10_000)})
    assert ordercache("invalidate").stdout == "10000\n"
    assert cache.dbsize() == 10_000


@pytest.mark.parametrize("length", [260, 20_000])
def test_a_long_prefix_does_not_make_a_reply_too_large(ordercache, lone_redis, length):
    """On a server of its own: Redis may put thousands of keys into a table that it shrinks after another test's keys."""
    prefix, cache = "p" * length, lone_redis.client()
    number = min(20_000, 100_000_000 // length)
    with cache.pipeline() as pipeline:
        for customer in range(1, number + 1):
            pipeline.set(f"{prefix}:{customer}", 1)
        pipeline.execute()
    run = ordercache("invalidate", env={"CACHE_KEY_PREFIX": prefix, "REDIS_SERVICE_URI": lone_redis.service_uri()})
    assert (run.status, run.stdout, run.stderr) == (0, f"{number}\n", "")
    assert cache.dbsize() == 0


def test_long_keys_of_other_programs_do_not_make_a_reply_too_large(ordercache, cache):
    cache.mset({f"num_orders:{'x' * 1000}:{number}": 1 for number in range(5000)})
    cache.mset({f"num_orders:{customer}": 1 for customer in range(1, 5001)})
    assert ordercache("invalidate").stdout == "5000\n"
    assert cache.dbsize() == 5000


def test_leases_are_taken_away_and_not_counted(ordercache, cache):
    claim_total(cache)
    cache.mset({"num_orders:all": 12000, "{num_orders:5}:lease": "b"})
    assert ordercache("invalidate").stdout == "1\n"
    assert cache.dbsize() == 0


def test_redis_is_scanned_and_never_flushed(ordercache, cache):
    cache.mset({f"num_orders:{customer}": 1 for customer in range(1, 100)})
    with commands_seen(cache) as commands:
        ordercache("invalidate")
    names = {command[0].upper() for command in commands}
    assert "SCAN" in names
    assert not names & {"KEYS", "FLUSHDB", "FLUSHALL"}


def test_a_customers_count_and_the_total_are_dropped(ordercache, cache):
    cache.mset({"num_orders:all": 12000, "num_orders:9999": 1, "num_orders:1": 7})
    assert ordercache("invalidate", "--customer", "9999").stdout == "2\n"
    assert cache.keys() == ["num_orders:1"]


def test_only_what_was_cached_is_counted(ordercache, cache):
    cache.mset({"num_orders:all": 12000, "num_orders:1": 7})
    assert ordercache("invalidate", "--customer", "9999", "--json").stdout == '{"invalidated":1}\n'


def test_a_customers_lease_and_the_totals_ledger_are_taken_away(ordercache, cache):
    claim_total(cache)
    cache.mset({"{num_orders:9999}:lease": "b", "{num_orders:1}:lease": "c"})
    assert ordercache("invalidate", "--customer", "9999").stdout == "0\n"
    assert cache.keys() == ["{num_orders:1}:lease"]


@pytest.mark.parametrize("arguments, dropped", [((), 3), (("--customer", "9999"), 2)])
def test_dry_run_counts_and_changes_nothing(ordercache, cache, arguments, dropped):
    cache.mset({"num_orders:all": 12000, "num_orders:9999": 1, "num_orders:1": 7, "{num_orders:1}:lease": "a"})
    assert ordercache("invalidate", "--dry-run", *arguments).stdout == f"{dropped}\n"
    assert cache.dbsize() == 4


def test_redis_down_is_a_failure(ordercache):
    with refusing_port() as port:
        run = ordercache("invalidate", env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{port}"})
    assert (run.status, run.stdout) == (4, "")
    assert run.stderr == f"ordercache: error: cannot connect to Redis at 127.0.0.1:{port}: Connection refused\n"


def test_a_million_other_keys_behind_a_long_link_take_longer_than_a_wait_may(program, folder):
    with DelayedLink(0.02) as link:
        redis = DistantRedis(folder, link, "--enable-debug-command", "local")
        try:
            redis.start()
            client = redis.client()
            client.execute_command("DEBUG", "POPULATE", 1_000_000, "other")
            client.mset({"num_orders:all": 12000, "num_orders:1": 7, "{num_orders:7}:lease": "somebody's"})
            env = {**program.environment, "REDIS_SERVICE_URI": redis.uri()}
            finished = subprocess.run(
                link.within(PROGRAM, "invalidate", "--timeout=2"), env=env, capture_output=True, text=True, check=False,
            )
            left = client.dbsize()
        finally:
            redis.stop()
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "2\n", "")
    assert left == 1_000_000
