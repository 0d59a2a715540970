"""A PostgreSQL that crashes gives ids of transactions and numbers of orders away again that it had not yet written to disk."""

import os
import signal
import threading

import pytest

from keys import LEDGER, TOTAL, reader_of_total, script, total_claimed
from orders import added, an_order
from peers import Proxy
from servers import wait_until

WRITERS = "SELECT pid FROM pg_stat_activity WHERE backend_type IN ('walwriter', 'background writer')"


@pytest.fixture
def crash(postgres):
    """Crashes the server, which since the test began has written to disk no more than it had to for a commit."""
    writers = [pid for (pid,) in postgres.execute("postgres", WRITERS)]

    def crash_and_restart():
        while writers:
            os.kill(writers.pop(), signal.SIGKILL)
        postgres.crash_and_restart()

    for pid in writers:
        os.kill(pid, signal.SIGSTOP)
    yield crash_and_restart
    for pid in writers:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def lost_add(ordercache, postgres, crash):
    """An add that is stopped before the server hears its COMMIT, for a crash to undo."""
    started, is_stopped = [], threading.Event()

    def stop(_proxy, client, _server, _message):
        wait_until(lambda: started, what="the program's start")
        started[0].send_signal(signal.SIGSTOP)
        client.close()
        is_stopped.set()

    with Proxy(postgres.service_port, trigger=b"COMMIT\0", act=stop) as proxy:
        started.append(ordercache.start(*an_order(), env={"PG_SERVICE_URI": postgres.uri(port=proxy.port)}))
        assert is_stopped.wait(timeout=60)
        yield started[0]


def entry_of_writer(ledger):
    (entry,) = [field for field in ledger if field.startswith("in_flight:")]
    return entry


def newest_order(database):
    """With the id of the transaction that wrote it."""
    return database.rows("SELECT orderid, xmin::text::int FROM orders ORDER BY orderid DESC LIMIT 1")[0]


def test_an_add_is_in_the_total_whose_snapshot_knows_its_id_from_before_the_crash(ordercache, cache, database, crash):
    assert ordercache(*an_order(), "--dry-run").status == 0
    assert ordercache("count").stdout == "12000\n"
    following = int(cache.hget(LEDGER, "since").split(":")[1])
    crash()
    order = ordercache(*an_order()).stdout.strip()
    assert newest_order(database) == (int(order), following - 1)
    assert ordercache("count").stdout == "12001\n"


def test_a_total_that_was_counted_before_the_crash_is_not_stored_without_an_add_that_got_a_seen_id_after_it(
    ordercache, cache, database, crash, redis_server,
):
    ids = []

    def hold_back(_proxy, _client, server, message):
        with total_claimed(cache, reader=reader_of_total(cache)):
            crash()
            assert ordercache(*an_order()).status == 0
            ids.append(newest_order(database)[1])
        server.sendall(message)

    assert ordercache(*an_order(), "--dry-run").status == 0
    following = int(database.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text"))
    with Proxy(redis_server.port, trigger=script("ledger_fill"), act=hold_back) as proxy:
        run = ordercache("count", env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{proxy.port}"})
    assert (run.status, run.stdout) == (0, "12000\n")
    assert ids == [following - 1]
    assert cache.get(TOTAL) is None
    assert ordercache("count").stdout == "12001\n"


def test_an_add_that_the_crash_undid_is_not_in_the_total_though_its_id_is_one_of_a_committed_transaction(
    ordercache, cache, database, lost_add, crash,
):
    ledger = cache.hgetall(LEDGER) | {"base": "12000"}
    lost_add.kill()
    crash()
    database.execute("CREATE TABLE somebody_elses ()")
    transaction = database.value("SELECT xmin FROM pg_class WHERE relname = 'somebody_elses'")
    assert entry_of_writer(ledger).startswith(f"in_flight:{transaction}:")
    put_back(cache, ledger)
    assert ordercache("count").stdout == "12000\n"
    assert added(database) == []


def put_back(cache, ledger):
    """However long the restart took: the writer has been in flight for 150 ms."""
    entry = entry_of_writer(ledger)
    seconds, microseconds = cache.time()
    _, orders = ledger[entry].split()
    cache.hset(LEDGER, mapping=ledger | {entry: f"{seconds * 1000 + microseconds // 1000 - 150} {orders}"})


def test_an_add_that_the_crash_undid_takes_no_other_order_with_its_id_and_number_for_its_own(
    ordercache, cache, database, lost_add, crash,
):
    _, transaction, order = entry_of_writer(cache.hgetall(LEDGER)).split(":")
    crash()
    assert ordercache(*an_order(customer=1)).stdout == f"{order}\n"
    assert newest_order(database) == (int(order), int(transaction))
    lost_add.send_signal(signal.SIGCONT)
    stdout, _ = lost_add.communicate(timeout=20)
    assert (lost_add.returncode, stdout) == (5, "")
    assert [customer for _, customer, *_ in added(database)] == [1]


@pytest.fixture
def users_trigger(database):
    database.execute(
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER looks BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION look()",
    )


def test_an_add_beside_a_trigger_that_the_crash_undid_is_not_taken_for_a_transaction_with_its_id(
    users_trigger, database, lost_add, crash,
):
    transaction = database.value("SELECT pg_current_xact_id()::text::int") - 1
    crash()
    database.execute("CREATE TABLE somebody_elses ()")
    assert database.value("SELECT xmin::text::int FROM pg_class WHERE relname = 'somebody_elses'") == transaction
    lost_add.send_signal(signal.SIGCONT)
    stdout, _ = lost_add.communicate(timeout=20)
    assert added(database) == []
    assert (lost_add.returncode, stdout) == (5, "")
