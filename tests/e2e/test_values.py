"""Values: what is accepted is stored exactly, and what is refused is refused before anything is contacted."""

import pytest

from orders import added, an_order

# What is refused with which words is the unit tests' business: here is an example of each kind.
REFUSED = [
    ("count", "--customer=0x10"),
    ("ttl", "--customer=5 "),
    ("invalidate", "--customer="),
    ("count", "--timeout=1e3"),
    an_order(customer="1e3"),
    an_order(date="2023-02-30"),
    an_order(date=""),
    an_order(net="23.005"),
    an_order(tax="1,50"),
    an_order(net="9999999999.99", tax="0.01"),
    (*an_order(net="nan"), "--no-cache"),
    (*an_order(net="nan"), "--dry-run"),
    (*an_order(net="nan"), "--json"),
]


def assert_refused(run):
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("ordercache: error: ")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_a_bad_value_is_refused_before_anything_is_contacted(untouched, arguments):
    assert_refused(untouched(*arguments))


@pytest.mark.parametrize("missing", ["--date", "--customer", "--net", "--tax"])
def test_an_order_needs_each_of_its_parts(untouched, missing):
    run = untouched(*[argument for argument in an_order() if not argument.startswith(missing)])
    assert_refused(run)
    assert missing in run.stderr


@pytest.mark.parametrize("name, value", [("date", "2023-02-30"), ("customer", "1e3"), ("net", "23.005"), ("tax", "1,50")])
def test_a_refusal_names_the_option(untouched, name, value):
    assert f"--{name}" in untouched(*an_order(**{name: value})).stderr


@pytest.mark.parametrize("date", ["0001-01-01", "2024-02-29", "2000-02-29", "9999-12-31"])
def test_a_day_of_the_calendar_is_stored(ordercache, database, date):
    assert ordercache(*an_order(date=date)).status == 0
    assert added(database)[0][0] == date


@pytest.mark.parametrize("net, tax, stored", [
    ("23", "1.8", ("23.00", "1.80", "24.80")),
    ("0.1", "0.2", ("0.10", "0.20", "0.30")),
    ("0", "0", ("0.00", "0.00", "0.00")),
    ("-23.00", "-1.80", ("-23.00", "-1.80", "-24.80")),
    ("-0.05", "0.01", ("-0.05", "0.01", "-0.04")),
    ("-0", "-0.00", ("0.00", "0.00", "0.00")),
    ("007", "00.50", ("7.00", "0.50", "7.50")),
    ("9999999999.98", "0.01", ("9999999999.98", "0.01", "9999999999.99")),
    ("9999999999.99", "-9999999999.99", ("9999999999.99", "-9999999999.99", "0.00")),
])
def test_amounts_are_exact(ordercache, database, net, tax, stored):
    assert ordercache(*an_order(net=net, tax=tax)).status == 0
    assert added(database)[0][2:] == stored


def test_a_refund_may_follow_its_option_as_a_word_of_its_own(ordercache, database):
    run = ordercache("add", "--date", "2023-03-10", "--customer", "9999", "--net", "-23.00", "--tax", "-1.80")
    assert run.status == 0
    assert added(database)[0][2:] == ("-23.00", "-1.80", "-24.80")


@pytest.mark.parametrize("customer, stored", [("010", 10), ("1", 1), ("0009999", 9999)])
def test_a_customer_is_decimal(ordercache, database, customer, stored):
    assert ordercache(*an_order(customer=customer)).status == 0
    assert added(database)[0][1] == stored


def test_the_largest_customer_is_a_customer(ordercache, database):
    database.execute("ALTER TABLE orders DROP CONSTRAINT fk_customerid")
    assert ordercache(*an_order(customer=2147483647)).status == 0
    assert ordercache("count", "--customer", "2147483647").stdout == "1\n"
