"""Time: no peer holds the program beyond its bounds, and a query that is given up ends on the server too."""

import os
import subprocess
import time

import pytest

from orders import added, an_order
from peers import Listener, Proxy
from servers import USER

REDIS_BOUND = 2
POSTGRES_BOUND = 5
SLACK = 2.5  # on a busy machine


@pytest.fixture
def silent():
    with Listener() as peer:
        yield peer


def silent_postgres(*peers):
    hosts = ",".join(f"127.0.0.1:{peer.port}" for peer in peers)
    return {"PG_SERVICE_URI": f"postgresql://{USER}@{hosts}/defaultdb"}


def silent_redis(peer):
    return {"REDIS_SERVICE_URI": f"redis://127.0.0.1:{peer.port}"}


def test_postgresql_answers_for_a_redis_that_says_nothing(ordercache, silent):
    run = ordercache("count", env=silent_redis(silent))
    assert (run.status, run.stdout) == (0, "12000\n")
    assert run.stderr.startswith("ordercache: warning: ") and run.stderr.count("\n") == 1
    assert REDIS_BOUND - 0.5 < run.seconds < REDIS_BOUND + SLACK


@pytest.mark.parametrize("command", [("ttl",), ("invalidate",), tuple(an_order())], ids=" ".join)
def test_a_redis_that_says_nothing_is_a_failure(ordercache, database, silent, command):
    run = ordercache(*command, env=silent_redis(silent))
    assert (run.status, run.stdout) == (4, "")
    assert f"127.0.0.1:{silent.port}" in run.stderr
    assert REDIS_BOUND - 0.5 < run.seconds < REDIS_BOUND + SLACK
    assert added(database) == []


def test_a_postgresql_that_says_nothing_is_a_failure(ordercache, silent):
    run = ordercache("count", env=silent_postgres(silent))
    assert (run.status, run.stdout) == (3, "")
    assert POSTGRES_BOUND - 1 < run.seconds < POSTGRES_BOUND + SLACK


def test_several_hosts_share_the_bound(ordercache, silent):
    with Listener() as another, Listener() as third:
        run = ordercache("count", "--no-cache", env=silent_postgres(silent, another, third))
    assert run.status == 3
    assert run.seconds < POSTGRES_BOUND + SLACK


@pytest.mark.parametrize("command", [("count",), ("count", "--no-cache"), tuple(an_order())], ids=" ".join)
def test_timeout_bounds_the_whole_command(ordercache, silent, command):
    run = ordercache(*command, "--timeout", "1", env=silent_postgres(silent))
    assert (run.status, run.stdout) == (3, "")
    assert 0.5 < run.seconds < 1 + SLACK


def test_timeout_bounds_redis_too(ordercache, silent):
    run = ordercache("--timeout", "0.3", "ttl", env=silent_redis(silent))
    assert (run.status, run.stdout) == (4, "")
    assert run.seconds < REDIS_BOUND


def test_past_the_timeout_the_count_is_cancelled_on_the_server(ordercache, database, cache):
    with database.orders_locked():
        run = ordercache("count", "--timeout", "1")
        assert (run.status, run.stdout) == (3, "")
        assert 0.5 < run.seconds < 1 + SLACK
        database.wait_for_no_activity("orders")
    assert cache.keys() == []


def test_past_the_timeout_an_add_writes_nothing(ordercache, database):
    with database.orders_locked():
        run = ordercache(*an_order(), "--timeout", "1")
        assert (run.status, run.stdout) == (3, "")
        database.wait_for_no_activity("orders")
    assert added(database) == []
    assert ordercache("count").stdout == "12000\n"


def test_a_timeout_may_be_long(ordercache):
    for seconds in ("30", "3600", "86400"):
        assert ordercache("count", "--timeout", seconds).stdout == "12000\n"


def test_a_timeout_of_0_is_none(ordercache, database):
    with database.orders_locked():
        process = ordercache.start("count", "--timeout", "0")
        with pytest.raises(Exception, match="timed out"):
            process.communicate(timeout=2)
    assert process.communicate(timeout=20) == ("12000\n", "")


def falls_silent(*_):
    """The server hears nothing of the message, and the client no answer."""


def test_a_connection_that_falls_silent_ends_with_the_timeout(ordercache, postgres, cache):
    with Proxy(postgres.service_port, trigger=b"count(", act=falls_silent) as proxy:
        run = ordercache("count", "--timeout", "1", env={"PG_SERVICE_URI": postgres.uri(port=proxy.port)})
    assert (run.status, run.stdout) == (3, "")
    assert run.seconds < 1 + SLACK
    assert cache.keys() == []


def test_a_cancellation_that_falls_silent_does_not_hold_the_program(ordercache, database, postgres, cache):
    cancel_request = (80877102).to_bytes(4, "big")
    with database.orders_locked(), Proxy(postgres.service_port, trigger=cancel_request, act=falls_silent) as proxy:
        run = ordercache("count", "--timeout", "1", env={"PG_SERVICE_URI": postgres.uri(port=proxy.port)})
    assert (run.status, run.stdout) == (3, "")
    assert run.seconds < 1 + 2 * SLACK


def test_a_redis_that_falls_silent_after_the_miss_does_not_hold_the_answer(ordercache, redis_server):
    with Proxy(redis_server.owner("num_orders:all").port, trigger=b"ledger", act=falls_silent) as proxy:
        run = ordercache("count", env=silent_redis(proxy))
    assert (run.status, run.stdout) == (0, "12000\n")
    assert run.stderr.startswith("ordercache: warning: ")
    assert run.seconds < REDIS_BOUND + SLACK


@pytest.mark.parametrize("command", ["count --customers-from", "add --from"])
@pytest.mark.parametrize("source", ["FIFO", "stdin"])
def test_timeout_bounds_the_wait_for_input(ordercache, tmp_path, command, source):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process = ordercache.start(*command.split(), str(fifo) if source == "FIFO" else "-", "--timeout", "2",
                               stdin=subprocess.PIPE)
    time.sleep(0.5)
    assert process.poll() is None
    assert process.wait(timeout=20) == 2
    assert "no input within --timeout" in process.stderr.read()


def test_timeout_bounds_the_wait_for_the_reader_of_the_answer(ordercache, tmp_path):
    customers = tmp_path / "customers"
    customers.write_text("9999\n" * 20_000)
    process = ordercache.start("count", "--customers-from", customers, "--timeout", "1")
    assert process.wait(timeout=20) == 1
    assert "it was not read within --timeout" in process.stderr.read()
