"""What the program keeps in Redis: counts that everybody may read, and what the protocol keeps beside them."""

TOTAL, LEDGER = "num_orders:all", "{num_orders:all}:ledger"


def values(cache):
    """The names of the cached counts, and of whatever else is there, without the protocol's own keys."""
    return sorted(key for key in cache.keys() if not key.endswith((":lease", ":ledger")))


def claim_total(cache, seconds, reader="another-reader"):
    """Another reader counts the total, for so long that nobody takes its place meanwhile."""
    now, _ = cache.time()
    cache.hset(LEDGER, "reader", f"{reader} {(now + seconds) * 1000}")
    cache.pexpire(LEDGER, (seconds + 2) * 1000)


def reader_of_total(cache):
    """The token of who counts the total; None: nobody."""
    reader = cache.hget(LEDGER, "reader")
    return reader and reader.split()[0]
