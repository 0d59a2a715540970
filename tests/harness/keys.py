"""What the program keeps in Redis: counts that everybody may read, and what the protocol keeps beside them."""

import contextlib
import threading

from servers import TESTS

LUA = TESTS.parent / "src" / "redis" / "lua"
TOTAL, LEDGER = "num_orders:all", "{num_orders:all}:ledger"
COMMITTED_ORDERS, ANSWER = "{num_orders:all}:committed", "{num_orders:all}:answer"
FOLLOWED, ALIVE = "{num_orders:all}:followed", "{num_orders:all}:alive"
OWN_KEYS = (":lease", ":ledger", ":committed", ":answer", ":followed", ":alive")


def script(name):
    """The first line of that script, by which a proxy knows it."""
    return (LUA / f"{name}.lua").read_bytes().partition(b"\n")[0]


def values(cache):
    """The names of the cached counts, and of whatever else is there, without the protocol's own keys."""
    return sorted(key for key in cache.keys() if not key.endswith(OWN_KEYS))


def _renew_total(cache, reader):
    now, microseconds = cache.time()
    cache.hset(LEDGER, "reader", f"{reader} {now * 1000 + microseconds // 1000}")
    cache.pexpire(LEDGER, 2000)


@contextlib.contextmanager
def total_claimed(cache, reader="another-reader"):
    """Another reader counts the total, and renews its right."""
    def renew():
        while not ended.wait(0.5):
            _renew_total(cache, reader)

    _renew_total(cache, reader)
    ended = threading.Event()
    renewal = threading.Thread(target=renew)
    renewal.start()
    try:
        yield
    finally:
        ended.set()
        renewal.join()


def claim_total(cache, reader="another-reader"):
    """Another reader counts the total. It does not renew its right."""
    _renew_total(cache, reader)


def reader_of_total(cache):
    """The token of the reader that counts the total, or None."""
    reader = cache.hget(LEDGER, "reader")
    return reader and reader.split()[0]
