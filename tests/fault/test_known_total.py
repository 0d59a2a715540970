"""The known total is the number of orders in every snapshot, whatever is written, and whatever is killed."""

import contextlib
import random
import subprocess
import threading
import time

import psycopg2
import pytest

from following import Snapshots, install
from orders import an_order
from outsiders import CUSTOMERS, Outsider, end_prepared
from servers import wait_until

LEAST_KNOWN = 2500
PARTITIONED = """
    ALTER TABLE orders RENAME TO former;
    CREATE TABLE orders (LIKE former INCLUDING DEFAULTS) PARTITION BY RANGE (orderdate);
    CREATE TABLE orders_now PARTITION OF orders FOR VALUES FROM ('2000-01-01') TO ('2030-01-01');
    CREATE TABLE orders_past (LIKE former INCLUDING DEFAULTS);
    INSERT INTO orders SELECT * FROM former;
    INSERT INTO orders_past SELECT * FROM former LIMIT 10;
    UPDATE orders_past SET orderdate = '1999-01-01';
"""
ATTACH = "ALTER TABLE orders ATTACH PARTITION orders_past FOR VALUES FROM ('1990-01-01') TO ('2000-01-01')"
DETACH = "ALTER TABLE orders DETACH PARTITION orders_past"


@pytest.fixture(params=["plain", "partitioned"])
def shop(request, ordercache, database):
    if request.param == "partitioned":
        database.execute(PARTITIONED)
    install(ordercache, database)
    return request.param


def add_until(is_over, ordercache):
    """One order, or a file of some; PostgreSQL may go down meanwhile."""
    chance = random.Random(0)
    while not is_over():
        if chance.random() < 0.5:
            ordercache(*an_order(customer=chance.choice(CUSTOMERS)), timeout=120)
        else:
            lines = "2023-03-10,101,1,1\n" * chance.randint(2, 50)
            ordercache("add", "--from=-", stdin="date,customer,net,tax\n" + lines, timeout=120)


def attach_and_detach_until(is_over, database):
    for act in [ATTACH, DETACH] * 1000:
        if is_over():
            return
        with contextlib.suppress(psycopg2.DatabaseError):
            database.execute(f"SET lock_timeout = '1s'; {act}")
        time.sleep(1)


def test_the_known_total_is_the_number_of_orders_in_every_snapshot(shop, ordercache, database, postgres, full, record_property):
    snapshots = Snapshots(database)
    outsiders = [Outsider(database, seed) for seed in range(2)]
    least = LEAST_KNOWN * (8 if full else 1)
    begin, latest = time.monotonic(), time.monotonic() + 500

    def is_over():
        return snapshots.known >= least or time.monotonic() > latest

    acts = [
        *((outsider.change_until, latest, is_over) for outsider in outsiders),
        (snapshots.compare_while, lambda: not is_over()), (add_until, is_over, ordercache),
    ]
    if shop == "partitioned":
        acts.append((attach_and_detach_until, is_over, database))
    threads = [threading.Thread(target=act, args=arguments) for act, *arguments in acts]
    for thread in threads:
        thread.start()
    killed, crashed = accidents(is_over, ordercache, database, postgres, snapshots)
    for thread in threads:
        thread.join()
    assert snapshots.wrong == []
    assert snapshots.known >= least
    record_property(
        f"snapshots of a {shop} table in which the known total was compared",
        f"0 wrong of {snapshots.known} in {time.monotonic() - begin:.0f} s, beside {sum(each.changes for each in outsiders)} outside"
        f" changes, {killed} killed followers and {crashed} crashes of PostgreSQL",
    )


def accidents(is_over, ordercache, database, postgres, snapshots):
    """A follower is killed again and again, and PostgreSQL crashes twice. What a crash left prepared is not counted beside."""
    killed = crashed = 0
    while not is_over():
        before = snapshots.known
        follower = ordercache.start("invalidate", "--follow")
        wait_until(lambda: snapshots.known > before or is_over(), what="the known total")
        with contextlib.suppress(subprocess.TimeoutExpired):
            follower.wait(timeout=2)
        follower.kill()
        killed += 1
        if killed in (2, 4):
            postgres.crash_and_restart()
            crashed += 1
            wait_until(lambda: ends_prepared(database), what="the end of what was prepared")
    return killed, crashed


def ends_prepared(database):
    with contextlib.suppress(psycopg2.DatabaseError):
        end_prepared(database)
        return True
