"""Programs that know no cache, and change orders in every way that there is."""

import contextlib
import io
import itertools
import random
import time

import psycopg2

from following import INSERT

CUSTOMERS = (101, 102, 103)
ROW = "2004-01-01,{},1,1,2\n"


class Outsider:
    """A program that changes orders in every way that there is."""

    def __init__(self, database, seed):
        self._database, self._chance = database, random.Random(seed)
        self._prepared = (f"outsider-{seed}-{number}" for number in itertools.count())
        self.changes = 0

    def change_until(self, end, is_over=lambda: False):
        """PostgreSQL may go down meanwhile."""
        while time.monotonic() < end and not is_over():
            with contextlib.suppress(psycopg2.DatabaseError, psycopg2.InterfaceError):
                with contextlib.closing(self._database.connect()) as connection, connection.cursor() as cursor:
                    # What a crash left prepared keeps its locks, against TRUNCATE and ALTER for as long as the test runs.
                    cursor.execute("SET lock_timeout = '1s'")
                    while time.monotonic() < end and not is_over():
                        self._change(cursor)
                        self.changes += 1
                        time.sleep(self._chance.uniform(0, 0.01))

    def _change(self, cursor):
        ways = [
            self._insert, self._insert, self._insert, self._delete, self._move, self._copy, self._roll_back, self._savepoint,
            self._prepare, self._replicate, self._disable, self._truncate,
        ]
        self._chance.choices(ways, [8] * (len(ways) - 2) + [1, 1])[0](cursor)

    def _customer(self):
        return self._chance.choice(CUSTOMERS)

    def _insert(self, cursor):
        cursor.execute(INSERT.format(self._customer()))

    def _delete(self, cursor):
        cursor.execute("DELETE FROM orders WHERE orderid = (SELECT max(orderid) FROM orders WHERE customerid = %s)", [self._customer()])

    def _move(self, cursor):
        cursor.execute(
            "UPDATE orders SET customerid = %s WHERE orderid = (SELECT max(orderid) FROM orders WHERE customerid = %s)",
            [self._customer(), self._customer()],
        )

    def _copy(self, cursor):
        rows = io.StringIO("".join(ROW.format(self._customer()) for _ in range(self._chance.randint(1, 20))))
        cursor.copy_expert("COPY orders (orderdate, customerid, netamount, tax, totalamount) FROM STDIN CSV", rows)

    def _roll_back(self, cursor):
        cursor.execute(f"BEGIN; {INSERT.format(self._customer())}; ROLLBACK")

    def _savepoint(self, cursor):
        insert = INSERT.format(self._customer())
        cursor.execute(f"BEGIN; SAVEPOINT a; {insert}; ROLLBACK TO a; {insert}; SAVEPOINT b; {insert}; COMMIT")

    def _prepare(self, cursor):
        """What is prepared may outlive a crash, and what was noted down of it not."""
        name = next(self._prepared)
        cursor.execute(f"BEGIN; {INSERT.format(self._customer())}; PREPARE TRANSACTION '{name}'")
        time.sleep(self._chance.uniform(0, 0.1))
        cursor.execute(f"{self._chance.choice(['COMMIT', 'ROLLBACK'])} PREPARED '{name}'")

    def _replicate(self, cursor):
        """As an applier of logical replication does."""
        insert = INSERT.format(self._customer()).replace("orders", "public.orders")
        cursor.execute(f"BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL search_path = ''; {insert}; COMMIT")

    def _disable(self, cursor):
        cursor.execute(
            f"BEGIN; ALTER TABLE orders DISABLE TRIGGER ordercache_insert; {INSERT.format(self._customer())};"
            " ALTER TABLE orders ENABLE ALWAYS TRIGGER ordercache_insert; COMMIT"
        )

    def _truncate(self, cursor):
        cursor.execute("TRUNCATE orders")


def end_prepared(database):
    """A crash left some; their outcome is as good as any."""
    for (name,) in database.rows("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"):
        database.execute(f"COMMIT PREPARED '{name}'")
