"""The manual's sections about shops: the variables in each make the program count that shop's orders."""

import pytest

from documents import examples
from following import Follower, install
from orders import an_order
from servers import wait_until
from shops import SHOPS
from sourcing import variables_of

SOON = 10
ADDED = {"Saleor": "12.50", "Solidus and Spree": "12.50", "Vendure": "12", "Odoo": "12.50", "DVD Store": "12.50"}


@pytest.fixture(params=SHOPS, ids=lambda name: name.partition(" ")[0])
def name(request):
    return request.param


@pytest.fixture
def shop(name, ordercache, database):
    """The shop with orders and carts of two customers and of guests; the program has the manual's variables."""
    shop = SHOPS[name]
    shop.create(database)
    ordercache.environment.update(variables_of(examples(name)[0]))
    one, other = shop.customers
    guests = [None] if shop.has_guests else []
    for number, customer in enumerate([one, other, *guests], 1):
        database.execute(shop.insert(customer, shop.order, number))
        if shop.cart:
            database.execute(shop.insert(customer, shop.cart, 3))
    return shop


class Counts:
    """What the program counts, beside what is true."""

    def __init__(self, ordercache, database, cache, shop):
        self.ordercache, self.database, self.cache, self.shop = ordercache, database, cache, shop
        self.prefix = ordercache.environment.get("CACHE_KEY_PREFIX", "num_orders")

    def counted(self):
        runs = [self.ordercache("count"), *(self.ordercache("count", "--customer", one) for one in self.shop.customers)]
        assert [run.status for run in runs] == [0] * 3
        return [int(run.stdout) for run in runs]

    def true(self):
        return [self.shop.truth(self.database, customer) for customer in (None, *self.shop.customers)]

    def are_cached(self):
        return all(self.cache.exists(f"{self.prefix}:{customer}") for customer in ("all", *self.shop.customers))

    def change(self, statement):
        """Runs it, and waits until the counts are true again, which it must change."""
        before = self.counted()
        self.database.execute(statement)
        assert self.true() != before
        wait_until(lambda: self.counted() == self.true(), seconds=SOON, what=f"the counts after {statement}")


@pytest.fixture
def counts(ordercache, database, cache, shop):
    return Counts(ordercache, database, cache, shop)


def test_the_shop_s_orders_are_counted_and_cached(counts):
    assert counts.counted() == counts.true()
    assert counts.are_cached()
    assert counts.counted() == counts.true()


def test_the_shop_s_counts_are_dropped_and_live_for_a_time(counts, ordercache, shop):
    one, other = shop.customers
    counts.counted()
    assert ordercache("ttl", "--customer", one).stdout.strip() in ("119", "120")
    assert ordercache("invalidate", "--customer", one).stdout == "2\n"
    assert ordercache("ttl", "--customer", one).status == 1
    assert ordercache("ttl", "--customer", other).status == 0
    assert ordercache("invalidate").stdout == "1\n"


def test_the_shop_s_stale_counts_are_found(counts, ordercache, cache, shop):
    counts.counted()
    for counted in ("all", shop.customers[0]):
        cache.set(f"{counts.prefix}:{counted}", 12345, ex=60)
    assert ordercache("invalidate", "--stale").stdout == "2\n"
    assert counts.counted() == counts.true()
    assert ordercache("invalidate", "--stale").stdout == "0\n"


def test_the_shop_is_followed(counts, ordercache, database, shop):
    install(ordercache, database)
    Follower(ordercache)
    one, other = shop.customers
    counts.change(shop.insert(one, shop.order))
    if shop.cart:
        counts.change(shop.update(one, shop.cart))
        counts.change(shop.update(one, shop.order))
    if shop.has_guests:
        counts.change(shop.insert(None, shop.order))
        counts.change(shop.move(other, one))
    counts.change(shop.delete(one))


@pytest.mark.parametrize("name", ADDED)
def test_an_order_is_added_to_the_shop(counts, ordercache, database, shop, name):
    before = counts.counted()
    run = ordercache(*an_order(customer=shop.customers[0], net="10", tax="2.50" if ADDED[name] == "12.50" else "2"))
    assert (run.status, run.stderr) == (0, "")
    assert database.value(f"SELECT count(*) FROM {shop.table} WHERE {shop.key}::text = %s", run.stdout.strip()) == 1
    assert database.value(
        f"SELECT {shop.amounts[-1]}::numeric(12,2)::text FROM {shop.table} WHERE {shop.key}::text = %s",
        run.stdout.strip(),
    ) in (ADDED[name], f"{ADDED[name]}.00")
    assert counts.counted() == counts.true()
    assert counts.true() in (before, [before[0] + 1, before[1] + 1, before[2]])
