"""Customers of three types: what an id is, its one form, and the keys and answers that it stands in."""

import json

import pytest

from orders import an_order

UUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
LARGE = "9223372036854775807"
STRANGE = 'a, "b" \\ \'c\' é *?[]'
"""A text that each of CSV, JSON, SQL's arrays and Redis's patterns would read otherwise."""

TYPES = {
    "integer": ["7", "2147483648", LARGE],
    "uuid": [UUID, UUID.replace("3", "4")],
    "text": ["ALFKI", "alfki", "007", "-x", " a ", "1:lease", "all:ledger", "All", STRANGE],
}
IDS = [(type_of_customers, customer) for type_of_customers, customers in TYPES.items() for customer in customers]

REFUSED = {
    "integer": ["0", "-1", "1e3", "ALFKI", UUID, "9223372036854775808", "all"],
    "uuid": ["7", "all", UUID[:-1], UUID + "0", UUID.replace("-", ""), "{" + UUID + "}", " " + UUID],
    "text": ["all", "a{b", "a}b", "a\tb", "a\nb", "\x7f", "\u0085", "x" * 201, "é" * 101],
}
BAD_IDS = [(type_of_customers, customer) for type_of_customers, customers in REFUSED.items() for customer in customers]


def of_type(program, type_of_customers):
    program.environment["ORDERS_CUSTOMER_TYPE"] = type_of_customers
    return program


@pytest.fixture
def cached(ordercache):
    """The program, which must answer from Redis: there is no PostgreSQL."""
    ordercache.environment["PG_SERVICE_URI"] = "postgresql://127.0.0.1:1"
    return ordercache


def in_json(type_of_customers, customer):
    return int(customer) if type_of_customers == "integer" else customer


@pytest.mark.parametrize("type_of_customers, customer", IDS)
def test_a_cached_count_is_found_under_its_customer(cached, cache, type_of_customers, customer):
    of_type(cached, type_of_customers)
    cache.set(f"num_orders:{customer}", 17)
    run = cached("count", f"--customer={customer}", "-v")
    assert (run.status, run.stdout) == (0, "17\n")
    assert run.stderr == f"Checking cache key num_orders:{customer}\nFound num_orders:{customer}, value is 17\n"


@pytest.mark.parametrize("type_of_customers", TYPES)
def test_several_are_answered_in_order_from_words_and_from_a_file(cached, cache, tmp_path, type_of_customers):
    of_type(cached, type_of_customers)
    customers = [*TYPES[type_of_customers], TYPES[type_of_customers][0]]
    cache.mset({f"num_orders:{customer}": len(customer) for customer in customers})
    file = tmp_path / "customers"
    file.write_text("".join(f"{customer}\n" for customer in customers))
    lines = "".join(f"{customer}\t{len(customer)}\n" for customer in customers)
    objects = [{"customer": in_json(type_of_customers, customer), "count": len(customer)} for customer in customers]
    for asked in ([f"--customer={customer}" for customer in customers], [f"--customers-from={file}"]):
        assert cached("count", *asked).stdout == lines
        assert [json.loads(line) for line in cached("count", "--json", *asked).stdout.splitlines()] == objects


@pytest.mark.parametrize("type_of_customers, typed, customer", [
    ("integer", "010", "10"), ("integer", "0" * 30 + LARGE, LARGE), ("uuid", UUID.upper(), UUID),
])
def test_an_id_has_one_form(cached, cache, type_of_customers, typed, customer):
    of_type(cached, type_of_customers)
    cache.set(f"num_orders:{customer}", 3)
    assert cached("count", f"--customer={typed}").stdout == "3\n"
    assert cached("count", "--customers-from=-", stdin=typed + "\n").stdout == f"{customer}\t3\n"


@pytest.mark.parametrize("type_of_customers, customer", IDS)
@pytest.mark.parametrize("prefix", ["num_orders", "{shop}:orders"])
def test_a_customer_and_the_total_are_invalidated(cached, cache, prefix, type_of_customers, customer):
    of_type(cached, type_of_customers).environment["CACHE_KEY_PREFIX"] = prefix
    cache.set(f"{prefix}:{customer}", 1, ex=50)
    cache.set(f"{prefix}:all", 2)
    assert 0 < int(cached("ttl", f"--customer={customer}").stdout) <= 50
    assert cached("invalidate", f"--customer={customer}").stdout == "2\n"
    run = cached("ttl", f"--customer={customer}")
    assert (run.status, run.stdout) == (1, "")


@pytest.mark.parametrize("type_of_customers", TYPES)
@pytest.mark.parametrize("prefix", ["num_orders", "{shop}:orders"])
def test_all_customers_of_the_type_are_invalidated_and_no_other_key(cached, cache, prefix, type_of_customers):
    of_type(cached, type_of_customers).environment["CACHE_KEY_PREFIX"] = prefix
    customers = TYPES[type_of_customers]
    others = {f"{prefix}:a\tb": "1", f"{prefix}:": "2", "other:7": "3", f"{prefix}:{{x}}": "4"}
    cache.mset({**others, **{f"{prefix}:{customer}": 1 for customer in customers}})
    assert cached("invalidate", "--dry-run").stdout == f"{len(customers)}\n"
    assert cached("invalidate").stdout == f"{len(customers)}\n"
    assert {key: cache.get(key) for key in cache.keys()} == others


@pytest.mark.parametrize("type_of_customers, customer", BAD_IDS)
def test_another_id_is_refused_before_anything_is_contacted(untouched, type_of_customers, customer):
    of_type(untouched, type_of_customers)
    for arguments in (
        ["count", f"--customer={customer}"], ["invalidate", f"--customer={customer}"],
        ["ttl", f"--customer={customer}"], an_order(customer=customer),
    ):
        run = untouched(*arguments)
        assert (run.status, run.stdout) == (2, "")
        assert run.stderr.startswith("ordercache: error: --customer: `")
        assert ": a customer is " in run.stderr
        assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("type_of_customers, customer", [("integer", "ALFKI"), ("uuid", "7"), ("text", "a{b")])
def test_a_file_with_another_id_is_refused(untouched, type_of_customers, customer):
    of_type(untouched, type_of_customers)
    run = untouched("count", "--customers-from=-", stdin=customer + "\n")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith(f"ordercache: error: stdin, line 1: `{customer}`: a customer is ")
    run = untouched("add", "--from=-", stdin=f"date,customer,net,tax\n2023-03-10,{customer},1,0\n")
    assert (run.status, run.stdout) == (2, "")
    assert f"line 2: customer: `{customer}`: a customer is " in run.stderr


@pytest.mark.parametrize("command", [
    ["count", "--customer=5"], ["count"], ["count", "--customers-from=-"], ["ttl"], ["invalidate"], an_order(),
    ["add", "--from=-"],
], ids=" ".join)
def test_another_type_is_refused_and_never_shown(untouched, command):
    run = of_type(untouched, "s3cret")(*command, stdin="5\n")
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr == "ordercache: error: ORDERS_CUSTOMER_TYPE: it must be integer, uuid or text\n"


@pytest.mark.parametrize("command", [
    ["--help"], ["count", "--customer=5", "--help"], ["--version"], ["invalidate", "--follow-sql=remove"],
], ids=" ".join)
def test_what_concerns_no_customer_works_with_a_bad_type(untouched, command):
    run = of_type(untouched, "s3cret")(*command)
    assert (run.status, run.stderr) == (0, "")


def test_an_empty_type_is_integer(cached, cache):
    cache.set("num_orders:7", 3)
    assert of_type(cached, "")("count", "--customer=007").stdout == "3\n"


def test_a_large_integer_is_counted_and_cached(ordercache, database, cache):
    database.execute("ALTER TABLE orders DROP CONSTRAINT fk_customerid; ALTER TABLE orders ALTER customerid TYPE bigint;"
                     f"UPDATE orders SET customerid = {LARGE} WHERE orderid <= 3")
    assert ordercache("count", f"--customer={LARGE}").stdout == "3\n"
    assert cache.get(f"num_orders:{LARGE}") == "3"
    lines = ordercache("count", "--refresh", f"--customer={LARGE}", "--customer=2147483648", "--customer=10").stdout
    assert lines.splitlines()[:2] == [f"{LARGE}\t3", "2147483648\t0"]
    cache.set(f"num_orders:{LARGE}", 4)
    assert ordercache("invalidate", "--stale").stdout == "1\n"
