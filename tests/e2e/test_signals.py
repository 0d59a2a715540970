"""Signals: SIGINT and SIGTERM end the program at once and cleanly, but for a COMMIT under way."""

import contextlib
import os
import signal
import time

import pytest

from delayed_link import USER_TOO
from keys import reader_of_total, total_claimed
from orders import added, an_order

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("command", [("count",), ("count", "--customer", "9999"), ("count", "--refresh")], ids=" ".join)
def test_a_count_ends_by_the_signal_and_leaves_nothing_behind(ordercache, database, cache, command, number):
    with database.orders_locked():
        process = ordercache.start(*command)
        database.wait_for_activity("orders")
        assert any(key.endswith((":lease", ":ledger")) for key in cache.keys())
        process.send_signal(number)
        stdout, _ = process.communicate(timeout=20)
        assert (process.returncode, stdout) == (-number, "")
        assert cache.keys() == []
        database.wait_for_no_activity("orders")


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_count_that_waits_for_another_reader_ends_by_the_signal(ordercache, cache, number):
    with total_claimed(cache):
        process = ordercache.start("count")
        time.sleep(0.3)
        process.send_signal(number)
        assert process.communicate(timeout=20)[0] == ""
        assert process.returncode == -number
        assert reader_of_total(cache) == "another-reader"


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_an_add_before_its_commit_ends_by_the_signal_and_writes_nothing(ordercache, database, number):
    with database.orders_locked():
        process = ordercache.start(*an_order())
        database.wait_for_activity("orders")
        process.send_signal(number)
        stdout, _ = process.communicate(timeout=20)
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
    process.communicate(timeout=20)
    assert process.returncode == -number
    assert len(added(database)) == 1


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(ordercache, database):
    with database.orders_locked():
        process = ordercache.start("count", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        database.wait_for_activity("orders")
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
    assert process.communicate(timeout=20)[0] == "12000\n"


@contextlib.contextmanager
def full_pipe():
    """The writing end of a pipe that takes no more and that nobody reads."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.set_blocking(writer, True)
    yield writer
    os.close(writer)
    os.close(reader)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("command", ["count --customers-from", "add --from"])
def test_a_signal_ends_the_wait_for_the_writer_of_a_fifo(ordercache, tmp_path, command, number):
    os.mkfifo(tmp_path / "fifo")
    process = ordercache.start(*command.split(), str(tmp_path / "fifo"))
    time.sleep(0.5)
    process.send_signal(number)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == -number


@pytest.mark.parametrize("command", [("count", "-v"), ("nonsense",), ("count", "--customer", "0")], ids=" ".join)
def test_a_signal_ends_the_wait_for_the_reader_of_stderr(ordercache, cache, command):
    with full_pipe() as stderr:
        process = ordercache.start(*command, stderr=stderr)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == -signal.SIGTERM
    assert cache.keys() == []


def test_timeout_ends_the_wait_for_the_reader_of_stderr(ordercache, database, cache):
    with full_pipe() as stderr, database.orders_locked():
        process = ordercache.start("count", "-v", "--timeout", "1", stderr=stderr)
        assert process.wait(timeout=20) == 3
    assert cache.keys() == []


def test_a_batch_waits_once_for_a_stderr_that_nobody_reads(ordercache, tmp_path):
    customers = tmp_path / "customers"
    customers.write_text("9999\n" * 3)
    with full_pipe() as stderr:
        process = ordercache.start("count", "--customers-from", customers, "-v", "--timeout", "1", stderr=stderr)
        assert process.communicate(timeout=4)[0] == "9999\t1\n" * 3
        assert process.returncode == 0


IN_A_CONTAINER = ["unshare", *USER_TOO, "--pid", "--fork", "--kill-child"]


@pytest.mark.parametrize("number", [*SIGNALS, signal.SIGHUP], ids=lambda number: number.name)
def test_the_first_process_of_a_container_ends_by_the_signal(ordercache, database, number):
    with database.orders_locked():
        container = ordercache.start("count", before=IN_A_CONTAINER)
        database.wait_for_activity("orders")
        [program] = children(container.pid)
        os.kill(program, number)
        assert container.wait(timeout=20) == 128 + number
        database.wait_for_no_activity("orders")


def test_the_first_process_of_a_container_ends_by_a_closed_pipe(ordercache):
    reader, writer = os.pipe()
    os.close(reader)
    container = ordercache.start("--version", before=IN_A_CONTAINER, stdout=writer)
    os.close(writer)
    assert container.wait(timeout=20) == 128 + signal.SIGPIPE
    assert container.stderr.read() == ""


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]
