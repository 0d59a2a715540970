"""Views of orders: a table of any name and columns, a condition for what an order is, and customers of any kind."""

import csv
import io
import uuid

import pytest

from keys import values
from orders import an_order
from peers import Proxy, after_the_server_committed, before_the_server_heard
from servers import wait_until

SHOP = """
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('cart', 'paid', 'sent');
CREATE TABLE shop."Order" (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "placedAt" timestamptz DEFAULT now(),
    "customerId" {type},
    state shop.state DEFAULT 'cart',
    total numeric(12, 2)
);
"""
SHOPS_VIEW = {
    "ORDERS_TABLE": 'shop."Order"',
    "ORDERS_COLUMNS": 'orderid=id,customerid="customerId" orderdate="placedAt",totalamount=total,netamount=,tax=',
    "ORDERS_WHERE": "state <> 'cart' -- what is paid",
}
UUIDS = [str(uuid.UUID(int=number)) for number in (0xA, 0xB, 0xC)]
CUSTOMERS = [
    ("integer", "integer", ["1", "2147483647", "3"]),
    ("smallint", "integer", ["1", "2", "3"]),
    ("bigint", "integer", ["2147483648", str(2**63 - 1), "7"]),
    ("numeric", "integer", ["2147483648", "2", "3"]),
    ("uuid", "uuid", UUIDS),
    ("text", "text", ["cus_1", "10", 'a "b", \\c']),
    ("varchar(20)", "text", ["cus_1", "null", "ä ö"]),
    ("char(8)", "text", ["ALFKI", "BLONP", "C"]),
    ("shop.state", "text", ["sent", "paid", "cart"]),
]


@pytest.fixture
def shop(ordercache, database):
    """Makes the shop's table, with that type of customers: two orders of the first one, one of the second and of nobody,
    and a cart of each."""
    def create(column_type, customer_type, customers):
        database.execute(SHOP.format(type=column_type))
        for state, customer in [
            ("paid", customers[0]), ("sent", customers[0]), ("paid", customers[1]), ("paid", None),
            *(("cart", customer) for customer in [*customers, None]),
        ]:
            database.execute('INSERT INTO shop."Order" ("customerId", state) VALUES (%s, %s)', customer, state)
        ordercache.environment.update(SHOPS_VIEW, ORDERS_CUSTOMER_TYPE=customer_type)
        return customers
    return create


@pytest.fixture
def text_shop(shop):
    return shop("text", "text", ["cus_1", "cus_2", "cus_3"])


def makes_orders(database):
    database.execute("""ALTER TABLE shop."Order" ALTER state SET DEFAULT 'paid'""")


def counts(ordercache, *customers, arguments=()):
    asked = [f"--customer={customer}" for customer in customers]
    run = ordercache("count", *asked, *arguments)
    assert (run.status, run.stderr) == (0, "")
    return [int(line.rpartition("\t")[2]) for line in run.stdout.splitlines()]


def is_refused(run, *texts):
    assert (run.status, run.stdout) == (2, ""), run.stderr
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
    assert all(text in run.stderr for text in texts), run.stderr


@pytest.mark.parametrize("column_type, customer_type, customers", CUSTOMERS, ids=[case[0] for case in CUSTOMERS])
def test_orders_are_counted_cached_and_added_whatever_a_customer_is(
    ordercache, database, cache, shop, column_type, customer_type, customers,
):
    shop(column_type, customer_type, customers)
    makes_orders(database)
    assert counts(ordercache) == [4]
    for customer, count in zip(customers, (2, 1, 0)):
        assert counts(ordercache, customer) == [count]
    assert counts(ordercache, *customers, arguments=["--refresh"]) == [2, 1, 0]
    assert sorted(values(cache)) == sorted(["num_orders:all", *(f"num_orders:{customer}" for customer in customers)])
    assert ordercache("invalidate", "--stale").stdout == "0\n"
    run = ordercache(*an_order(customer=customers[0]))
    assert run.status == 0, run.stderr
    assert sorted(values(cache)) == sorted(["num_orders:all", *(f"num_orders:{customer}" for customer in customers[1:])])
    assert counts(ordercache) == [5] and counts(ordercache, *customers) == [3, 1, 0]
    [row] = database.rows('SELECT total::text, "placedAt"::date::text FROM shop."Order" WHERE id = %s', run.stdout.strip())
    assert row == ("24.80", "2023-03-10")
    assert ordercache("invalidate", "--stale").stdout == "0\n"
    database.execute("""UPDATE shop."Order" SET state = 'cart' WHERE "customerId" = %s""", customers[1])
    assert ordercache("invalidate", "--stale").stdout == "2\n"


@pytest.mark.parametrize("text", ["ALFKI ", "alfki", "ALFK"])
def test_only_the_text_itself_is_the_customer(ordercache, shop, text):
    shop("char(8)", "text", ["ALFKI", "BLONP", "C"])
    assert counts(ordercache, text) == [0]
    assert counts(ordercache, text, "ALFKI", arguments=["--no-cache"]) == [0, 2]


def test_a_text_that_is_no_label_of_an_enum_has_no_orders(ordercache, shop):
    shop("shop.state", "text", ["sent", "paid", "cart"])
    assert counts(ordercache, "lost") == [0]
    assert counts(ordercache, "lost", "sent") == [0, 2]


@pytest.mark.parametrize("column_type, customer", [
    ("text", "cus_1"), ("varchar(20)", "cus_1"), ("char(8)", "ALFKI"), ("shop.state", "sent"), ("uuid", UUIDS[0]),
])
def test_an_index_on_the_customers_is_used(ordercache, database, shop, column_type, customer):
    shop(column_type, "uuid" if column_type == "uuid" else "text", [customer] * 3)
    database.execute('CREATE INDEX by_customer ON shop."Order" ("customerId")')
    database.execute(f"ALTER DATABASE {database.name} SET enable_seqscan = off")
    assert counts(ordercache, customer) == [3]
    scans = "SELECT pg_stat_get_numscans('shop.by_customer'::regclass)"  # told when the session has ended
    wait_until(lambda: database.value(scans) > 0, what="a scan of the index")


def test_an_order_that_does_not_count_is_added_and_changes_no_count(ordercache, database, cache, text_shop):
    assert counts(ordercache) == [4] and counts(ordercache, "cus_1") == [2]
    run = ordercache(*an_order(customer="cus_1"), "-v")
    assert run.status == 0
    assert "Clearing" not in run.stderr
    assert sorted(values(cache)) == ["num_orders:all", "num_orders:cus_1"]
    assert database.value('SELECT count(*) FROM shop."Order" WHERE id = %s', run.stdout.strip()) == 1
    assert counts(ordercache, arguments=["--refresh"]) == [4]


def test_an_order_that_does_not_count_takes_no_lock(ordercache, database, postgres, cache, text_shop):
    seen = []

    def look(_proxy, _client, server, message):
        seen.extend(database.rows("SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory'"))
        server.sendall(message)

    for takes_lock in (False, True):
        with Proxy(postgres.service_port, trigger=b"COMMIT\0", act=look) as proxy:
            run = ordercache(*an_order(customer="cus_1"), env={"PG_SERVICE_URI": postgres.uri(port=proxy.port)})
            assert run.status == 0 and proxy.triggered
        assert bool(seen) == takes_lock
        makes_orders(database)


def test_of_a_file_the_orders_that_count_change_counts(ordercache, database, cache, text_shop):
    database.execute("""
        ALTER TABLE shop."Order" DROP COLUMN state;
        ALTER TABLE shop."Order" ADD state shop.state GENERATED ALWAYS AS
            (CASE WHEN total > 10 THEN 'paid'::shop.state ELSE 'cart'::shop.state END) STORED;
    """)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["date", "customer", "net", "tax"])
    for number in range(12000):
        writer.writerow(["2023-03-10", ["cus_1", "cus_2", 'say "no", \\'][number % 3], [1, 20][number % 2], 0])
    assert counts(ordercache) == [0] and counts(ordercache, "cus_1", "cus_2", "cus_3") == [0, 0, 0]
    run = ordercache("add", "--from", "-", stdin=file.getvalue())
    assert (run.status, run.stdout) == (0, "12000\n"), run.stderr
    assert sorted(values(cache)) == ["num_orders:all", "num_orders:cus_3"]
    assert counts(ordercache) == [6000]
    assert counts(ordercache, "cus_1", "cus_2", 'say "no", \\') == [2000, 2000, 2000]
    assert ordercache("invalidate", "--stale").stdout == "0\n"


def test_a_file_in_which_nothing_counts_leaves_the_cache_alone(ordercache, cache, text_shop):
    assert counts(ordercache) == [4] and counts(ordercache, "cus_1") == [2]
    rows = "date,customer,net,tax\n" + "2023-03-10,cus_1,1,0\n" * 3
    run = ordercache("add", "--from", "-", "-v", stdin=rows)
    assert (run.status, run.stdout) == (0, "3\n") and "Clearing" not in run.stderr
    assert sorted(values(cache)) == ["num_orders:all", "num_orders:cus_1"]
    assert ordercache("invalidate", "--stale").stdout == "0\n"


@pytest.mark.parametrize("condition, count", [
    ("state IN ('paid', 'sent')", 4), ("(state = 'sent') OR (total > 5)", 1), ("total > 5", 0), ("NULL", 0), ("true", 8),
    ("state = 'sent' -- DROP TABLE x", 1), ("state /* ) */ = 'sent'", 1), ("state::text <> ')'\n", 8),
    ("\"Order\".state = 'sent'", 1), ("state <> 'cart' AND \"customerId\" IS NULL", 1),
    ("EXISTS (SELECT FROM generate_series(1, 2))", 8),
])
def test_a_condition_says_which_rows_are_orders(ordercache, text_shop, condition, count):
    ordercache.environment["ORDERS_WHERE"] = condition
    assert counts(ordercache) == [count]
    assert ordercache(*an_order(customer="cus_1")).status == 0


BATCH = "date,customer,net,tax\n" + "2023-03-10,5,1,1\n" * 2


def commands(customer="5"):
    """What reaches PostgreSQL. Standard input has BATCH, for the last one."""
    return ["count"], ["count", f"--customer={customer}"], an_order(customer=customer), ["add", "--from=-"]


@pytest.mark.parametrize("condition", [
    "true) OR (true", "true; DROP TABLE shop.\"Order\"", "true); DROP TABLE shop.\"Order\"; SELECT (true", "state =", "total",
    "nothing = 1", "/* open", "'open", "true GROUP BY state", "count(*) > 1", "no_such(state)", "$$", "state = 'lost'",
    "EXISTS (SELECT FROM nothing)", "1 / (total IS NULL)::int::numeric * 0 + 1 / 0 > 0", "\\", "total > $1",
    "true LIMIT 1 --", "true UNION SELECT NULL, NULL", " ", "--",
])
def test_a_condition_that_postgresql_refuses_is_2(ordercache, database, cache, text_shop, condition):
    ordercache.environment["ORDERS_WHERE"] = condition
    for command in commands():
        is_refused(ordercache(*command, stdin=BATCH), "ORDERS_WHERE")
    assert database.value('SELECT count(*) FROM shop."Order"') == 8
    assert values(cache) == []


def test_a_condition_that_fails_for_a_row_is_2(ordercache, cache, text_shop):
    ordercache.environment["ORDERS_WHERE"] = "1 / (total IS NOT NULL)::int > 0"
    for command in commands("cus_1")[:2]:
        is_refused(ordercache(*command), "ORDERS_WHERE", "division by zero")


@pytest.mark.parametrize("table, texts", [
    ('shop."order"', ["shop.order", "ORDERS_TABLE"]), ('"Order"', ["Order", "ORDERS_TABLE"]),
    ("nowhere.orders", ["nowhere.orders", "ORDERS_TABLE"]), ("shop.orders.x", ["ORDERS_TABLE: "]),
    ("shop.Order;", ["ORDERS_TABLE: "]), ('"open', ["ORDERS_TABLE: "]),
])
def test_a_table_that_is_not_there_is_2(ordercache, cache, table, texts):
    for view in ({}, {"ORDERS_CUSTOMER_TYPE": "text", "ORDERS_WHERE": "true"}):
        for command in commands():
            is_refused(ordercache(*command, stdin=BATCH, env={**view, "ORDERS_TABLE": table}), *texts)
    assert values(cache) == []


@pytest.mark.parametrize("columns, commands", [
    ("customerid=kunde", "count add"), ("orderid=nr,customerid=\"customerId\"", "add"),
    ("orderid=id customerid=\"customerId\"", "add"), ("orderid=id,netamount=", "count add"),
    ("orderid=id,customerid=\"customerId\",orderdate=\"placedAt\",netamount=total,tax=total,totalamount=total", "add"),
])
def test_a_column_that_is_not_there_is_2(ordercache, database, cache, text_shop, columns, commands):
    ordercache.environment["ORDERS_COLUMNS"] = columns
    if "count" in commands:
        is_refused(ordercache("count", "--customer=cus_1"), "ORDERS_COLUMNS")
    is_refused(ordercache(*an_order(customer="cus_1")), "ORDERS_COLUMNS")
    assert database.value('SELECT count(*) FROM shop."Order"') == 8


@pytest.mark.parametrize("column_type, customer_type, right, customer", [
    ("text", "integer", "text", "5"), ("varchar(20)", "integer", "text", "5"), ("uuid", "integer", "uuid", "5"),
    ("shop.state", "integer", "text", "5"), ("integer", "text", "integer", "010"), ("bigint", "uuid", "integer", UUIDS[0]),
    ("uuid", "text", "uuid", UUIDS[0]), ("text", "uuid", "text", UUIDS[0]),
])
def test_customers_of_another_kind_are_2_and_the_right_word_is_told(
    ordercache, database, cache, column_type, customer_type, right, customer,
):
    database.execute(SHOP.format(type=column_type))
    ordercache.environment.update(SHOPS_VIEW, ORDERS_CUSTOMER_TYPE=customer_type)
    for condition in ("", SHOPS_VIEW["ORDERS_WHERE"]):
        ordercache.environment["ORDERS_WHERE"] = condition
        for command in commands(customer)[1:]:
            run = ordercache(*command, stdin=BATCH.replace(",5,", f",{customer},"))
            is_refused(run, "customerId", f"set ORDERS_CUSTOMER_TYPE={right}")
    assert database.value('SELECT count(*) FROM shop."Order"') == 0
    assert values(cache) == []


def test_a_column_that_no_customer_fits_is_2(ordercache, database):
    database.execute(SHOP.format(type="boolean"))
    ordercache.environment.update(SHOPS_VIEW)
    is_refused(ordercache("count", "--customer=1"), "customerId", "boolean", "ORDERS_COLUMNS")


def test_a_table_that_wants_more_columns_rejects_the_order(ordercache, database, text_shop):
    database.execute("""ALTER TABLE shop."Order" ADD email text NOT NULL DEFAULT ''""")
    database.execute('ALTER TABLE shop."Order" ALTER email DROP DEFAULT')
    run = ordercache(*an_order(customer="cus_1"))
    assert (run.status, run.stdout) == (1, "")
    assert 'null value in column "email"' in run.stderr


def test_a_customer_that_does_not_exist_is_told_by_the_views_column(ordercache, database, text_shop):
    database.execute("""
        CREATE TABLE shop.customer (id text PRIMARY KEY);
        INSERT INTO shop.customer VALUES ('cus_1'), ('cus_2'), ('cus_3');
        ALTER TABLE shop."Order" ADD FOREIGN KEY ("customerId") REFERENCES shop.customer;
    """)
    run = ordercache(*an_order(customer="cus_9"))
    assert (run.status, run.stdout) == (1, "")
    assert "rejected: customer cus_9 does not exist" in run.stderr


def test_a_customer_that_a_trigger_changes_is_the_one_whose_count_is_dropped(ordercache, database, cache, text_shop):
    makes_orders(database)
    database.execute("""
        CREATE FUNCTION shop.to_another() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW."customerId" := 'cus_2'; RETURN NEW; END $$;
        CREATE TRIGGER to_another BEFORE INSERT ON shop."Order" FOR EACH ROW EXECUTE FUNCTION shop.to_another();
    """)
    assert counts(ordercache, "cus_1", "cus_2") == [2, 1]
    assert ordercache(*an_order(customer="cus_1")).status == 0
    assert counts(ordercache, "cus_1", "cus_2") == [2, 2]


def test_a_view_of_sql_is_a_view_of_orders(ordercache, database, text_shop):
    database.execute("""CREATE VIEW paid AS SELECT * FROM shop."Order" WHERE state = 'paid'""")
    ordercache.environment.update(ORDERS_TABLE="paid", ORDERS_WHERE="")
    assert counts(ordercache) == [3]
    assert ordercache(*an_order(customer="cus_1")).status == 0


def test_a_cached_count_is_hidden_while_an_add_of_a_text_customer_commits(ordercache, database, cache, postgres, text_shop):
    """The reader's probe finds the writer's lock, whose key is a hash."""
    makes_orders(database)
    with postgres.setting("synchronous_standby_names", "nobody"):
        client = ordercache.start(*an_order(customer="cus_1"))
        database.wait_for_commit()
        client.kill()
        client.wait()
        assert counts(ordercache, "cus_1") == [2] and counts(ordercache, "cus_2") == [1]
        assert values(cache) == ["num_orders:cus_2"]
        database.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = %s AND wait_event = 'SyncRep'",
            database.name,
        )
        database.wait_for_no_activity("commit")
    assert counts(ordercache, "cus_1") == [3]


@pytest.mark.parametrize("act, status, orders", [(before_the_server_heard, 3, 0), (after_the_server_committed, 0, 1)])
def test_the_outcome_of_a_commit_is_learnt_from_the_views_table(
    ordercache, database, postgres, text_shop, act, status, orders,
):
    makes_orders(database)
    assert counts(ordercache) == [4]
    with Proxy(postgres.service_port, trigger=b"COMMIT\0", act=act) as proxy:
        run = ordercache(*an_order(customer="cus_1"), env={"PG_SERVICE_URI": postgres.uri(port=proxy.port)})
        assert proxy.triggered
    assert run.status == status, run.stderr
    assert database.value('SELECT count(*) FROM shop."Order"') == 8 + orders
    assert counts(ordercache) == [4 + orders]
    assert ordercache("invalidate", "--stale").stdout == "0\n"


def test_an_outcome_in_doubt_names_the_views_table(ordercache, database, postgres, text_shop):
    def act_and_refuse(proxy, *conversation):
        proxy.refusing = True
        after_the_server_committed(proxy, *conversation)

    with Proxy(postgres.service_port, trigger=b"COMMIT\0", act=act_and_refuse) as proxy:
        run = ordercache(*an_order(customer="cus_1"), "--timeout=3", env={"PG_SERVICE_URI": postgres.uri(port=proxy.port)})
    assert (run.status, run.stdout) == (5, "")
    sql = run.stderr.partition(": SELECT ")[2].strip()
    assert sql
    [row] = database.rows("SELECT " + sql)
    assert row[2] == "cus_1"
