"""A PostgreSQL that crashes gives the ids of transactions away again that it had not yet written to disk."""

import threading

from keys import LEDGER
from orders import added, an_order
from peers import Proxy
from servers import wait_until


def newest_order(database):
    """With the id of the transaction that wrote it."""
    return database.rows("SELECT orderid, xmin::text::int FROM orders ORDER BY orderid DESC LIMIT 1")[0]


def test_an_add_is_in_the_total_whose_snapshot_knows_its_id_from_before_the_crash(ordercache, cache, database, postgres):
    with postgres.setting("wal_writer_delay", "10s"):
        assert ordercache(*an_order(), "--dry-run").status == 0
        assert ordercache("count").stdout == "12000\n"
        following = int(cache.hget(LEDGER, "since").split(":")[1])
        postgres.crash_and_restart()
        order = ordercache(*an_order()).stdout.strip()
    assert newest_order(database) == (int(order), following - 1)
    assert ordercache("count").stdout == "12001\n"


def test_an_add_that_the_crash_undid_is_not_in_the_total_though_its_id_is_one_of_a_committed_transaction(
    ordercache, cache, database, postgres,
):
    crashed = threading.Event()
    cache.set("num_orders:all", 12000, ex=100)
    with (
        postgres.setting("wal_writer_delay", "10s"),
        Proxy(postgres.service_port, trigger=b"COMMIT\0", act=lambda *_: crashed.wait(timeout=20)) as proxy,
    ):
        writer = ordercache.start(*an_order(), env={"PG_SERVICE_URI": postgres.uri(port=proxy.port)})
        wait_until(lambda: proxy.triggered, what="the COMMIT")
        ledger = cache.hgetall(LEDGER)
        writer.kill()
        postgres.crash_and_restart()
        database.execute("CREATE TABLE somebody_elses ()")
        crashed.set()
    transaction = database.value("SELECT xmin FROM pg_class WHERE relname = 'somebody_elses'")
    restarted_at_once(cache, ledger, f"in_flight:{transaction}")
    assert ordercache("count").stdout == "12000\n"
    assert added(database) == []


def restarted_at_once(cache, ledger, entry):
    """However long it took: has the writer be in flight for 150 ms."""
    seconds, microseconds = cache.time()
    _, rest = ledger[entry].split(maxsplit=1)
    cache.hset(LEDGER, mapping={**ledger, entry: f"{seconds * 1000 + microseconds // 1000 - 150} {rest}"})
