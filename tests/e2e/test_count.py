"""count: from the cache where it has the answer, else from PostgreSQL, and cached."""

import json

import pytest

from keys import claim_total, values
from orders import an_order
from peers import refusing_port
from servers import commands_seen


def customer_with(orders, database):
    return database.value(
        "SELECT min(c.customerid) FROM customers c"
        " WHERE (SELECT count(*) FROM orders o WHERE o.customerid = c.customerid) = %s",
        orders,
    )


def test_a_miss_is_answered_from_postgresql_and_cached(ordercache, cache):
    assert ordercache("count").stdout == "12000\n"
    assert cache.get("num_orders:all") == "12000"


def test_a_hit_is_answered_from_the_cache(ordercache, cache):
    cache.set("num_orders:all", 4711)
    assert ordercache("count").stdout == "4711\n"


@pytest.mark.parametrize("orders", [0, 1, 2])
def test_a_customers_orders_are_counted_and_cached(ordercache, cache, database, orders):
    customer = customer_with(orders, database)
    assert ordercache("count", "--customer", str(customer)).stdout == f"{orders}\n"
    assert cache.get(f"num_orders:{customer}") == str(orders)
    assert not cache.exists("num_orders:all")


@pytest.mark.parametrize("customer", ["2147483647", "2147483648", "9223372036854775807"])
def test_a_customer_who_is_unknown_has_no_orders(ordercache, customer):
    run = ordercache("count", "--customer", customer)
    assert (run.status, run.stdout) == (0, "0\n")


def test_a_customers_hit_is_answered_from_the_cache(ordercache, cache):
    cache.set("num_orders:9999", 17)
    assert ordercache("count", "--customer", "9999").stdout == "17\n"


def test_a_customer_with_a_leading_zero_is_decimal(ordercache, cache):
    cache.set("num_orders:10", 3)
    assert ordercache("count", "--customer", "010").stdout == "3\n"


def test_json_is_an_object_with_a_number(ordercache):
    miss, hit = ordercache("count", "--json"), ordercache("count", "--json")
    assert miss.stdout == hit.stdout == '{"count":12000}\n'
    assert ordercache("count", "--customer", "9999", "--json").stdout == '{"count":1}\n'


def test_a_count_beyond_32_bits_is_a_number_too(ordercache, cache):
    cache.set("num_orders:all", 5_000_000_000)
    assert ordercache("count").stdout == "5000000000\n"
    assert json.loads(ordercache("count", "--json").stdout) == {"count": 5_000_000_000}


def test_no_locale_changes_a_number(ordercache):
    for locale in ("C.UTF-8", "de_DE.UTF-8", "no_SUCH.locale"):
        assert ordercache("count", env={"LC_ALL": locale}).stdout == "12000\n"


@pytest.mark.parametrize("arguments", [("--json", "count"), ("count", "--json"), ("-q", "--json", "--timeout=9", "count")])
def test_options_stand_before_or_after_the_subcommand(ordercache, arguments):
    assert ordercache(*arguments).stdout == '{"count":12000}\n'


def test_refresh_computes_anew_and_caches(ordercache, cache):
    cache.set("num_orders:all", 4711, ex=5)
    assert ordercache("count", "--refresh").stdout == "12000\n"
    assert cache.get("num_orders:all") == "12000"
    assert cache.ttl("num_orders:all") > 100


def test_refresh_waits_for_whoever_counts(ordercache, cache):
    claim_total(cache)
    assert ordercache("count", "--refresh").stdout == "12000\n"
    assert values(cache) == ["num_orders:all"]


def test_refresh_leaves_the_value_until_the_new_one_is_there(ordercache, cache, database):
    cache.set("num_orders:all", 4711)
    with database.orders_locked():
        refreshing = ordercache.start("count", "--refresh")
        database.wait_for_activity("orders")
        assert ordercache("count").stdout == "4711\n"
    assert refreshing.communicate(timeout=20) == ("12000\n", "")


def test_no_cache_touches_no_cache(ordercache, cache):
    cache.set("num_orders:all", 4711)
    with commands_seen(cache) as commands:
        assert ordercache("count", "--no-cache").stdout == "12000\n"
    assert commands == []
    assert cache.get("num_orders:all") == "4711"


def test_a_count_that_postgresql_answers_for_redis_comes_with_one_warning(ordercache):
    with refusing_port() as port:
        run = ordercache("count", env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{port}"})
    assert (run.status, run.stdout) == (0, "12000\n")
    assert run.stderr.startswith("ordercache: warning: ")
    assert run.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in run.stderr


def test_redis_answering_errors_does_not_keep_postgresql_from_answering(ordercache, cache, redis_server):
    cache.acl_setuser("reader", enabled=True, nopass=True, keys=["*"], commands=["+get"], reset=True)
    run = ordercache("count", env={"REDIS_SERVICE_URI": redis_server.uri("reader:any@")})
    cache.acl_deluser("reader")
    assert (run.status, run.stdout) == (0, "12000\n")
    assert run.stderr.startswith("ordercache: warning: ")
    assert run.stderr.count("\n") == 1


def test_a_count_after_an_add_is_the_new_one(ordercache):
    assert [ordercache("count").stdout, ordercache("count", "--customer", "9999").stdout] == ["12000\n", "1\n"]
    assert ordercache(*an_order()).status == 0
    assert [ordercache("count").stdout, ordercache("count", "--customer", "9999").stdout] == ["12001\n", "2\n"]
