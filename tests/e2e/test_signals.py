"""Signals: SIGINT and SIGTERM end the program at once and cleanly, but for a COMMIT under way."""

import signal
import time

import pytest

from orders import added, an_order

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("command", [("count",), ("count", "--customer", "9999"), ("count", "--refresh")], ids=" ".join)
def test_a_count_ends_by_the_signal_and_leaves_nothing_behind(ordercache, database, cache, command, number):
    with database.orders_locked():
        process = ordercache.start(*command)
        database.wait_for_activity("orders")
        assert any(key.endswith(":lease") for key in cache.keys())
        process.send_signal(number)
        stdout, _ = process.communicate(timeout=3)
        assert (process.returncode, stdout) == (-number, "")
        assert cache.keys() == []
        database.wait_for_no_activity("orders")


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_count_that_waits_for_another_reader_ends_by_the_signal(ordercache, cache, number):
    cache.set("{num_orders:all}:lease", "another reader's", px=60_000)
    process = ordercache.start("count")
    time.sleep(0.3)
    process.send_signal(number)
    assert process.communicate(timeout=3)[0] == ""
    assert process.returncode == -number
    assert cache.get("{num_orders:all}:lease") == "another reader's"


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_an_add_before_its_commit_ends_by_the_signal_and_writes_nothing(ordercache, database, number):
    with database.orders_locked():
        process = ordercache.start(*an_order())
        database.wait_for_activity("orders")
        process.send_signal(number)
        stdout, _ = process.communicate(timeout=3)
        assert (process.returncode, stdout) == (-number, "")
        database.wait_for_no_activity("orders")
    assert added(database) == []


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_from_commit_until_its_outcome_is_known_a_signal_waits(ordercache, database, postgres, number):
    with postgres.setting("synchronous_standby_names", "nobody"):
        process = ordercache.start(*an_order())
        database.wait_for_commit()
        process.send_signal(number)
        time.sleep(1)
        assert process.poll() is None
        assert database.activity("commit")
    process.communicate(timeout=5)
    assert process.returncode == -number
    assert len(added(database)) == 1


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(ordercache, database):
    with database.orders_locked():
        process = ordercache.start("count", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        database.wait_for_activity("orders")
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
    assert process.communicate(timeout=10)[0] == "12000\n"
