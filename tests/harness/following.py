"""`invalidate --follow`, and programs that know no cache."""

import contextlib
import itertools
import os
import signal
import socket

from keys import TOTAL

INSERT = "INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount) VALUES ('2004-01-01', {}, 1, 1, 2)"

_numbers = itertools.count()


def install(program, database):
    """Has the database note down what others change."""
    run = program("invalidate", "--follow-sql")
    assert (run.status, run.stderr) == (0, "")
    database.execute(run.stdout)


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

    def __init__(self, cache, database):
        self.cache, self.database = cache, database

    def wrong(self):
        """The cached counts that are wrong, with the true ones."""
        keys = [key for key in self.cache.scan_iter("num_orders:*")]
        cached = {key: int(self.cache.get(key) or -1) for key in keys}
        true = dict(self.database.rows("SELECT 'num_orders:' || customerid, count(*) FROM orders GROUP BY customerid"))
        true[TOTAL] = self.database.value("SELECT count(*) FROM orders")
        return {key: (count, true.get(key, 0)) for key, count in cached.items() if count != true.get(key, 0)}

    def are_handled(self):
        """Whether a follower has seen to all that was noted down."""
        return self.database.value("SELECT count(*) FROM ordercache.change") == 0
