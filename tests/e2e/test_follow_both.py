"""Two views of one table, each with its follower."""

import pytest

from following import INSERT, Follower, install
from orders import an_order
from servers import wait_until

OTHER = {"CACHE_KEY_PREFIX": "large", "ORDERS_WHERE": "netamount >= 100"}


class Both:
    """The program, as it sees each of the two views."""

    def __init__(self, ordercache, database):
        self.ordercache, self.database = ordercache, database

    def counts(self):
        return [int(self.ordercache("count", *scope, env=view).stdout)
                for view in ({}, OTHER) for scope in ((), ("--customer=9999",))]

    def truth(self):
        [row] = self.database.rows("""
            SELECT count(*), count(*) FILTER (WHERE customerid = 9999), count(*) FILTER (WHERE netamount >= 100),
                   count(*) FILTER (WHERE customerid = 9999 AND netamount >= 100) FROM orders""")
        return list(row)

    def become_true(self):
        wait_until(lambda: self.counts() == self.truth(), seconds=20, what="the counts of both views")


@pytest.fixture
def both(ordercache, database):
    install(ordercache, database)
    setup = ordercache("invalidate", "--follow-sql", env=OTHER)
    database.execute(setup.stdout)
    Follower(ordercache)
    Follower(ordercache, **OTHER)
    both = Both(ordercache, database)
    both.become_true()
    return both


@pytest.mark.parametrize("view", [{}, OTHER])
def test_what_is_added_by_way_of_one_view_is_in_both(both, view):
    for net in ("100.00", "23.00"):
        run = both.ordercache(*an_order(net=net), env=view)
        assert (run.status, run.stderr) == (0, "")
        both.become_true()
    assert both.database.value("SELECT count(*) FROM orders") == 12002


def test_what_others_write_is_in_both(both):
    for statement in (INSERT.format(9999), "UPDATE orders SET netamount = 100 WHERE customerid = 9999",
                      "UPDATE orders SET customerid = 9999 WHERE orderid <= 10", "DELETE FROM orders WHERE customerid = 9999"):
        both.database.execute(statement)
        both.become_true()


def test_who_adds_sees_to_the_own_view_alone(both):
    """A follower that heard of such an order too would count it twice."""
    both.database.execute("CREATE TABLE heard (schema text, orders bigint)")
    for schema in ("ordercache", "ordercache_large"):
        both.database.execute(f"""
            CREATE FUNCTION {schema}.hear() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN INSERT INTO public.heard VALUES ('{schema}', NEW.orders); RETURN NULL; END $$;
            CREATE TRIGGER hear AFTER INSERT ON {schema}.change FOR EACH ROW WHEN (NOT NEW.is_handled)
                EXECUTE FUNCTION {schema}.hear()""")
    assert both.ordercache(*an_order(net="100.00"), env=OTHER).status == 0
    assert both.database.rows("SELECT * FROM heard") == [("ordercache", 1)]
    both.become_true()
