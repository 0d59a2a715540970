"""Single flight: readers that miss together put one query on the database, whatever becomes of the one that asks."""

import time

from servers import wait_until

LEASE_SECONDS = 2


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
    assert cache.keys() == ["num_orders:all"]


def test_a_waiting_reader_takes_the_value_of_the_one_that_asked(ordercache, database):
    with database.log() as log:
        with database.orders_locked():
            asking = ordercache.start("count")
            time.sleep(0.5)
            waiting = ordercache.start("count")
            time.sleep(0.5)
        assert [reader.communicate(timeout=10)[0] for reader in (asking, waiting)] == ["12000\n"] * 2
    assert count_queries(log) == 1


def test_a_reader_of_one_count_does_not_wait_for_one_of_another(ordercache, cache):
    cache.set("{num_orders:all}:lease", "another reader's", px=60_000)
    run = ordercache("count", "--customer", "9999")
    assert run.stdout == "1\n"
    assert run.seconds < 1


def test_a_reader_that_is_killed_is_replaced_when_its_lease_ends(ordercache, database, cache):
    with database.orders_locked():
        killed = ordercache.start("count")
        database.wait_for_activity("orders")
        killed.kill()
        killed.wait()
    assert cache.exists("{num_orders:all}:lease")
    run = ordercache("count")
    assert (run.status, run.stdout, run.stderr) == (0, "12000\n", "")
    assert run.seconds < LEASE_SECONDS + 0.5
    assert cache.keys() == ["num_orders:all"]


def test_a_lease_is_short_and_renewed_while_the_query_runs(ordercache, database, cache):
    with database.orders_locked():
        reader = ordercache.start("count")
        database.wait_for_activity("orders")
        for _ in range(8):
            time.sleep(0.5)
            assert 0 < cache.pttl("{num_orders:all}:lease") <= LEASE_SECONDS * 1000
    assert reader.communicate(timeout=10)[0] == "12000\n"
    assert cache.keys() == ["num_orders:all"]


def test_a_reader_that_lost_its_lease_answers_and_stores_nothing(ordercache, database, cache):
    with database.orders_locked():
        reader = ordercache.start("count")
        database.wait_for_activity("orders")
        cache.set("{num_orders:all}:lease", "another reader's", px=60_000)
    assert reader.communicate(timeout=10) == ("12000\n", "")
    assert cache.keys() == ["{num_orders:all}:lease"]
    assert cache.get("{num_orders:all}:lease") == "another reader's"


def test_a_reader_whose_lease_was_dropped_answers_and_stores_nothing(ordercache, database, cache):
    with database.orders_locked():
        reader = ordercache.start("count")
        database.wait_for_activity("orders")
        assert ordercache("invalidate").stdout == "0\n"
    assert reader.communicate(timeout=10) == ("12000\n", "")
    assert cache.keys() == []


def test_a_reader_answers_at_last_though_the_lease_is_never_given_up(ordercache, cache):
    cache.set("{num_orders:all}:lease", "another reader's", px=600_000)
    run = ordercache("count", "--timeout", "25", timeout=40)
    assert (run.status, run.stdout) == (0, "12000\n")
    assert cache.keys() == ["{num_orders:all}:lease"]


def test_a_value_that_comes_while_waiting_is_the_answer(ordercache, cache, database):
    cache.set("{num_orders:all}:lease", "another reader's", px=60_000)
    reader = ordercache.start("count")
    time.sleep(0.3)
    cache.set("num_orders:all", 4711)
    assert reader.communicate(timeout=5) == ("4711\n", "")
    assert wait_until(lambda: not database.activity())
