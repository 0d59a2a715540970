"""The known total: the number of all orders that PostgreSQL keeps while a follower works, read in place of a COUNT.

A test moves it by 1,000,000 to see who reads it: such a count is no COUNT's."""

import contextlib
import signal

import pytest

from following import INSERT, Follower, comparison_of_total, install
from keys import FOLLOWED
from orders import CSV, an_order
from servers import wait_until

MOVED = 1_000_000


class Known:
    """What the database knows, beside what it has."""

    def __init__(self, database):
        self.database = database

    def total(self):
        return self.database.value("SELECT ordercache.known_total('orders', '')")

    def wait(self):
        wait_until(lambda: self.total() is not None, what="the known total")

    def move(self):
        self.wait()
        self.database.execute(f"UPDATE ordercache.total SET orders = orders + {MOVED}")

    def orders(self):
        return self.database.value("SELECT count(*) FROM orders")

    def is_true(self):
        """Whether it is known in a snapshot, and is the number of orders in it."""
        [(known, counted)] = self.database.rows(comparison_of_total())
        return known == counted


@pytest.fixture
def known(database):
    return Known(database)


@pytest.fixture
def follower(followed, known):
    follower = Follower(followed)
    known.wait()
    return follower


@pytest.mark.parametrize("options", [[], ["--refresh"], ["--no-cache"]])
def test_a_count_is_read_and_not_computed(follower, ordercache, known, options):
    known.move()
    run = ordercache("count", *options)
    assert (run.status, run.stdout, run.stderr) == (0, f"{known.orders() + MOVED}\n", "")


def test_a_customers_count_and_a_list_are_computed(follower, ordercache, known):
    known.move()
    for arguments in (["--customer=9999"], ["--customer=9999", "--customer=1"]):
        assert str(MOVED)[:3] not in ordercache("count", *arguments).stdout


def test_it_is_right_whatever_is_written(follower, ordercache, known, database):
    for act in (
        lambda: database.execute(INSERT.format(1)),
        lambda: database.execute("DELETE FROM orders WHERE customerid = 9999"),
        lambda: ordercache(*an_order()),
        lambda: ordercache(*an_order(), "--no-cache"),
        lambda: ordercache(*an_order(), "--dry-run"),
        lambda: ordercache("add", "--from=-", stdin=CSV),
        lambda: database.execute("UPDATE orders SET customerid = 1 WHERE customerid = 2"),
    ):
        act()
        assert known.is_true()
    follower.end()
    ordercache(*an_order())
    database.execute(INSERT.format(1))
    assert known.is_true()


def test_an_add_is_noted_once_and_not_by_the_triggers(followed, ordercache, database):
    ordercache(*an_order())
    ordercache("add", "--from=-", stdin=CSV)
    orders = CSV.count("\n") - 1
    assert database.rows("SELECT customer, orders, is_handled FROM ordercache.change") == [
        (None, 1, True), (None, orders, True)]


def test_an_add_without_the_right_to_note_is_noted_by_the_triggers(followed, ordercache, database, postgres):
    database.execute("GRANT SELECT, INSERT ON orders TO stranger; GRANT USAGE ON SEQUENCE orders_orderid_seq TO stranger")
    assert ordercache(*an_order(), env={"PG_SERVICE_URI": postgres.uri(user="stranger", password="known")}).status == 0
    assert database.rows("SELECT customer, orders, is_handled FROM ordercache.change") == [("9999", 1, True)]


GIVE_AWAY = """
    CREATE FUNCTION give_away() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO orders VALUES (DEFAULT, '2004-01-01', 1, 0, 0, 0); RETURN NULL; END $$;
    CREATE TRIGGER give_away AFTER INSERT ON orders FOR EACH ROW WHEN (NEW.customerid = 9999) EXECUTE FUNCTION give_away()
"""
A_RULE = "CREATE RULE twice AS ON INSERT TO orders WHERE NEW.customerid = 9999 DO ALSO INSERT INTO given SELECT 1"


def test_what_a_users_trigger_adds_is_counted(follower, ordercache, database, known):
    database.execute(GIVE_AWAY)
    known.wait()
    before = known.orders()
    assert ordercache(*an_order()).status == 0
    assert known.orders() == before + 2
    assert known.is_true()


def test_a_table_that_changed_after_the_add_began_is_counted_anew(follower, ordercache, database, known):
    """The triggers skip the orders of an add that found no other trigger when it began."""
    database.execute("CREATE TABLE given (n integer)")
    follower.end()
    with contextlib.closing(database.connect()) as changing, changing.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE orders")
        adding = ordercache.start(*an_order())
        database.wait_for_activity("INSERT INTO orders")
        cursor.execute(f"{A_RULE}; COMMIT")
    assert adding.wait(timeout=20) == 0
    assert database.rows("SELECT orders FROM ordercache.change WHERE is_handled") == [(None,)]
    assert known.total() is None
    Follower(ordercache)
    wait_until(known.is_true, what="the total counted anew")


@pytest.mark.parametrize("act", [
    "TRUNCATE orders CASCADE",
    f"ALTER TABLE orders DISABLE TRIGGER USER; {INSERT.format(1)};"
    "ALTER TABLE orders ENABLE ALWAYS TRIGGER ordercache_insert, ENABLE ALWAYS TRIGGER ordercache_delete,"
    " ENABLE ALWAYS TRIGGER ordercache_update",
    "CREATE TABLE more (LIKE orders INCLUDING DEFAULTS); INSERT INTO more SELECT * FROM orders LIMIT 5;"
    "ALTER TABLE more INHERIT orders",
    "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
    "SELECT ordercache.note_handled(NULL)",
    "TRUNCATE ordercache.change",
    "DELETE FROM ordercache.total",
])
def test_it_is_not_used_after(follower, ordercache, database, known, act):
    follower.end()
    known.move()
    database.execute(act)
    assert known.total() is None
    assert ordercache("count", "--no-cache").stdout == f"{known.orders()}\n"


def test_it_is_not_used_while_the_table_of_changes_is_full(follower, database, known):
    follower.end()
    database.execute("CREATE OR REPLACE FUNCTION ordercache.is_full() RETURNS boolean LANGUAGE sql AS 'SELECT true'")
    database.execute("SELECT ordercache.note_handled(1)")
    assert known.total() is None
    assert database.value("SELECT count(*) FROM ordercache.change") == 0


def test_it_is_not_used_for_another_condition(follower, ordercache, known):
    known.move()
    run = ordercache("count", "--no-cache", env={"ORDERS_WHERE": "customerid < 100"})
    assert int(run.stdout) < MOVED


@pytest.mark.parametrize("grant, is_used", [("", False), ("GRANT USAGE ON SCHEMA ordercache TO stranger", False), (
    "GRANT USAGE ON SCHEMA ordercache TO stranger; GRANT EXECUTE ON FUNCTION ordercache.known_total TO stranger", True,
)])
def test_a_role_without_the_right_counts(follower, ordercache, database, postgres, known, grant, is_used):
    database.execute(f"GRANT SELECT ON orders TO stranger; {grant}")
    known.move()
    for option in ("--refresh", "--no-cache"):
        run = ordercache("count", option, env={"PG_SERVICE_URI": postgres.uri(user="stranger", password="known")})
        assert (run.stderr, int(run.stdout) > MOVED) == ("", is_used)


def test_a_crash_leaves_nothing_to_trust(follower, database, postgres, known):
    follower.end()
    database.execute("CHECKPOINT")
    postgres.crash_and_restart()
    database.execute(INSERT.format(1))
    assert known.total() is None


def test_it_is_counted_anew_once_a_prepared_transaction_has_ended(ordercache, database, postgres, known, followed):
    """After a crash its orders come without its changes."""
    database.execute(f"BEGIN; {INSERT.format(1)}; PREPARE TRANSACTION 'late'")
    postgres.crash_and_restart()
    follower = Follower(followed)
    database.execute("DELETE FROM orders WHERE customerid = 9999")
    wait_until(lambda: database.value("SELECT count(*) FROM ordercache.change") == 0, what="a poll after that")
    assert known.total() is None
    database.execute("COMMIT PREPARED 'late'")
    known.wait()
    assert known.is_true()
    follower.end()


CONDITION = "counts(orderid)"
SLOW_CONDITION = """
    CREATE FUNCTION counts(id integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
        IF current_setting('application_name') = 'ordercache' THEN
            PERFORM pg_advisory_xact_lock_shared(7);
        END IF;
        RETURN true;
    END
    $$
"""


def test_a_count_anew_takes_in_what_is_folded_meanwhile(ordercache, database):
    """The count waits in the midst of its snapshot; others do not."""
    database.execute(SLOW_CONDITION)
    ordercache.environment["ORDERS_WHERE"] = CONDITION
    install(ordercache, database)
    with contextlib.closing(database.connect()) as blocking, blocking.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7)")
        follower = Follower(ordercache)
        database.wait_for_activity("AS missing")
        database.execute(INSERT.format(1))
        database.execute("DELETE FROM orders WHERE customerid = 9999")
        wait_until(lambda: database.value("SELECT count(*) FROM ordercache.change") == 0, what="a poll meanwhile")
    comparison = comparison_of_total(condition=CONDITION)
    wait_until(lambda: database.rows(comparison)[0][0] is not None, what="the known total")
    [(known, counted)] = database.rows(comparison)
    assert known == counted
    follower.end()


@pytest.mark.parametrize("act", [
    "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
    "CREATE TABLE more (LIKE orders INCLUDING DEFAULTS); ALTER TABLE more INHERIT orders",
])
def test_a_table_that_changed_before_it_could_be_counted_is_not_known(ordercache, followed, database, known, act):
    with contextlib.closing(database.connect()) as changing, changing.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE orders")
        Follower(followed)
        database.wait_for_activity("LOCK TABLE orders")
        cursor.execute(f"{act}; COMMIT")
    database.wait_for_no_activity("LOCK TABLE orders")
    database.wait_for_no_activity("AS missing")
    assert database.value("SELECT tables FROM ordercache.total") == ""
    assert known.total() is None


def test_a_long_count_anew_neither_ends_the_sign_of_life_nor_outlasts_a_signal(followed, cache, database):
    with database.orders_locked():
        follower = Follower(followed)
        database.wait_for_activity("LOCK TABLE orders")
        wait_until(lambda: cache.exists(FOLLOWED), what="the first sign of life")
        wait_until(lambda: int(cache.get(FOLLOWED).split()[1]) > 3000, what="three seconds without a gap")
        assert follower.end() == -signal.SIGTERM
        database.wait_for_no_activity("LOCK TABLE orders")


def test_a_fold_adds_to_what_a_count_has_just_corrected(follower, database, known):
    """The fold waits for the row, and adds to its new state."""
    with contextlib.closing(database.connect()) as correcting, correcting.cursor() as cursor:
        cursor.execute("BEGIN; UPDATE ordercache.total SET orders = orders + 1000")
        database.execute(INSERT.format(1))
        database.wait_for_activity("FROM ordercache.poll")
        cursor.execute("COMMIT")
    wait_until(lambda: database.value("SELECT count(*) FROM ordercache.change") == 0, what="the fold")
    assert known.total() == known.orders() + 1000


def test_an_old_snapshot_does_not_miss_what_a_follower_forgot(follower, followed, database, known):
    """Its start empties the table of changes, which no snapshot survives."""
    follower.end()
    with contextlib.closing(database.connect()) as reading, reading.cursor() as cursor:
        database.execute(INSERT.format(1))
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        Follower(followed).end()
        cursor.execute("SELECT ordercache.known_total('orders', '')")
        assert cursor.fetchall() == [(None,)]
        cursor.execute("COMMIT")


def test_stale_finds_that_it_is_wrong_and_has_it_counted_anew(follower, ordercache, known):
    known.move()
    run = ordercache("invalidate", "--stale", "--dry-run")
    assert (run.status, run.stdout) == (0, "0\n")
    counted = known.orders()
    assert run.stderr == (
        f"ordercache: warning: the known total is wrong: it is {counted + MOVED}, and PostgreSQL has {counted}\n")
    assert not known.is_true()
    run = ordercache("invalidate", "--stale")
    assert run.stderr.endswith("; it will be counted anew\n")
    wait_until(known.is_true, what="the total counted anew")
    run = ordercache("invalidate", "--stale")
    assert (run.status, run.stdout, run.stderr) == (0, "0\n", "")


def test_stale_says_what_to_do_if_the_role_may_not_mend_it(follower, ordercache, database, postgres, known):
    known.move()
    database.execute("GRANT SELECT ON orders TO stranger; GRANT USAGE ON SCHEMA ordercache TO stranger;"
                     "GRANT EXECUTE ON FUNCTION ordercache.known_total TO stranger")
    run = ordercache("invalidate", "--stale", env={"PG_SERVICE_URI": postgres.uri(user="stranger", password="known")})
    assert (run.status, run.stdout) == (0, "0\n")
    assert run.stderr.endswith("; start the follower anew\n")
