"""ttl: how long a cached count has left."""

import pytest

from peers import refusing_port


@pytest.mark.parametrize("milliseconds, seconds", [(86_990, "87"), (1_990, "2"), (990, "1")])
def test_seconds_left_are_rounded_up(ordercache, cache, milliseconds, seconds):
    cache.set("num_orders:all", 12000, px=milliseconds)
    run = ordercache("ttl")
    assert (run.status, run.stdout, run.stderr) == (0, f"{seconds}\n", "")


def test_json_is_an_object_with_a_number(ordercache, cache):
    cache.set("num_orders:all", 12000, px=86_990)
    assert ordercache("ttl", "--json").stdout == '{"ttl":87}\n'


def test_a_customers_count_has_its_own(ordercache, cache):
    cache.set("num_orders:all", 12000, px=86_990)
    cache.set("num_orders:9999", 1, px=10_990)
    assert ordercache("ttl", "--customer", "9999").stdout == "11\n"


def test_what_is_not_cached_is_a_no_without_a_word_on_stdout(ordercache):
    run = ordercache("ttl")
    assert (run.status, run.stdout) == (1, "")


@pytest.mark.parametrize("customer, key", [((), "num_orders:all"), (("--customer", "9999"), "num_orders:9999")])
def test_what_is_not_cached_is_said_so_where_it_is_asked_for(ordercache, customer, key):
    run = ordercache("ttl", "-v", *customer)
    assert (run.status, run.stdout, run.stderr) == (1, "", f"{key} is not cached\nNo follower is in charge\n")


def test_what_is_not_cached_is_null_in_json(ordercache):
    run = ordercache("ttl", "--json")
    assert (run.status, run.stdout) == (1, '{"ttl":null}\n')


def test_a_count_that_never_expires_has_minus_one(ordercache, cache):
    cache.set("num_orders:all", 12000)
    assert ordercache("ttl").stdout == "-1\n"
    assert ordercache("ttl", "--json").stdout == '{"ttl":-1}\n'


def test_a_count_that_was_just_cached_has_its_whole_time(ordercache):
    ordercache("count")
    assert ordercache("ttl").stdout in ("120\n", "119\n")


def test_redis_down_is_a_failure(ordercache):
    with refusing_port() as port:
        run = ordercache("ttl", env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{port}"})
    assert (run.status, run.stdout) == (4, "")
    assert run.stderr == f"ordercache: error: cannot connect to Redis at 127.0.0.1:{port}: Connection refused\n"
