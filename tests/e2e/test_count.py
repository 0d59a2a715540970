"""count: from the cache where it has the answer, else from PostgreSQL, and cached."""

from servers import commands_seen


def test_a_miss_is_answered_from_postgresql_and_cached(ordercache, cache):
    assert ordercache("count").stdout == "12000\n"
    assert cache.get("num_orders:all") == "12000"
