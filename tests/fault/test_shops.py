"""Shops whose tables hold carts too: a crowd of other programs writes, a follower keeps the cache, and whenever the last
change is handled no cached count is wrong."""

import contextlib
import random
import subprocess
import threading
import time

import pytest

from documents import examples
from following import Counts, Follower, install
from servers import wait_until
from shops import SHOPS
from sourcing import variables_of

WITH_CARTS = [name for name, shop in SHOPS.items() if shop.cart]
CUSTOMERS = 40
LEAST_CHECKED = 500


class Outsider:
    """An object-relational mapper or psql: it reads, changes rows by their ids, and often thinks better of it."""

    def __init__(self, database, shop, customers, seed):
        self.database, self.shop, self.customers = database, shop, customers
        self.chance = random.Random(seed)
        self.changes = 0

    def write_until(self, end):
        with contextlib.closing(self.database.connect()) as connection:
            while time.monotonic() < end:
                statements = self._transaction()
                with connection.cursor() as cursor:
                    cursor.execute("; ".join(["BEGIN", *statements, self.chance.choice(["COMMIT"] * 4 + ["ROLLBACK"])]))
                self.changes += 1
                time.sleep(self.chance.uniform(0, 0.01))

    def write_by_psql_until(self, end):
        while time.monotonic() < end:
            sql = "; ".join(["BEGIN", *self._transaction(), "COMMIT;"])
            subprocess.run(
                ["psql", "--no-psqlrc", "-q", "-v", "ON_ERROR_STOP=1", self.database.postgres.uri(self.database.name)],
                input=sql, check=True, text=True, stdout=subprocess.DEVNULL,
            )
            self.changes += 1

    def _transaction(self):
        return [each for _ in range(self.chance.randint(1, 3)) for each in self.chance.choice([
            self._place, self._place, self._reopen, self._buy, self._drop, self._delete, self._move, self._bulk, self._retry,
        ])()]

    def _some(self, number=1):
        """A condition on the ids of some rows; rows that others have locked are passed over, so that nobody waits for long."""
        return (
            f"{self.shop.key} IN (SELECT {self.shop.key} FROM {self.shop.table} WHERE {self.shop.customer} = '{self._customer()}'"
            f" LIMIT {number} FOR UPDATE SKIP LOCKED)"
        )

    def _customer(self):
        return self.chance.choice(self.customers)

    def _set(self, values, number=1):
        return [self.shop.update_where(self._some(number), values)]

    def _place(self):
        return self._set(self.shop.order)

    def _reopen(self):
        return self._set(self.shop.cart)

    def _buy(self):
        customer = self.chance.choice([self._customer(), None]) if self.shop.has_guests else self._customer()
        return [self.shop.insert(customer, self.chance.choice([self.shop.order, self.shop.cart]), self.chance.randint(1, 3))]

    def _drop(self):
        return [self.shop.insert(self._customer(), self.shop.order), *self._delete()]

    def _delete(self):
        return [f"DELETE FROM {self.shop.table} WHERE {self._some()}"]

    def _move(self):
        return self._set({self.shop.customer: f"'{self._customer()}'"})

    def _bulk(self):
        return self._set(self.chance.choice([self.shop.order, self.shop.cart]), 1000) if self.chance.random() < 0.2 else []

    def _retry(self):
        return ["SAVEPOINT a", *self._buy(), "ROLLBACK TO a", *self._place()]


def customers_of(shop):
    """Names of that shop's kind."""
    first = shop.customers[0]
    return [first[:-2] + f"{number:02}" if not first.isdigit() else str(1000 + number) for number in range(CUSTOMERS)]


@pytest.fixture(params=WITH_CARTS, ids=lambda name: name.partition(" ")[0])
def shop(request, ordercache, database):
    shop = SHOPS[request.param]
    shop.create(database)
    ordercache.environment.update(variables_of(examples(request.param)[0]))
    for customer in customers_of(shop):
        database.execute(shop.insert(customer, shop.order, 5))
        database.execute(shop.insert(customer, shop.cart, 5))
    database.execute(shop.insert(customers_of(shop)[0], shop.cart, 1000))
    install(ordercache, database)
    return shop


def test_no_cached_count_is_wrong_after_a_crowd_of_writers(shop, ordercache, database, cache, full, record_property):
    customers = customers_of(shop)
    counts = Counts(cache, database, f"{shop.table} WHERE {shop.is_order}", shop.customer)
    Follower(ordercache)
    outsiders = [Outsider(database, shop, customers, seed) for seed in range(3)]
    checked, begin = 0, time.monotonic()
    while checked < LEAST_CHECKED or (full and time.monotonic() < begin + 30):
        checked += round_of(ordercache, counts, outsiders, customers)
    record_property("changes beside which no cached count of a shop was wrong", sum(each.changes for each in outsiders))
    record_property("cached counts of a shop that were compared", checked)


def round_of(ordercache, counts, outsiders, customers):
    """Writers and readers for a moment, and then the comparison: returns how many cached counts it compared."""
    end = time.monotonic() + 1
    threads = [threading.Thread(target=each.write_until, args=(end,)) for each in outsiders[1:]]
    threads.append(threading.Thread(target=outsiders[0].write_by_psql_until, args=(end,)))
    for thread in threads:
        thread.start()
    asked = "\n".join(customers) + "\n"
    while any(thread.is_alive() for thread in threads):
        for arguments in (["count"], ["count", "--customers-from", "-"]):
            run = ordercache(*arguments, stdin=asked)
            assert (run.status, run.stderr) == (0, "")
    for thread in threads:
        thread.join()
    wait_until(counts.are_handled, what="the end of the changes")
    compared = compare(counts)
    ordercache("count")
    ordercache("count", "--customers-from", "-", stdin=asked)
    return compared + compare(counts)


def compare(counts):
    """Returns how many cached counts there are."""
    assert counts.wrong() == {}
    return len(counts.cached())
