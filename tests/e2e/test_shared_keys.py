"""Other programs share the keys: what they store is served, and what is stored they can read."""

import pytest

from keys import values


def test_a_value_that_another_program_set_is_a_hit(ordercache, cache):
    cache.set("num_orders:9999", "4711")
    assert ordercache("count", "--customer", "9999").stdout == "4711\n"


def test_a_value_that_another_program_deleted_is_a_miss(ordercache, cache):
    cache.set("num_orders:all", "4711")
    cache.delete("num_orders:all")
    assert ordercache("count").stdout == "12000\n"


def test_what_is_stored_is_a_plain_string_with_an_expiry_and_nothing_else(ordercache, cache):
    ordercache("count")
    assert values(cache) == ["num_orders:all"]
    assert cache.type("num_orders:all") == "string"
    assert cache.get("num_orders:all") == "12000"
    assert 100 < cache.ttl("num_orders:all") <= 120


def test_a_cached_zero_is_a_hit(ordercache, cache, database):
    cache.set("num_orders:all", "0")
    with database.log() as log:
        assert ordercache("count").stdout == "0\n"
    assert log == []


def test_a_count_that_never_expires_is_a_hit_and_stays(ordercache, cache):
    cache.set("num_orders:all", "4711")
    assert ordercache("count").stdout == "4711\n"
    assert cache.ttl("num_orders:all") == -1


OTHER_TYPES = {
    "a list": lambda cache: cache.rpush("num_orders:all", "12000"),
    "a hash": lambda cache: cache.hset("num_orders:all", "count", "12000"),
    "a set": lambda cache: cache.sadd("num_orders:all", "12000"),
}


def assert_replaced_with_a_warning(run, cache):
    assert (run.status, run.stdout) == (0, "12000\n")
    assert run.stderr.startswith("ordercache: warning: ")
    assert run.stderr.count("\n") == 1
    assert "num_orders:all" in run.stderr
    assert cache.type("num_orders:all") == "string"
    assert cache.get("num_orders:all") == "12000"
    assert values(cache) == ["num_orders:all"]


GARBAGE = ["", "abc", "12x", "1 2", "1.0", "1e3", "nan", "9" * 30, "12000\n", "\x00", "x" * 100_000]


@pytest.mark.parametrize("value", GARBAGE, ids=lambda value: repr(value[:30]))
def test_a_value_that_is_no_number_is_replaced_with_a_warning(ordercache, cache, value):
    cache.set("num_orders:all", value)
    assert_replaced_with_a_warning(ordercache("count"), cache)


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_a_key_of_another_type_is_replaced_with_a_warning(ordercache, cache, kind):
    OTHER_TYPES[kind](cache)
    assert_replaced_with_a_warning(ordercache("count"), cache)


def test_a_key_of_another_type_is_dropped_by_an_invalidate(ordercache, cache):
    cache.rpush("num_orders:all", "12000")
    assert ordercache("invalidate", "--customer", "9999").stdout == "1\n"
    assert cache.keys() == []


def test_a_value_of_another_programs_is_dropped_by_an_add(ordercache, cache):
    cache.set("num_orders:9999", "4711")
    ordercache("add", "--date", "2023-03-10", "--customer", "9999", "--net", "23.00", "--tax", "1.80")
    assert cache.keys() == []
