"""Writers in flight: what is not committed is not counted, and nothing is stored until it is."""

import threading

import pytest

from orders import added, an_order
from peers import Proxy
from servers import wait_until


@pytest.fixture
def held_commit(ordercache, database, postgres):
    """An add whose COMMIT a standby holds back, and whose client was killed. Calling it lets the COMMIT go on."""
    with postgres.setting("synchronous_standby_names", "nobody"):
        client = ordercache.start(*an_order())
        database.wait_for_commit()
        client.kill()
        client.wait()

        def let_go():
            database.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND wait_event = 'SyncRep'", database.name,
            )
            database.wait_for_no_activity("commit")

        yield let_go


@pytest.mark.parametrize("scope, before, after", [((), "12000\n", "12001\n"), (("--customer", "9999"), "1\n", "2\n")])
def test_nothing_is_stored_while_a_commit_hangs(ordercache, cache, held_commit, scope, before, after):
    for arguments in ((), (), ("--refresh",)):
        run = ordercache("count", *scope, *arguments)
        assert (run.status, run.stdout, run.stderr) == (0, before, "")
        assert cache.keys() == []
    held_commit()
    assert ordercache("count", *scope).stdout == after
    assert len(cache.keys()) == 1
    assert ordercache("count", *scope).stdout == after


def test_counts_that_the_writer_does_not_change_are_stored_meanwhile(ordercache, cache, held_commit):
    assert ordercache("count", "--customer", "1").status == 0
    assert cache.keys() == ["num_orders:1"]


def test_a_writer_that_was_rolled_back_keeps_nothing_from_being_stored(ordercache, cache, database):
    with database.orders_locked():
        writer = ordercache.start(*an_order())
        database.wait_for_activity("orders")
        writer.kill()
        writer.wait()
    database.wait_for_no_activity("orders")
    assert ordercache("count").stdout == "12000\n"
    assert cache.get("num_orders:all") == "12000"
    assert added(database) == []


def test_a_fill_that_an_add_overtakes_is_refused(ordercache, cache, redis_server):
    """The reader has counted; an add drops and commits; only then the reader's fill arrives."""
    overtaken = threading.Event()

    def hold_back(_proxy, _client, server, message):
        overtaken.wait(timeout=1.5)
        server.sendall(message)

    with Proxy(redis_server.owner("num_orders:all").port, trigger=b"EVAL", act=hold_back) as proxy:
        reader = ordercache.start("count", env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{proxy.port}"})
        wait_until(lambda: proxy.triggered, what="the fill")
        assert ordercache(*an_order()).status == 0
        overtaken.set()
        assert reader.communicate(timeout=10) == ("12000\n", "")
    assert cache.keys() == []
    assert ordercache("count").stdout == "12001\n"


def test_the_counts_are_dropped_before_the_commit(ordercache, cache, database, postgres):
    cache.mset({"num_orders:all": 12000, "num_orders:9999": 1})
    with postgres.setting("synchronous_standby_names", "nobody"):
        writer = ordercache.start(*an_order())
        database.wait_for_commit()
        assert cache.keys() == []
    assert writer.communicate(timeout=10)[0] == "12001\n"
    assert len(added(database)) == 1
