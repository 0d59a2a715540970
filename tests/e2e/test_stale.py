"""invalidate --stale: cached counts held against PostgreSQL; those that are wrong are named, counted and dropped."""

import json
import time

import pytest

from keys import LEDGER, total_claimed
from orders import an_order
from peers import refusing_port
from servers import commands_seen

INSERT = (
    "INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount)"
    " VALUES ('2023-03-10', %s, 23.00, 1.80, 24.80)"
)


@pytest.fixture
def audit(ordercache):
    """A run that must succeed in silence; gives the number that it printed."""
    def run(*options, **more):
        run = ordercache("invalidate", "--stale", *options, **more)
        assert (run.status, run.stderr) == (0, "")
        return int(run.stdout)

    return run


@pytest.fixture
def warm(ordercache, cache):
    """Cached counts that are right: the total, two customers', and one of 0."""
    ordercache("count")
    ordercache("count", "--customer=9999", "--customer=9998", "--customer=20001")
    return {key: cache.get(key) for key in cache.keys() if not key.startswith("{")}


def test_counts_that_are_right_stay(audit, warm, cache):
    assert audit() == 0
    assert {key: cache.get(key) for key in warm} == warm
    assert len(warm) == 4


def test_an_empty_cache_has_nothing_stale(audit):
    assert audit() == 0
    assert audit("--customer=9999") == 0


@pytest.mark.parametrize("key, value", [
    ("num_orders:all", "12001"), ("num_orders:all", "11999"), ("num_orders:all", "0"),
    ("num_orders:9999", "2"), ("num_orders:9999", "0"), ("num_orders:20001", "1"),
    ("num_orders:2147483647", "1"), ("num_orders:all", "9223372036854775807"),
])
def test_a_wrong_value_is_found_and_dropped_and_no_other(audit, warm, cache, key, value):
    cache.set(key, value, keepttl=True)
    assert audit("--dry-run") == 1
    assert cache.get(key) == value
    assert audit() == 1
    assert cache.get(key) is None
    others = {name: count for name, count in warm.items() if name != key}
    assert {name: cache.get(name) for name in others} == others
    assert audit() == 0


@pytest.mark.parametrize("value", ["many", "", "-1", "1.5", " 1", "99999999999999999999"])
@pytest.mark.parametrize("key", ["num_orders:all", "num_orders:9999"])
def test_a_value_that_is_no_number_is_wrong(ordercache, warm, cache, key, value):
    cache.set(key, value)
    run = ordercache("invalidate", "--stale", "-v")
    assert (run.status, run.stdout) == (0, "1\n")
    count = "12000" if key.endswith("all") else "1"
    assert f"{key} is stale: its value is not a count, PostgreSQL has {count}\n" in run.stderr
    assert cache.get(key) is None


@pytest.mark.parametrize("key", ["num_orders:all", "num_orders:9999"])
def test_a_key_of_another_type_is_wrong(audit, cache, key):
    cache.hset(key, "field", "1")
    assert audit() == 1
    assert not cache.exists(key)


def test_every_fault_is_found(ordercache, audit, cache):
    ordercache("count")
    ordercache("count", *[f"--customer={customer}" for customer in range(1, 301)])
    for customer in range(1, 301, 3):
        cache.incrby(f"num_orders:{customer}", 1)
    cache.incrby("num_orders:all", -1)
    assert audit() == 101
    assert audit() == 0
    assert len([key for key in cache.keys() if not key.startswith("{")]) == 200


def test_an_order_behind_the_cache_s_back_makes_its_customer_s_count_and_the_total_wrong(audit, warm, cache, database):
    database.execute(INSERT, 9999)
    assert audit() == 2
    assert cache.get("num_orders:all") is None and cache.get("num_orders:9999") is None
    assert cache.get("num_orders:9998") == warm["num_orders:9998"]


def test_a_deletion_behind_the_cache_s_back_is_found_too(audit, warm, database):
    database.execute("DELETE FROM orders WHERE customerid = 9999")
    assert audit() == 2


def test_an_add_that_left_the_cache_alone_is_found(ordercache, audit, warm):
    ordercache(*an_order(), "--no-cache")
    assert audit() == 2


def test_a_value_that_never_expires_is_compared_too(audit, cache):
    cache.set("num_orders:all", "1")
    assert audit() == 1


def test_keys_that_are_no_counts_stay(audit, cache):
    others = {
        "num_orders": "1", "num_orders:": "2", "num_orders:0": "3", "num_orders:007": "4", "num_orders:x": "5",
        "orders:all": "6", "my:num_orders:all": "7", "num_orders:9223372036854775808": "8",
    }
    cache.mset(others)
    assert audit() == 0
    assert {key: cache.get(key) for key in others} == others


def test_another_prefix_has_counts_of_its_own(audit, cache):
    cache.mset({"shop:all": 1, "num_orders:all": 2})
    assert audit(env={"CACHE_KEY_PREFIX": "shop"}) == 1
    assert cache.keys() == ["num_orders:all"]


def test_a_customer_s_count_and_the_total_are_looked_at_alone(audit, cache):
    cache.mset({"num_orders:all": 1, "num_orders:9999": 5, "num_orders:9998": 5})
    assert audit("--customer", "9999", "--dry-run") == 2
    assert audit("--customer", "9999") == 2
    assert cache.keys() == ["num_orders:9998"]
    assert audit("--customer", "9999") == 0


def test_a_customer_is_looked_at_without_a_scan(ordercache, cache):
    cache.set("num_orders:9999", 1)
    with commands_seen(cache) as commands:
        ordercache("invalidate", "--stale", "--customer=9999")
    assert not {command[0].upper() for command in commands} & {"SCAN", "KEYS"}


def test_dry_run_changes_nothing(audit, cache):
    cache.mset({"num_orders:all": 1, "num_orders:9999": 5, "{num_orders:9999}:lease": "a"})
    assert audit("--dry-run") == 2
    assert sorted(cache.keys()) == ["num_orders:9999", "num_orders:all", "{num_orders:9999}:lease"]


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--customer=9999",)], ids=" ".join)
def test_json_is_an_object_with_a_number(ordercache, cache, options):
    cache.set("num_orders:9999", 5)
    assert ordercache("invalidate", "--stale", "--json", *options).stdout == '{"invalidated":1}\n'
    ordercache("invalidate")
    assert json.loads(ordercache("invalidate", "--stale", "--json", *options).stdout) == {"invalidated": 0}


def test_verbose_names_each_with_both_numbers(ordercache, cache):
    cache.mset({"num_orders:all": 11990, "num_orders:9999": 5, "num_orders:20001": 3, "num_orders:9998": 0})
    lines = ordercache("invalidate", "--stale", "-v").stderr.splitlines()
    assert [line for line in lines if "stale" in line] == [
        "num_orders:all is stale: its value is 11990, PostgreSQL has 12000",
        "num_orders:9999 is stale: its value is 5, PostgreSQL has 1",
        "num_orders:20001 is stale: its value is 3, PostgreSQL has 0",
    ]
    assert "Comparing num_orders:all and 3 more with PostgreSQL" in lines


def test_what_expires_between_the_looks_is_not_wrong(audit, cache):
    cache.set("num_orders:all", 1, px=250)
    cache.set("num_orders:9999", 5, px=250)
    assert audit() == 0


def test_a_count_under_way_is_left_alone(audit, cache):
    with total_claimed(cache):
        cache.mset({"{num_orders:9999}:lease": "somebody's", "num_orders:9998": 5})
        assert audit() == 1
        assert sorted(cache.keys()) == ["{num_orders:9999}:lease", LEDGER]


def test_what_is_mended_within_half_a_second_is_not_wrong(ordercache, cache):
    """As a program does that follows what others write."""
    cache.mset({"num_orders:all": 11999, "num_orders:9999": 5})
    process = ordercache.start("invalidate", "--stale", "-v")
    for line in process.stderr:
        if line.startswith("Comparing"):
            break
    time.sleep(0.15)
    cache.set("num_orders:all", 12000)
    cache.delete("num_orders:9999")
    assert process.communicate(timeout=20)[0] == "0\n"
    assert cache.get("num_orders:all") == "12000"


def test_a_wrong_count_is_reported_within_two_seconds(ordercache, cache):
    cache.mset({"num_orders:all": 1, "num_orders:9999": 5})
    run = ordercache("invalidate", "--stale")
    assert run.stdout == "2\n" and run.seconds < 3


@pytest.mark.parametrize("words", [
    ("--stale=5",), ("--stale", "--customer=0"), ("--stale", "--customer="), ("--stale", "9999"), ("--stale", "--refresh"),
    ("--stale", "--timeout=x"), ("--stal",),
], ids=" ".join)
def test_wrong_usage_is_refused_before_contact(ordercache, cache, database, words):
    cache.set("num_orders:all", 1)
    with commands_seen(cache) as commands, database.log() as log:
        run = ordercache("invalidate", *words)
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
    assert not [command for command in commands if "num_orders" in " ".join(command)]
    assert log == []


@pytest.mark.parametrize("missing", [
    {"PG_SERVICE_URI": None}, {"REDIS_SERVICE_URI": None}, {"PG_SERVICE_URI": None, "REDIS_SERVICE_URI": None},
], ids=["PostgreSQL", "Redis", "both"])
def test_both_services_are_wanted_before_contact(ordercache, cache, missing):
    cache.set("num_orders:all", 1)
    run = ordercache("invalidate", "--stale", env=missing)
    assert (run.status, run.stdout) == (2, "")
    assert all(variable in run.stderr for variable in missing)
    assert cache.get("num_orders:all") == "1"


def test_a_redis_that_is_down_is_4_and_a_postgresql_that_is_down_3(ordercache, cache):
    cache.set("num_orders:all", 1)
    with refusing_port() as port:
        redis_down = ordercache("invalidate", "--stale", env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{port}"})
        postgres_down = ordercache("invalidate", "--stale", env={"PG_SERVICE_URI": f"postgresql://u@127.0.0.1:{port}/x"})
    assert (redis_down.status, redis_down.stdout) == (4, "")
    assert (postgres_down.status, postgres_down.stdout) == (3, "")
    assert cache.get("num_orders:all") == "1"


def test_it_ends_at_its_timeout(ordercache, cache, database):
    cache.set("num_orders:all", 1)
    with database.orders_locked():
        run = ordercache("invalidate", "--stale", "--timeout=1")
    assert (run.status, run.stdout) == (3, "")
    assert "--timeout" in run.stderr and run.seconds < 10
    database.wait_for_no_activity("count(*)")


def test_a_signal_ends_it_in_a_pause(ordercache, cache):
    cache.set("num_orders:all", 1)
    process = ordercache.start("invalidate", "--stale", "-v")
    for line in process.stderr:
        if line.startswith("Connecting"):
            break
    time.sleep(0.15)
    process.terminate()
    assert process.wait(timeout=20) in (143, -15)
    assert cache.get("num_orders:all") == "1"


def test_no_transaction_stays_open(ordercache, cache, database):
    cache.set("num_orders:all", 1)
    with database.log() as log:
        ordercache("invalidate", "--stale")
    statements = " ".join(log)
    assert statements.count("REPEATABLE READ") == statements.count("ROLLBACK") == 4
