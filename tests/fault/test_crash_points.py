"""Crash points: each command is killed at each system call that it makes, from the first to the last.

CI's run tries every third of them, another third for each commit, and fewer on a table of another shape.

After each of them the counts that the program tells are PostgreSQL's, the order is there once or not at all, and Redis
holds nothing but values, and what ends by itself: leases, and a ledger without a value beside it.
"""

import itertools

import pytest

import tracer
from keys import OWN_KEYS
from orders import an_order
from program import PROGRAM
from servers import wait_until

CUSTOMER, OF_ANOTHER_SHAPE = "9999", "cus_9999"
LEASE_MILLISECONDS = 2000

# Each with whether the counts are cached when it begins.
COMMANDS = {
    "a hit": (["count"], True),
    "a miss": (["count"], False),
    "a customer's miss": (["count", "--customer={customer}"], False),
    "a refresh": (["count", "--refresh"], True),
    "an add": (an_order(customer="{customer}"), True),
    "an add on a cold cache": (an_order(customer="{customer}"), False),
    "an invalidate": (["invalidate"], True),
    "a customer's invalidate": (["invalidate", "--customer={customer}"], True),
    "a batch": (["add", "--from", "orders.csv"], True),
}

ORDERS_CSV = "date,customer,net,tax\n2023-03-10,{customer},23.00,1.80\n2023-03-11,{customer},1,0\n2023-03-12,1,2,0\n"

POINTS = [(name, CUSTOMER) for name in COMMANDS] + [
    (name, OF_ANOTHER_SHAPE) for name in ("a customer's miss", "an add", "a batch")
]

# By how much each raises the number of all orders and of the customer's, if it is done.
NOTHING = (0, 0)
GROWTH = {"an add": (1, 1), "an add on a cold cache": (1, 1), "a batch": (3, 2)}


@pytest.fixture
def truth(customer, database):
    """What PostgreSQL holds now: all orders, and the customer's."""
    connection = database.connect()

    def counts():
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*), count(*) FILTER (WHERE customerid = %s) FROM orders", (customer,))
            return cursor.fetchone()

    yield counts
    connection.close()


@pytest.fixture
def no_session_left(database):
    """Waits until PostgreSQL has noticed that the program is gone."""
    connection = database.connect()

    def is_over():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> ALL (%s)", (own_sessions,),
            )
            return cursor.fetchone() == (0,)

    own_sessions = [pid for (pid,) in database.rows("SELECT pid FROM pg_stat_activity WHERE datname = %s", database.name)]
    yield lambda: wait_until(is_over, what="the end of the killed program's session")
    connection.close()


@pytest.fixture
def told(customer, ordercache):
    """What the program tells: all orders, and the customer's. It waits for a dead reader's lease while that stands."""
    def counts(prefix):
        runs = [
            ordercache("count", *scope, "--timeout=15", env={"CACHE_KEY_PREFIX": prefix})
            for scope in ((), (f"--customer={customer}",))
        ]
        assert [(run.status, run.stderr) for run in runs] == [(0, "")] * 2
        return tuple(int(run.stdout) for run in runs)

    return counts


def assert_only_values_and_what_ends(cache, prefix, customer):
    for key in cache.scan_iter(f"*{prefix}:*"):
        if key.endswith(":ledger") and cache.exists(f"{prefix}:all"):
            assert set(cache.hgetall(key)) <= {"reader", "kept", "since", "filled_by"}
        elif key.endswith(OWN_KEYS):
            assert 0 < cache.pttl(key) <= LEASE_MILLISECONDS or not cache.exists(key)
        else:
            assert key in (f"{prefix}:all", f"{prefix}:{customer}")


def let_readers_rights_end(cache, prefix):
    """As two seconds would. A writer's entry in the ledger stays: who waits asks PostgreSQL what became of it."""
    for key in cache.scan_iter(f"{{{prefix}:*}}:lease"):
        cache.pexpire(key, 1)
    cache.hdel(f"{{{prefix}:all}}:ledger", "reader")


def assert_between(counts, before, after):
    for told, least, most in zip(counts, before, after, strict=True):
        assert least <= told <= most


@pytest.mark.parametrize("name, customer", POINTS, indirect=["customer"])
def test_a_program_killed_at_any_system_call_leaves_no_wrong_answer(
    name, customer, ordercache, cache, truth, told, no_session_left, full, seed, record_property, tmp_path, monkeypatch,
):
    arguments, is_cached = COMMANDS[name]
    arguments = [argument.format(customer=customer) for argument in arguments]
    step = 1 if full else 3 if customer == CUSTOMER else 24
    growth = GROWTH.get(name, NOTHING)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.csv").write_text(ORDERS_CSV.format(customer=customer))
    environment = dict(ordercache.environment)
    tried = 0
    for point in itertools.count(1 + seed % step, step):
        # A prefix of its own, so that no point waits for a lease that an earlier one left.
        prefix = environment["CACHE_KEY_PREFIX"] = f"point{point}"
        before = truth()
        if is_cached:
            cache.mset({f"{prefix}:all": before[0], f"{prefix}:{customer}": before[1]})
        was_killed = tracer.kill_at(point, [str(PROGRAM), *arguments], environment)
        assert_only_values_and_what_ends(cache, prefix, customer)
        at_least = truth()
        if not full:
            let_readers_rights_end(cache, prefix)
        told_at_once = told(prefix)
        no_session_left()
        after = truth()
        let_readers_rights_end(cache, prefix)
        assert_between(told_at_once, at_least, after)
        assert told(prefix) == after
        once = (before[0] + growth[0], before[1] + growth[1])
        assert after in {before, once}
        if not was_killed:
            assert after == once
            break
        tried += 1
    wait_until(
        lambda: not [key for key in cache.scan_iter() if key.endswith(":lease")], 2 * LEASE_MILLISECONDS / 1000, "every lease's end",
    )
    for key in cache.scan_iter("*:ledger"):
        assert cache.exists(key.removeprefix("{").removesuffix("}:ledger"))
    record_property("crash points", f"{name} of {customer}: {tried}")
