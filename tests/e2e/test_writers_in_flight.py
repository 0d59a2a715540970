"""Writers in flight: what is not committed is not counted, and nothing is stored until it is."""

import threading
import time

import pytest

from keys import LEDGER, script, values
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
        assert values(cache) == []
    held_commit()
    assert ordercache("count", *scope).stdout == after
    assert len(values(cache)) == 1
    assert ordercache("count", *scope).stdout == after


def test_counts_that_the_writer_does_not_change_are_stored_meanwhile(ordercache, cache, held_commit):
    assert ordercache("count", "--customer", "1").status == 0
    assert values(cache) == ["num_orders:1"]


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


@pytest.mark.parametrize("scope, name, fill, answer, cached", [
    ((), "num_orders:all", "ledger_fill", "12000\n", "12001"),
    (("--customer", "9999"), "num_orders:9999", "lease_fill", "1\n", None),
], ids=["total", "customer"])
def test_a_fill_that_an_add_overtakes_has_the_add_or_is_refused(
    ordercache, cache, redis_server, scope, name, fill, answer, cached,
):
    """The reader has counted; an add writes and commits; only then the reader's fill arrives."""
    overtaken = threading.Event()

    def hold_back(_proxy, _client, server, message):
        overtaken.wait(timeout=1.5)
        server.sendall(message)

    with Proxy(redis_server.owner(name).port, trigger=script(fill), act=hold_back) as proxy:
        reader = ordercache.start("count", *scope, env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{proxy.port}"})
        wait_until(lambda: proxy.triggered, what="the fill")
        assert ordercache(*an_order()).status == 0
        overtaken.set()
        assert reader.communicate(timeout=20) == (answer, "")
    assert cache.get(name) == cached
    assert ordercache("count", *scope).stdout == {"12000\n": "12001\n", "1\n": "2\n"}[answer]


def test_the_counts_are_out_of_sight_before_the_commit_and_the_total_comes_back(ordercache, cache, database, postgres):
    cache.set("num_orders:all", 12000, ex=100)
    cache.set("num_orders:9999", 1, ex=100)
    with postgres.setting("synchronous_standby_names", "nobody"):
        writer = ordercache.start(*an_order())
        database.wait_for_commit()
        assert values(cache) == []
    assert writer.communicate(timeout=20)[0] == "12001\n"
    assert len(added(database)) == 1
    assert cache.get("num_orders:all") == "12001"
    assert 90 <= cache.ttl("num_orders:all") <= 100
    assert cache.keys() == ["num_orders:all"]


def test_a_rejected_commit_brings_the_total_back(ordercache, cache, database):
    database.execute(
        "CREATE TABLE taxes (tax numeric PRIMARY KEY);"
        "ALTER TABLE orders ADD FOREIGN KEY (tax) REFERENCES taxes NOT VALID DEFERRABLE INITIALLY DEFERRED",
    )
    cache.set("num_orders:all", 12000, ex=100)
    run = ordercache(*an_order())
    assert (run.status, run.stdout) == (1, "")
    assert cache.get("num_orders:all") == "12000"
    assert cache.keys() == ["num_orders:all"]


def test_readers_who_wait_for_a_killed_writer_ask_what_became_of_it(ordercache, cache, database, redis_server):
    """The writer is killed after its entry, before or after its commit: nobody counts anew."""
    cache.set("num_orders:all", 12000, ex=100)
    ended = threading.Event()

    def hold_back(_proxy, _client, _server, _message):
        ended.wait(timeout=5)

    with Proxy(redis_server.owner("num_orders:all").port, trigger=script("ledger_confirm"), act=hold_back) as proxy:
        writer = ordercache.start(*an_order(), env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{proxy.port}"})
        wait_until(lambda: proxy.triggered, what="the end of the write")
        writer.kill()
        ended.set()
        with database.log() as log:
            begin = time.monotonic()
            readers = [ordercache.start("count") for _ in range(5)]
            assert [reader.communicate(timeout=20)[0] for reader in readers] == ["12001\n"] * 5
            assert time.monotonic() - begin < 1.5
    assert not [line for line in log if "count(" in line.lower()]
    assert cache.get("num_orders:all") == "12001"
    assert not cache.exists(LEDGER)
