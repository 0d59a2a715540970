"""
A COMMIT that hangs on a standby past every timeout, its client killed or stopped: the old count until it is visible,
then the new one, and nothing stored between.
"""

import contextlib
import signal
import time

import pytest

from keys import values
from orders import added, an_order
from peers import Proxy
from servers import wait_until

LEASE_SECONDS = 2
TIMEOUT = 2


def let_go(database):
    database.execute(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = %s AND wait_event = 'SyncRep'",
        database.name,
    )
    database.wait_for_no_activity("commit")


def assert_counted(ordercache, orders, of_customer):
    runs = [
        ordercache("count", *scope, *option)
        for option in ([], ["--refresh"], ["--no-cache"], []) for scope in ([], ["--customer=9999"])
    ]
    assert [run.stdout for run in runs] == [f"{orders}\n", f"{of_customer}\n"] * 4


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_no_count_is_wrong_while_a_commit_hangs_past_every_timeout(end, ordercache, cache, database, postgres):
    assert_counted(ordercache, 12000, 1)
    with postgres.setting("synchronous_standby_names", "nobody"):
        writer = ordercache.start(*an_order(), f"--timeout={TIMEOUT}")
        database.wait_for_commit()
        writer.send_signal(end)
        for _ in range(3):
            assert_counted(ordercache, 12000, 1)
            assert values(cache) == []
            time.sleep(max(TIMEOUT, LEASE_SECONDS) / 2)
        let_go(database)
        assert_counted(ordercache, 12001, 2)
        assert values(cache) == ["num_orders:9999", "num_orders:all"]
    writer.send_signal(signal.SIGCONT)
    stdout, _ = writer.communicate(timeout=20)
    assert (writer.returncode, stdout) in {
        signal.SIGKILL: [(-signal.SIGKILL, "")], signal.SIGSTOP: [(0, "12001\n"), (5, "")],
    }[end]
    assert len(added(database)) == 1
    assert_counted(ordercache, 12001, 2)


@pytest.mark.parametrize("point", ["INSERT", "DEL"])
def test_no_count_is_wrong_while_a_writer_is_stopped_before_its_commit(point, ordercache, cache, database, stopped_at):
    """It holds its lock, and what it has dropped is not stored again; then it goes on as if nothing had been."""
    assert_counted(ordercache, 12000, 1)
    writer = stopped_at(point)
    time.sleep(LEASE_SECONDS + 0.5)
    assert_counted(ordercache, 12000, 1)
    writer.send_signal(signal.SIGCONT)
    assert writer.communicate(timeout=20)[0] == "12001\n"
    assert_counted(ordercache, 12001, 2)


@pytest.fixture
def stopped_at(ordercache, postgres, redis_server):
    """Starts an add that is stopped when it has sent the message with this word, and before the server hears it."""
    with contextlib.ExitStack() as stack:
        def start(word):
            started = []

            def stop(_proxy, _client, server, message):
                wait_until(lambda: started, what="the program's start")
                started[0].send_signal(signal.SIGSTOP)
                server.sendall(message)

            ports = {"INSERT": postgres.port, "DEL": redis_server.port}
            proxy = stack.enter_context(Proxy(ports[word], trigger=word.encode(), act=stop))
            env = {
                "INSERT": {"PG_SERVICE_URI": postgres.uri(port=proxy.port)},
                "DEL": {"REDIS_SERVICE_URI": f"redis://127.0.0.1:{proxy.port}"},
            }[word]
            started.append(ordercache.start(*an_order(), env=env))
            wait_until(lambda: proxy.triggered, what=word)
            return started[0]

        yield start
