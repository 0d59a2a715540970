"""A PostgreSQL that crashes gives the ids of transactions away again that it had not yet written to disk."""

from keys import LEDGER
from orders import an_order


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
