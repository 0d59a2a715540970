"""What `invalidate --follow-sql` installs for a table of another shape, in which not every row is an order."""

import contextlib

import psycopg2
import pytest

from following import Counts, Follower, psql, run_script
from servers import wait_until

SHOP = """
    CREATE SCHEMA shop;
    CREATE TABLE shop.sale (
        id serial PRIMARY KEY, note text, status text, customer integer, data json, paid boolean, total numeric(12,2)
    );
    INSERT INTO shop.sale (status, customer) VALUES ('draft', 1), ('paid', 1), ('paid', 2), (NULL, 1), ('paid', NULL);
"""
SALES = {"ORDERS_TABLE": "shop.sale", "ORDERS_COLUMNS": "orderid=id customerid=customer", "ORDERS_WHERE": "status <> 'draft'"}


def sql(program, option="--follow-sql", **environment):
    run = program("invalidate", option, env={**SALES, **environment})
    assert (run.status, run.stderr) == (0, "")
    return run.stdout


@pytest.fixture
def shop(database):
    database.execute(SHOP)
    return database


@pytest.fixture
def followed(shop, program):
    run_script(shop, sql(program))
    return shop


def changes(database, schema="ordercache"):
    """The customers and the numbers of orders that were noted, and forgets them."""
    return sorted(
        database.rows(f"DELETE FROM {schema}.change WHERE NOT is_handled RETURNING customer, orders"),
        key=lambda change: (change[0] or "", change[1]),
    )


def told(database, kind, table="shop.sale", schema="ordercache"):
    rows = database.rows(f"SELECT * FROM {schema}.poll('{table}')")
    return [(subject, amount) for of, subject, amount in rows if of == kind]


@pytest.mark.parametrize("statement, noted", [
    ("INSERT INTO shop.sale (status, customer) VALUES ('draft', 7), (NULL, 7)", []),
    ("INSERT INTO shop.sale (status, customer) VALUES ('paid', 7), ('sent', NULL)", [(None, 1), ("7", 1)]),
    ("UPDATE shop.sale SET status = 'paid' WHERE status = 'draft'", [("1", 1)]),
    ("UPDATE shop.sale SET status = 'paid' WHERE status IS NULL", [("1", 1)]),
    ("UPDATE shop.sale SET status = 'draft' WHERE customer = 2", [("2", -1)]),
    ("UPDATE shop.sale SET status = NULL WHERE customer = 2", [("2", -1)]),
    ("UPDATE shop.sale SET status = 'sent' WHERE status = 'paid'", []),
    ("UPDATE shop.sale SET customer = 3 WHERE customer = 2", [("2", -1), ("3", 1)]),
    ("UPDATE shop.sale SET customer = 3, status = 'draft' WHERE customer = 2", [("2", -1)]),
    ("UPDATE shop.sale SET customer = 3 WHERE status = 'draft'", []),
    ("UPDATE shop.sale SET customer = 3 WHERE customer IS NULL", [(None, -1), ("3", 1)]),
    ("UPDATE shop.sale SET note = 'x', customer = customer, status = status", []),
    ("DELETE FROM shop.sale", [(None, -1), ("1", -1), ("2", -1)]),
])
def test_what_becomes_an_order_or_ceases_to_be_one_is_noted(followed, statement, noted):
    followed.execute(statement)
    assert changes(followed) == noted


def test_a_statement_that_changes_many_rows_notes_each(followed):
    followed.execute("INSERT INTO shop.sale (status, customer) SELECT 'draft', 10 + n % 10 FROM generate_series(1, 1000) AS n")
    assert changes(followed) == []
    followed.execute("UPDATE shop.sale SET status = 'paid' WHERE customer >= 10")
    [(_, total)] = told(followed, "transaction")
    assert total == 1000
    followed.execute("UPDATE shop.sale SET status = 'draft' WHERE customer >= 10")
    assert sorted(told(followed, "customer")) == [(str(customer), -100) for customer in range(10, 20)]


def test_savepoints_and_rollbacks_are_noted_as_they_end(followed):
    with contextlib.closing(followed.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; UPDATE shop.sale SET status = 'paid' WHERE status = 'draft'; SAVEPOINT s;"
                       "DELETE FROM shop.sale WHERE customer = 2; ROLLBACK TO s;"
                       "INSERT INTO shop.sale (status, customer) VALUES ('paid', 5); COMMIT;"
                       "BEGIN; DELETE FROM shop.sale; ROLLBACK")
    assert changes(followed) == [("1", 1), ("5", 1)]


def test_what_is_copied_in_is_noted(followed):
    run_script(followed, "COPY shop.sale (status, customer) FROM stdin;\ndraft\t5\npaid\t6\npaid\t\\N\n\\.\n")
    assert changes(followed) == [(None, 1), ("6", 1)]


def test_an_update_of_other_columns_runs_no_function(followed):
    followed.execute("CREATE OR REPLACE FUNCTION ordercache.note_change() RETURNS trigger LANGUAGE plpgsql AS"
                     " $$ BEGIN RAISE EXCEPTION 'it ran'; END $$")
    followed.execute("UPDATE shop.sale SET note = 'x', total = 1, status = status, customer = customer")
    for change in ("status = 'sent'", "customer = 77"):
        with pytest.raises(psycopg2.errors.RaiseException):
            followed.execute(f"UPDATE shop.sale SET {change}")


@pytest.mark.parametrize("condition, becomes, ceases", [
    ("status <> '$$ $body$ it''s' -- ) a comment", "status = 'x'", "status = NULL"),
    ("/* ) */ status IN ('sent',\n\t'paid')\n--", "status = 'sent'", "status = 'draft'"),
    ("sale.status = 'paid' AND NOT coalesce(sale.paid, false)", "status = 'paid'", "paid = true"),
    ("data->>'state' = 'done'", "data = '{\"state\": \"done\"}'", "data = '{}'"),
    ("paid", "paid = true", "paid = NULL"),
    ("(status = 'a') OR (status = 'b')", "status = 'b'", "status = 'c'"),
    ("total BETWEEN 1 AND 2 AND status IS NOT NULL", "status = 'x', total = 1.5", "total = 3"),
])
def test_a_condition_may_be_written_in_any_way(shop, program, condition, becomes, ceases):
    shop.execute("DELETE FROM shop.sale; INSERT INTO shop.sale (customer) VALUES (9)")
    run_script(shop, sql(program, ORDERS_WHERE=condition))
    shop.execute(f"UPDATE shop.sale SET {becomes}")
    assert changes(shop) == [("9", 1)]
    shop.execute("UPDATE shop.sale SET note = 'x'")
    assert changes(shop) == []
    shop.execute(f"UPDATE shop.sale SET {ceases}")
    assert changes(shop) == [("9", -1)]


@pytest.mark.parametrize("condition, why", [
    ("total > random()", "functions in index predicate must be marked IMMUTABLE"),
    ("EXISTS (SELECT FROM public.orders)", "cannot use subquery in index predicate"),
    ("count(*) > 1", "aggregate functions are not allowed"),
    ("statu = 'paid'", 'column "statu" does not exist'),
    ("status", "must be type boolean"),
    ("status = ", "syntax error"),
    ("true) OR (true", "syntax error"),
    ("true; DROP TABLE shop.sale", "syntax error"),
    ("true); DROP TABLE shop.sale; --", "syntax error"),
    ("true; SELECT 1 FROM shop.sale", "cannot open multi-query plan as cursor"),
    ("true ORDER BY status", "syntax error"),
    ("sale IS NOT NULL", "does not name the columns that it uses"),
    ("xmin::text <> '0'", "system columns is not supported"),
])
def test_a_condition_that_triggers_cannot_check_is_refused(shop, program, condition, why):
    run = psql(shop, sql(program, ORDERS_WHERE=condition))
    assert run.returncode != 0
    assert "ORDERS_WHERE cannot be followed" in run.stderr and why in run.stderr
    assert shop.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'ordercache%'") == 0
    assert shop.value("SELECT count(*) FROM shop.sale") == 5


def test_what_a_condition_names_is_found_by_the_search_path(shop, program):
    """The function runs with another search_path."""
    shop.execute("CREATE TYPE shop.state AS ENUM ('cart', 'sold'); ALTER TABLE shop.sale ADD state shop.state;"
                 "CREATE FUNCTION shop.is_sold(shop.state) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1 = 'sold' $$")
    run_script(shop, "SET search_path = shop;\n" + sql(
        program, ORDERS_TABLE="sale", ORDERS_WHERE="is_sold(state) AND state <> 'cart'::state"))
    shop.execute("UPDATE shop.sale SET state = 'sold' WHERE customer = 2")
    assert changes(shop) == [("2", 1)]
    shop.execute("UPDATE shop.sale SET state = 'cart' WHERE customer = 2")
    assert changes(shop) == [("2", -1)]


def test_names_may_need_quotes(database, program):
    database.execute('CREATE TABLE "my ""or-ders$$" (id int, "is the ""customer$$" int, "is_of" text, looked text)')
    environment = {
        "ORDERS_TABLE": '"my ""or-ders$$"', "ORDERS_COLUMNS": 'orderid=id customerid="is the ""customer$$"',
        "ORDERS_WHERE": "is_of = looked",
    }
    for _ in range(2):
        run_script(database, sql(program, **environment))
    database.execute("""INSERT INTO "my ""or-ders$$" VALUES (1, 5, 'a', 'b'), (2, 6, 'a', 'a')""")
    assert changes(database) == [("6", 1)]
    assert told(database, "missing", '"my ""or-ders$$"') == []


def test_a_partition_has_columns_in_another_order(database, program):
    database.execute("""
        CREATE TABLE sale (id int, status text, customer int) PARTITION BY RANGE (id);
        CREATE TABLE sale_1 (customer int, gone int, id int, status text);
        ALTER TABLE sale_1 DROP gone;
        ALTER TABLE sale ATTACH PARTITION sale_1 FOR VALUES FROM (1) TO (10)""")
    run_script(database, sql(program, ORDERS_TABLE="sale"))
    database.execute("CREATE TABLE sale_2 (status text, id int, customer int);"
                     "ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES FROM (10) TO (20)")
    database.execute("INSERT INTO sale VALUES (1, 'draft', 5), (2, 'paid', 6), (10, 'draft', 7), (11, 'paid', 8)")
    assert changes(database) == [("6", 1), ("8", 1)]
    database.execute("UPDATE sale SET status = 'paid'")
    assert changes(database) == [("5", 1), ("7", 1)]
    assert told(database, "missing", "sale") == []


def test_another_condition_replaces_the_former_one(followed, program):
    [(before, _)] = told(followed, "tables")
    run_script(followed, sql(program, ORDERS_WHERE="status = 'sent'"))
    assert told(followed, "tables")[0][0] != before
    followed.execute("INSERT INTO shop.sale (status, customer) VALUES ('paid', 5), ('sent', 6)")
    assert changes(followed) == [("6", 1)]


def test_the_customer_may_be_another_column(followed, program):
    run_script(followed, sql(program, ORDERS_COLUMNS="orderid=id customerid=total"))
    followed.execute("UPDATE shop.sale SET customer = 77; UPDATE shop.sale SET total = 5.00 WHERE customer = 77 AND id = 2")
    assert changes(followed) == [(None, -1), ("5", 1)]


def test_a_column_that_is_not_there_is_named(shop, program):
    run = psql(shop, sql(program, ORDERS_COLUMNS="customerid=custmer"))
    assert run.returncode != 0
    assert 'the table shop.sale has no column "custmer": see ORDERS_COLUMNS' in run.stderr


NO_CASE = "COLLATE no_case"
UUIDS = tuple(f"3f2504e0-4f89-11d3-9a0c-0305e82c330{number}" for number in range(3))
FORMS = {  # of customers whose keys differ, though the type of the column may take them for the same
    "uuid": UUIDS,
    "text": ("cus_1", "CUS_1", "cus_1 "),
    "citext": ("cus_1", "CUS_1", "cus_1 "),
    f"text {NO_CASE}": ("cus_1", "CUS_1", "cus_1 "),
    "char(8)": ("cus_1", "CUS_1", "cus_1 "),
}


@pytest.mark.parametrize("column_type", FORMS)
def test_no_cached_count_is_wrong_whatever_the_column_takes_for_the_same_customer(
    ordercache, database, cache, column_type,
):
    first, second, third = FORMS[column_type]
    database.execute("CREATE EXTENSION citext;"
                     "CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
                     "ALTER TABLE orders RENAME TO sale; ALTER TABLE sale DROP customerid;"
                     f"ALTER TABLE sale ADD customer {column_type};"
                     # of what the harness counts
                     "CREATE VIEW orders AS SELECT customer::text COLLATE \"C\" AS customerid FROM sale")
    ordercache.environment.update(
        ORDERS_TABLE="sale", ORDERS_COLUMNS="customerid=customer", ORDERS_CUSTOMER_TYPE="uuid" if first == UUIDS[0] else "text")
    run_script(database, ordercache("invalidate", "--follow-sql").stdout)
    Follower(ordercache)
    counts = Counts(cache, database)
    for change in (
        f"UPDATE sale SET customer = '{first}' WHERE orderid <= 3",
        f"INSERT INTO sale (orderdate, customer, netamount, tax, totalamount) VALUES (now(), '{second}', 1, 1, 2)",
        f"UPDATE sale SET customer = '{second}' WHERE orderid = 2; UPDATE sale SET customer = '{third}' WHERE orderid = 3",
        "UPDATE sale SET customer = upper(customer::text)" + "::uuid" * (column_type == "uuid"),
        f"DELETE FROM sale WHERE customer = '{first}'",
    ):
        assert ordercache("count", *(f"--customer={customer}" for customer in FORMS[column_type])).status == 0
        assert counts.wrong() == {}
        database.execute(change)
        wait_until(counts.are_handled, what="the end of the changes")
        assert counts.wrong() == {}


def test_a_condition_may_tell_apart_what_its_columns_type_takes_for_the_same(shop, program):
    shop.execute("CREATE EXTENSION citext; ALTER TABLE shop.sale ALTER status TYPE citext, ALTER total TYPE numeric")
    run_script(shop, sql(program, ORDERS_WHERE="status::text = 'paid' AND total::text <> '1.0'"))
    shop.execute("UPDATE shop.sale SET total = 1 WHERE customer = 2")
    assert changes(shop) == [("2", 1)]
    for change, orders in (("status = 'PAID'", -1), ("status = 'paid'", 1), ("total = 1.0", -1)):
        shop.execute(f"UPDATE shop.sale SET {change} WHERE customer = 2")
        assert changes(shop) == [("2", orders)]


SECOND = {"CACHE_KEY_PREFIX": "drafts", "ORDERS_WHERE": "status = 'draft'"}


def test_two_views_of_one_table_are_noted_side_by_side(followed, program):
    run_script(followed, sql(program, **SECOND))
    followed.execute("UPDATE shop.sale SET status = 'paid' WHERE status = 'draft'")
    assert changes(followed) == [("1", 1)]
    assert changes(followed, "ordercache_drafts") == [("1", -1)]
    for schema in ("ordercache", "ordercache_drafts"):
        assert told(followed, "missing", schema=schema) == told(followed, "stray", schema=schema) == []


def test_polls_of_two_views_do_not_exclude_each_other(followed, program):
    run_script(followed, sql(program, **SECOND))
    with contextlib.closing(followed.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; SELECT * FROM ordercache.poll('shop.sale')")
        assert told(followed, "busy", schema="ordercache_drafts") == []
        assert told(followed, "busy") != []


def test_one_of_two_views_is_taken_away(followed, program):
    run_script(followed, sql(program, **SECOND))
    run_script(followed, sql(program, "--follow-sql=remove"))
    followed.execute("UPDATE shop.sale SET status = 'paid' WHERE status = 'draft'")
    assert changes(followed, "ordercache_drafts") == [("1", -1)]
    assert followed.rows("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'ordercache')") == [("ordercache_drafts",)]
    run_script(followed, sql(program, "--follow-sql=remove", **SECOND))
    assert followed.value("SELECT count(*) FROM pg_trigger WHERE starts_with(tgname, 'ordercache')") == 0


def test_who_sees_to_one_view_is_noted_for_the_other(followed, program):
    run_script(followed, sql(program, **SECOND))
    with contextlib.closing(followed.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; SELECT set_config('ordercache.handled', 'ordercache_drafts ' || pg_current_xact_id(), true);"
                       "UPDATE shop.sale SET status = 'paid' WHERE status = 'draft'; COMMIT")
    assert changes(followed) == [("1", 1)]
    assert changes(followed, "ordercache_drafts") == []


def test_a_writer_of_version_1_1_is_known_to_see_to_the_cache(followed):
    with contextlib.closing(followed.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; SELECT set_config('ordercache.handled', pg_current_xact_id()::text, true);"
                       "INSERT INTO shop.sale (status, customer) VALUES ('paid', 5); COMMIT")
    assert told(followed, "transaction") == told(followed, "customer") == []


VERSION_2 = """
    CREATE SCHEMA ordercache;
    CREATE UNLOGGED TABLE ordercache.change (transaction xid8 NOT NULL, customer integer, orders smallint NOT NULL);
    CREATE UNLOGGED TABLE ordercache.follower (token text NOT NULL);
    CREATE FUNCTION ordercache.version() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2';
    CREATE FUNCTION ordercache.is_full() RETURNS boolean LANGUAGE sql AS 'SELECT false';
    CREATE FUNCTION ordercache.poll(counted regclass) RETURNS TABLE (kind text, subject text, amount bigint)
        LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$;
    CREATE FUNCTION ordercache.note_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO ordercache.change VALUES (pg_current_xact_id(), 1, 1); RETURN NULL; END $$;
    CREATE TRIGGER ordercache_insert AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION ordercache.note_change();
    CREATE TRIGGER ordercache_delete AFTER DELETE ON orders FOR EACH ROW EXECUTE FUNCTION ordercache.note_change();
    CREATE TRIGGER ordercache_update AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION ordercache.note_change();
"""


def test_what_version_1_1_installed_is_replaced(database, program):
    database.execute(VERSION_2)
    run = program("invalidate", "--follow-sql")
    run_script(database, run.stdout)
    assert database.value("SELECT ordercache.version()") == 4
    database.execute("INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount) VALUES ('2004-01-01', 7, 1, 1, 2)")
    assert changes(database) == [("7", 1)]
    assert told(database, "missing", "orders") == []
    run_script(database, program("invalidate", "--follow-sql=remove").stdout)
    assert database.value("SELECT count(*) FROM pg_trigger WHERE starts_with(tgname, 'ordercache')") == 0
