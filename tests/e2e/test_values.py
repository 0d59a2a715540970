"""Values: what is accepted is stored exactly, and what is refused is refused before anything is contacted."""

import pytest

from orders import added, an_order
from peers import Listener

CUSTOMERS = ["0x10", "1e3", "+5", "5 ", " 5", "9999999999", "2147483648", "0", "-1", "", "1,000", "five", "5.0", "١"]
DATES = [
    "2023-02-30", "2023-2-3", "10.3.2023", "", "2023-13-01", "2023-00-10", "2023-01-00", "0000-01-01", "10000-01-01",
    "2023-02-29", "1900-02-29", "2023/03/10", "20230310", " 2023-03-10", "2023-03-10 ", "2023-03-10T00:00", "today",
    "-023-03-10", "infinity",
]
AMOUNTS = [
    "nan", "inf", "1e3", "23.005", "1,50", "+1", ".5", "5.", "12345678901.00", "", "-", "--1", "1.-5", "1.2.3", " 1",
    "1 ", "0x10", "1_000", "NaN", "-inf", "10000000000", "-10000000000.00", "٣",
]


@pytest.fixture
def untouched(program):
    """The program between a PostgreSQL and a Redis that must see no connection."""
    with Listener() as postgres, Listener() as cache:
        program.environment.update(
            PG_SERVICE_URI=f"postgresql://tester@127.0.0.1:{postgres.port}/defaultdb",
            REDIS_SERVICE_URI=f"redis://127.0.0.1:{cache.port}",
        )
        yield program
        assert (postgres.connections, cache.connections) == (0, 0)


def assert_refused(run):
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("ordercache: error: ")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["count", "ttl", "invalidate"])
@pytest.mark.parametrize("customer", CUSTOMERS)
def test_a_bad_customer_is_refused(untouched, command, customer):
    assert_refused(untouched(command, f"--customer={customer}"))


@pytest.mark.parametrize("customer", CUSTOMERS)
def test_a_bad_customer_of_an_order_is_refused(untouched, customer):
    assert_refused(untouched(*an_order(customer=customer)))


@pytest.mark.parametrize("date", DATES)
def test_a_bad_date_is_refused(untouched, date):
    assert_refused(untouched(*an_order(date=date)))


@pytest.mark.parametrize("amount", AMOUNTS)
def test_a_bad_net_is_refused(untouched, amount):
    assert_refused(untouched(*an_order(net=amount)))


@pytest.mark.parametrize("amount", AMOUNTS)
def test_a_bad_tax_is_refused(untouched, amount):
    assert_refused(untouched(*an_order(tax=amount)))


@pytest.mark.parametrize("net, tax", [("9999999999.99", "0.01"), ("-9999999999.99", "-0.01"), ("9999999999", "1")])
def test_a_total_that_does_not_fit_is_refused(untouched, net, tax):
    assert_refused(untouched(*an_order(net=net, tax=tax)))


@pytest.mark.parametrize("arguments", [("--no-cache",), ("--dry-run",), ("--json",)])
def test_a_bad_value_is_refused_in_every_kind_of_add(untouched, arguments):
    assert_refused(untouched(*an_order(net="nan"), *arguments))


@pytest.mark.parametrize("seconds", ["", "abc", "-1", "1e3", "0x10", "nan", "inf", "+1", "1 "])
def test_a_bad_timeout_is_refused(untouched, seconds):
    assert_refused(untouched("count", f"--timeout={seconds}"))


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
