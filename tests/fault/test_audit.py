"""
`invalidate --stale` beside programs that write and count: it never calls wrong what is right or about to be, and finds
what is wrong.
"""

import contextlib
import os
import random
import threading
import time

import pytest

from histories import Load, record
from program import PROGRAM
from servers import wait_until

CUSTOMERS = (101, 102, 103)
CROWDS = {
    "with pauses": Load(readers=3, writers=4, customers=CUSTOMERS, pause=0.1),
    "without": Load(readers=2, writers=4, customers=CUSTOMERS, pause=0),
}
ADD_WHERE_IT_IS = "return redis.call('EXISTS', KEYS[1]) == 1 and redis.call('INCRBY', KEYS[1], ARGV[1]) or false"


INSERT = (
    "INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount)"
    " VALUES ('2023-03-10', %s, 23.00, 1.80, 24.80)"
)


@contextlib.contextmanager
def outside_writer(database, rate):
    """Another program, which knows no cache, adds `rate` orders a second meanwhile."""
    over = threading.Event()

    def write():
        with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
            while not over.wait(random.expovariate(rate)):
                cursor.execute(INSERT, (random.choice(CUSTOMERS),))

    thread = threading.Thread(target=write)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.fixture
def follower(ordercache, database):
    database.execute(ordercache("invalidate", "--follow-sql").stdout)
    process = ordercache.start("invalidate", "--follow")
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
    wait_until(lambda: database.value(locks), what="the follower's start")
    return process


@pytest.fixture
def beside(ordercache):
    """Runs `act` again and again beside a load, for so many seconds; gives the load's calls."""
    environment = {"PATH": os.environ["PATH"], **{name: str(value) for name, value in ordercache.environment.items()}}

    def run(load, seconds, act):
        def repeat():
            until = time.monotonic() + seconds - 1
            while time.monotonic() < until:
                act()

        return record([str(PROGRAM)], environment, seconds, load, meanwhile=repeat)

    return run


@pytest.mark.parametrize("crowd", CROWDS)
def test_nothing_is_called_wrong_beside_a_crowd_of_adders(ordercache, cache, beside, crowd, full, record_property):
    """A tenth of which are killed."""
    runs = []
    calls = beside(CROWDS[crowd], 60 if full else 8, lambda: runs.append(ordercache("invalidate", "--stale", "-v")))
    adds = sum(call.kind == "add" for call in calls)
    false_alarms = [run for run in runs if (run.status, run.stdout) != (0, "0\n")]
    record_property("audits", f"{len(runs)} beside {adds} adds {crowd}: {len(false_alarms)} false alarms")
    assert false_alarms == []
    assert len(runs) > 4


@pytest.mark.parametrize("rate", [5, 100])
def test_what_a_follower_is_about_to_hear_of_is_not_called_wrong(
    ordercache, cache, database, beside, follower, rate, full, record_property,
):
    runs = []
    with outside_writer(database, rate):
        beside(
            Load(readers=3, writers=0, customers=CUSTOMERS), 60 if full else 8,
            lambda: runs.append(ordercache("invalidate", "--stale", "-v")),
        )
    assert follower.poll() is None
    false_alarms = [run for run in runs if (run.status, run.stdout) != (0, "0\n")]
    record_property("audits", f"{len(runs)} beside {rate} outside orders a second: {len(false_alarms)} false alarms")
    assert false_alarms == []
    assert len(runs) > 4


def test_a_total_that_was_made_wrong_beside_adders_is_found(ordercache, cache, beside, full, record_property):
    planted, found = [], []

    def plant_and_look():
        ordercache("count")
        by = [-2, 1, 7][len(planted) % 3]
        if cache.eval(ADD_WHERE_IT_IS, 1, "num_orders:all", by):
            planted.append(by)
            found.append(int(ordercache("invalidate", "--stale").stdout))

    calls = beside(Load(readers=2, writers=2, customers=CUSTOMERS, pause=0.1), 60 if full else 12, plant_and_look)
    adds = sum(call.kind == "add" for call in calls)
    record_property("audits", f"{sum(found)} of {len(planted)} wrong totals found beside {adds} adds")
    assert planted and found == [1] * len(planted)
    assert ordercache("invalidate", "--stale").stdout == "0\n"


def test_customers_counts_that_were_made_wrong_are_found_beside_adders_of_others(ordercache, cache, beside, full):
    others = range(1, 201)
    ordercache("count", *[f"--customer={customer}" for customer in others])
    found = []

    def plant_and_look():
        for customer in others:
            cache.incr(f"num_orders:{customer}")
        found.append(int(ordercache("invalidate", "--stale").stdout))
        ordercache("count", *[f"--customer={customer}" for customer in others])

    beside(Load(readers=2, writers=2, customers=(1001, 1002), pause=0.1), 30 if full else 8, plant_and_look)
    assert found == [len(others)] * len(found) and found
