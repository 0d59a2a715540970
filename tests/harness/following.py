"""`invalidate --follow`, and programs that know no cache."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess

import psycopg2

from keys import TOTAL
from servers import USER

INSERT = "INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount) VALUES ('2004-01-01', {}, 1, 1, 2)"

_numbers = itertools.count()


def install(program, database):
    """Has the database note down what others change."""
    run = program("invalidate", "--follow-sql")
    assert (run.status, run.stderr) == (0, "")
    database.execute(run.stdout)


def psql(database, script, user=USER):
    """A run of psql, which stops at the first error."""
    return subprocess.run(
        ["psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", f"--host={database.postgres.folder}",
         f"--port={database.postgres.port}", f"--username={user}", database.name],
        input=script, capture_output=True, text=True, timeout=30,
    )


def run_script(database, script):
    """Runs it by psql, which must say nothing."""
    run = psql(database, script)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@contextlib.contextmanager
def service_manager():
    """The environment of a program that is to tell that it is ready, and the socket where it does."""
    address = f"ordercache-test-{os.getpid()}-{next(_numbers)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{address}")
        manager.settimeout(30)
        yield {"NOTIFY_SOCKET": f"@{address}"}, manager


def hears(manager, *messages):
    """Waits until the service manager has heard each of these, and returns all that it heard."""
    heard = []
    while not set(messages) <= set(heard):
        heard.append(manager.recv(1000).decode())
    return heard


FOLLOWS = "STATUS=Following what others write to orders"
WAITS = "STATUS=Another follower is at work; waiting to take over"


class Follower:
    """A follower that has begun to follow."""

    def __init__(self, program, *options, **environment):
        with service_manager() as (told_where, manager):
            self.process = program.start("invalidate", "--follow", *options, env={**told_where, **environment})
            hears(manager, FOLLOWS, "READY=1")

    def end(self, by=signal.SIGTERM):
        self.process.send_signal(by)
        _, self.errors = self.process.communicate(timeout=20)
        return self.process.returncode


class Counts:
    """What the cache holds, beside what PostgreSQL does."""

    def __init__(self, cache, database, orders="orders", customer="customerid"):
        """`orders` is what stands behind FROM."""
        self.cache, self.database, self.orders, self.customer = cache, database, orders, customer

    def cached(self):
        return {key: int(self.cache.get(key) or -1) for key in list(self.cache.scan_iter("num_orders:*"))}

    def wrong(self):
        """The cached counts that are wrong, with the true ones."""
        cached = self.cached()
        true = dict(self.database.rows(f"SELECT 'num_orders:' || {self.customer}, count(*) FROM {self.orders} GROUP BY 1"))
        true[TOTAL] = self.database.value(f"SELECT count(*) FROM {self.orders}")
        return {key: (count, true.get(key, 0)) for key, count in cached.items() if count != true.get(key, 0)}

    def are_handled(self):
        """Whether a follower has seen to all that was noted down."""
        return self.database.value("SELECT count(*) FROM ordercache.change") == 0


def comparison_of_total(table="orders", condition=""):
    """The SQL that gives the known total beside COUNT, in one snapshot."""
    return f"SELECT ordercache.known_total('{table}', '{condition}'), count(*) FROM {table} WHERE {condition or 'true'}"


class Snapshots:
    """The known total beside COUNT, in the same snapshots."""

    def __init__(self, database, table="orders", condition=""):
        self._database = database
        self._compare = comparison_of_total(table, condition)
        self._table = table
        self.known = 0
        self.wrong = []

    def compare(self):
        with contextlib.closing(self._database.connect()) as connection, connection.cursor() as cursor:
            self._compare_in(cursor)

    def compare_while(self, condition):
        """PostgreSQL may go down meanwhile."""
        while condition():
            with contextlib.suppress(psycopg2.DatabaseError, psycopg2.InterfaceError):
                with contextlib.closing(self._database.connect()) as connection, connection.cursor() as cursor:
                    while condition():
                        self._compare_in(cursor)

    def _compare_in(self, cursor):
        """The lock comes first: a COUNT whose snapshot is older than a TRUNCATE gives 0, and the known total does not."""
        cursor.execute(f"BEGIN; LOCK TABLE {self._table} IN ACCESS SHARE MODE")
        cursor.execute(self._compare)
        [(known, counted)] = cursor.fetchall()
        cursor.execute("COMMIT")
        if known is not None:
            self.known += 1
        if known not in (None, counted):
            self.wrong.append((known, counted))
