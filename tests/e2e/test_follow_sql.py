"""What `invalidate --follow-sql` installs: every change of the table orders that others make is noted down, once."""

import contextlib

import psycopg2
import pytest

from following import psql, run_script
from servers import USER

SAMPLE = "INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount) "
PARTITIONED = """
    DROP TABLE orders CASCADE;
    CREATE TABLE orders (
        orderid serial, orderdate date NOT NULL, customerid bigint, netamount numeric(12,2) NOT NULL,
        tax numeric(12,2) NOT NULL, totalamount numeric(12,2) NOT NULL
    ) PARTITION BY RANGE (orderdate);
    CREATE TABLE orders_2004 PARTITION OF orders FOR VALUES FROM ('2004-01-01') TO ('2005-01-01');
"""
NEW_PARTITION = """
    CREATE TABLE orders_2005 (LIKE orders);
    ALTER TABLE orders ATTACH PARTITION orders_2005 FOR VALUES FROM ('2005-01-01') TO ('2006-01-01');
"""


def order(customer="9999", date="2004-01-01"):
    return f"{SAMPLE} VALUES ('{date}', {customer}, 1, 1, 2)"


def setup_sql(program):
    run = program("invalidate", "--follow-sql")
    assert (run.status, run.stderr) == (0, "")
    return run.stdout


def removal_sql(program):
    run = program("invalidate", "--follow-sql=remove")
    assert (run.status, run.stderr) == (0, "")
    return run.stdout


@pytest.fixture
def setup(program):
    return setup_sql(program)


@pytest.fixture
def followed(database, setup):
    """A database in which the changes are noted down."""
    run_script(database, setup)
    return database


@contextlib.contextmanager
def session(database, *statements):
    """A connection in a transaction of its own."""
    with contextlib.closing(database.connect()) as connection:
        connection.autocommit = False
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            yield cursor
        connection.rollback()


def changes(database):
    """The customers and the numbers of orders that were noted down, and forgets them."""
    return sorted(
        database.rows("DELETE FROM ordercache.change RETURNING customer::bigint, orders"),
        key=lambda change: (change[0] or 0, change[1]),
    )


def poll(database):
    return database.rows("SELECT * FROM ordercache.poll('orders')")


def told(database, kind):
    return [(subject, amount) for of, subject, amount in poll(database) if of == kind]


def triggers(database):
    return database.rows(
        "SELECT tgrelid::regclass::text, tgname, tgenabled, oid FROM pg_trigger"
        " WHERE tgname LIKE 'ordercache%' ORDER BY 1, 2",
    )


def everything(database):
    """What there is by the name of ordercache."""
    return database.value(
        "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'ordercache')"
        " + (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'ordercache%')",
    )


def test_the_sql_is_printed_without_contacting_anything(program):
    assert setup_sql(program).startswith("-- ")
    assert removal_sql(program).startswith("-- ")


@pytest.mark.parametrize("statement, noted", [
    (order(), [(9999, 1)]),
    (order("NULL"), [(None, 1)]),
    (f"{SAMPLE} SELECT '2004-01-01', n, 1, 1, 2 FROM generate_series(1, 3) AS n", [(1, 1), (2, 1), (3, 1)]),
    ("DELETE FROM orders WHERE customerid = 9999", [(9999, -1)]),
    ("UPDATE orders SET customerid = 1 WHERE customerid = 9999", [(1, 1), (9999, -1)]),
    ("UPDATE orders SET customerid = NULL WHERE customerid = 9999", [(None, 1), (9999, -1)]),
    ("UPDATE orders SET customerid = 9999, tax = 7 WHERE customerid = 9999", []),
    ("DELETE FROM customers WHERE customerid = 9999", [(None, 1), (9999, -1)]),
])
def test_a_change_is_noted_down(followed, statement, noted):
    followed.execute("UPDATE orders SET customerid = 2 WHERE customerid IN (1, 3, 9999)"
                     " AND orderid NOT IN (SELECT max(orderid) FROM orders WHERE customerid = 9999)")
    changes(followed)
    followed.execute(statement)
    assert changes(followed) == noted


def test_what_is_copied_in_is_noted_down(followed):
    row = "2004-01-01\t{}\t1\t1\t2\n"
    script = "COPY orders (orderdate, customerid, netamount, tax, totalamount) FROM stdin;\n"
    run_script(followed, script + row.format(5) + row.format(6) + "\\.\n")
    assert changes(followed) == [(5, 1), (6, 1)]


def test_nothing_is_noted_down_of_what_was_rolled_back(followed):
    with session(followed, order("1"), "SAVEPOINT here", order("2"), "ROLLBACK TO here", order("3")) as cursor:
        assert changes(followed) == []
        cursor.execute("COMMIT")
    assert changes(followed) == [(1, 1), (3, 1)]
    with session(followed, order("4")):
        pass
    assert changes(followed) == []


@contextlib.contextmanager
def prepared(database, *statements):
    """A transaction that is prepared, and rolled back if it is not committed."""
    with session(database, *statements, "PREPARE TRANSACTION 'waiting'"):
        pass
    try:
        yield
    finally:
        with contextlib.suppress(psycopg2.errors.UndefinedObject):
            database.execute("ROLLBACK PREPARED 'waiting'")


def test_a_prepared_transaction_is_told_of_until_its_changes_are(followed):
    with prepared(followed, order()):
        assert len(told(followed, "prepared")) == 1
        assert changes(followed) == []
        followed.execute("COMMIT PREPARED 'waiting'")
        rows = poll(followed)
    assert [amount for kind, _, amount in rows if kind == "transaction"] == [1]
    assert "prepared" not in [kind for kind, _, _ in rows]


@pytest.mark.parametrize("statement, is_told", [
    ("UPDATE customers SET firstname = 'x' WHERE customerid = 1", False),
    ("SELECT count(*) FROM orders", False),
    ("SELECT FROM orders WHERE customerid = 1 FOR UPDATE", False),
    ("INSERT INTO archive (orderdate, customerid, netamount, tax, totalamount) VALUES ('2004-01-01', 1, 1, 1, 2)", True),
    ("UPDATE orders SET tax = 2 WHERE customerid = 1", True),
    ("TRUNCATE orders CASCADE", True),
    ("ALTER TABLE orders DISABLE TRIGGER ordercache_insert", True),
])
def test_a_prepared_transaction_is_told_of_if_it_may_change_orders(database, setup, statement, is_told):
    database.execute("CREATE TABLE archive () INHERITS (orders)")
    run_script(database, setup)
    with prepared(database, statement):
        assert (told(database, "prepared") != []) == is_told


def test_a_crash_leaves_neither_changes_nor_the_followers_token(followed, postgres):
    followed.execute("INSERT INTO ordercache.follower VALUES ('me')")
    followed.execute(order())
    assert told(followed, "follower") == [("me", None)]
    followed.execute(order())
    followed.execute("CHECKPOINT")
    postgres.crash_and_restart()
    assert [kind for kind, _, _ in poll(followed)] == ["tables", "uncounted"]


def test_the_transaction_is_the_whole_one_and_not_a_savepoints(followed):
    with session(followed, "SELECT pg_current_xact_id()::text") as cursor:
        [transaction] = cursor.fetchone()
        cursor.execute("SAVEPOINT here")
        cursor.execute(order("2"))
        cursor.execute("COMMIT")
    assert told(followed, "transaction") == [(transaction, 1)]


def test_an_applier_of_logical_replication_is_noted_down(followed):
    with session(followed, "SET session_replication_role = replica", "SET search_path = ''") as cursor:
        cursor.execute(order().replace("orders", "public.orders"))
        cursor.execute("COMMIT")
    assert changes(followed) == [(9999, 1)]


def test_a_writer_needs_no_rights_beside_those_on_orders(followed):
    followed.execute("DROP ROLE IF EXISTS writer; CREATE ROLE writer;"
                     "GRANT INSERT ON orders TO writer; GRANT USAGE ON SEQUENCE orders_orderid_seq TO writer")
    with session(followed, "SET ROLE writer", order(), "COMMIT"):
        pass
    assert changes(followed) == [(9999, 1)]
    with session(followed, "SET ROLE writer") as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("SELECT FROM ordercache.change")
    followed.execute("DROP OWNED BY writer; DROP ROLE writer")


def test_nothing_of_the_writers_runs_with_the_owners_rights(followed):
    """A writer's search_path has operators of its own, which tell as whom they ran."""
    followed.execute("""
        CREATE SCHEMA hostile;
        CREATE TABLE hostile.seen (who name);
        CREATE FUNCTION hostile.compare(integer, integer) RETURNS boolean LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO hostile.seen VALUES (current_user); RETURN true; END $$;
        CREATE OPERATOR hostile.>= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = hostile.compare);
        CREATE OPERATOR hostile.<= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = hostile.compare);
        CREATE FUNCTION hostile.compare(text, text) RETURNS boolean LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO hostile.seen VALUES (current_user); RETURN true; END $$;
        CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.compare);
        CREATE OPERATOR hostile.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.compare);
    """)
    with session(followed, "SET search_path = hostile, pg_catalog, public", order(), "COMMIT"):
        pass
    assert followed.rows("SELECT * FROM hostile.seen") == []
    assert changes(followed) == [(9999, 1)]


@pytest.fixture
def shop_owner(database):
    """A role that owns the table orders, and is no superuser."""
    database.execute("DROP ROLE IF EXISTS shop_owner; CREATE ROLE shop_owner; GRANT CREATE ON SCHEMA public TO shop_owner;"
                     "ALTER TABLE orders OWNER TO shop_owner")
    yield "shop_owner"
    database.execute("DROP OWNED BY shop_owner CASCADE; DROP ROLE shop_owner")


def test_whoever_owns_orders_gets_no_other_rights_by_a_superusers_set_up(database, setup, shop_owner):
    for _ in range(2):
        run_script(database, setup)
    with session(database, f"SET ROLE {shop_owner}", """
        CREATE TABLE seen (who name);
        CREATE TYPE trap AS ENUM ('sprung');
        CREATE FUNCTION spring(trap) RETURNS integer LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO public.seen VALUES (current_user); RETURN 1; END $$;
        CREATE CAST (trap AS integer) WITH FUNCTION spring(trap) AS IMPLICIT;
        DROP TRIGGER ordercache_update ON orders;
        ALTER TABLE orders DROP CONSTRAINT fk_customerid, ALTER customerid TYPE trap USING 'sprung';
    """, order("'sprung'")) as cursor:
        cursor.execute("SELECT DISTINCT who FROM seen")
        assert cursor.fetchall() == [(shop_owner,)]


def test_a_superuser_sets_it_up_for_the_owner_of_partitions(database, setup, shop_owner):
    database.execute(PARTITIONED + f"ALTER TABLE orders OWNER TO {shop_owner}")
    run_script(database, setup)
    with session(database, f"SET ROLE {shop_owner}", NEW_PARTITION, order("1", date="2005-01-01"), "COMMIT"):
        pass
    assert changes(database) == [(1, 1)]
    assert told(database, "missing") == []


def test_the_owner_of_partitions_sets_it_up(database, setup, shop_owner):
    database.execute(PARTITIONED + f"ALTER TABLE orders OWNER TO {shop_owner}; ALTER TABLE orders_2004 OWNER TO {shop_owner};"
                     f"ALTER ROLE {shop_owner} LOGIN; GRANT CREATE ON DATABASE {database.name} TO {shop_owner}")
    for _ in range(2):
        run = psql(database, setup, user=shop_owner)
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    with session(database, f"SET ROLE {shop_owner}", NEW_PARTITION, order("1"), order("2", date="2005-01-01"), "COMMIT"):
        pass
    assert changes(database) == [(1, 1), (2, 1)]
    assert told(database, "missing") == []


def own_mark(name, is_local="true"):
    return f"SELECT set_config('ordercache.{name}', 'ordercache ' || pg_current_xact_id(), {is_local})"


def test_a_transaction_that_names_itself_handled_is_not_told(followed):
    with session(followed, own_mark("handled"), order(), "COMMIT", order("1"), "COMMIT"):
        pass
    assert followed.rows("SELECT customer, orders, is_handled FROM ordercache.change ORDER BY customer") == [
        ("1", 1, False), ("9999", 1, True)]
    assert told(followed, "customer") == [("1", 1)]


def test_a_transaction_that_notes_its_orders_is_passed_over(followed):
    with session(followed, own_mark("noted"), order(), "COMMIT", order("1"), "COMMIT"):
        pass
    assert changes(followed) == [(1, 1)]


def test_what_a_trigger_adds_to_such_a_transaction_is_noted(followed):
    followed.execute("""
        CREATE FUNCTION give_away() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO orders VALUES (DEFAULT, '2004-01-01', 1, 0, 0, 0); RETURN NULL; END $$;
        CREATE TRIGGER give_away AFTER INSERT ON orders FOR EACH ROW WHEN (NEW.customerid = 9999) EXECUTE FUNCTION give_away()
    """)
    with session(followed, own_mark("noted"), order(), "COMMIT"):
        pass
    assert changes(followed) == [(1, 1)]


@pytest.mark.parametrize("name", ["handled", "noted"])
@pytest.mark.parametrize("setting", ["on", "true", "1", ""])
def test_no_setting_that_was_left_behind_passes_a_writer_over(followed, name, setting):
    with session(followed, f"SET ordercache.{name} = '{setting}'", order(), "COMMIT"):
        pass
    with session(followed, own_mark(name, is_local="false"), "COMMIT", order("1"), "COMMIT"):
        pass
    assert sorted(told(followed, "customer")) == [("1", 1), ("9999", 1)]


@pytest.mark.parametrize("type_of_customers", ["smallint", "bigint", "numeric", "numeric(30,2)", "double precision"])
def test_no_customer_makes_a_writer_fail(database, setup, type_of_customers):
    database.execute("ALTER TABLE orders DROP CONSTRAINT fk_customerid; UPDATE orders SET customerid = 5;"
                     f"ALTER TABLE orders ALTER customerid TYPE {type_of_customers}")
    run_script(database, setup)
    strange, large = ["-1", "0"], []
    if type_of_customers != "smallint":
        large = [2147483648, 9223372036854774784]
    if type_of_customers in ("numeric", "double precision"):
        strange += ["'NaN'", "1e25", "9223372036854775808"]
    for customer in ["77", *strange, *large]:
        database.execute(order(customer))
    assert changes(database) == [(None, 1)] * len(strange) + [(customer, 1) for customer in [77, *large]]


def test_customers_of_another_type_are_refused(database, setup):
    database.execute("ALTER TABLE orders DROP CONSTRAINT fk_customerid; ALTER TABLE orders ALTER customerid TYPE text")
    run = psql(database, setup)
    assert run.returncode != 0
    assert "the column customerid of public.orders is of the type text: set ORDERS_CUSTOMER_TYPE to text" in run.stderr
    assert everything(database) == 0


def test_a_second_time_changes_nothing_and_waits_for_nobody(followed, setup):
    before = triggers(followed)
    followed.execute(order())
    with session(followed, order("1")):
        run_script(followed, setup)
    assert triggers(followed) == before
    assert changes(followed) == [(9999, 1)]


def test_it_runs_through_a_driver_as_one_statement(database, program):
    database.execute(setup_sql(program))
    database.execute(order())
    assert changes(database) == [(9999, 1)]
    database.execute(removal_sql(program))
    assert everything(database) == 0


def test_an_older_version_makes_room(followed, setup):
    followed.execute("""
        CREATE OR REPLACE FUNCTION ordercache.version() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
        DROP TRIGGER ordercache_update ON orders;
        ALTER TABLE orders DISABLE TRIGGER ordercache_delete;
        ALTER TABLE ordercache.change DROP COLUMN orders;
        INSERT INTO ordercache.follower VALUES ('of old')
    """)
    run_script(followed, setup)
    assert followed.value("SELECT ordercache.version()") == 4
    followed.execute("UPDATE orders SET customerid = 1 WHERE customerid = 9999")
    assert set(changes(followed)) == {(1, 1), (9999, -1)}
    assert {enabled for _, _, enabled, _ in triggers(followed)} == {"A"}
    assert told(followed, "follower") == []


def test_a_newer_version_stays(followed, setup):
    followed.execute("CREATE OR REPLACE FUNCTION ordercache.version() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 99'")
    run = psql(followed, setup)
    assert run.returncode != 0
    assert "a newer version is installed" in run.stderr
    assert len(triggers(followed)) == 3


def test_a_schema_of_anothers_is_not_trusted(database, setup):
    database.execute("DROP ROLE IF EXISTS stranger_owner; CREATE ROLE stranger_owner; CREATE SCHEMA ordercache AUTHORIZATION stranger_owner")
    run = psql(database, setup)
    assert run.returncode != 0
    assert "belongs to another role" in run.stderr
    database.execute("DROP SCHEMA ordercache; DROP ROLE stranger_owner")


def test_what_was_broken_is_mended(followed, setup):
    followed.execute("ALTER TABLE orders ENABLE TRIGGER ordercache_insert; DROP TRIGGER ordercache_delete ON orders")
    assert told(followed, "missing") == [("public.orders", None)]
    run_script(followed, setup)
    assert told(followed, "missing") == []


def test_a_trigger_of_another_name_is_let_go_and_its_name_is_no_sql(followed, setup):
    name = "x ON orders; ALTER TABLE public.orders RENAME TO stolen; --"
    followed.execute(f'ALTER TRIGGER ordercache_insert ON orders RENAME TO "{name}"; CREATE TABLE bait (customerid int);'
                     f'CREATE TRIGGER "{name}" AFTER INSERT ON bait FOR EACH ROW EXECUTE FUNCTION ordercache.note_change()')
    run_script(followed, setup)
    assert told(followed, "stray") == told(followed, "missing") == []
    followed.execute(order())
    assert changes(followed) == [(9999, 1)]


def test_partitions_are_followed(database, setup):
    database.execute(PARTITIONED)
    run_script(database, setup)
    database.execute(NEW_PARTITION)
    assert {enabled for _, _, enabled, _ in triggers(database)} == {"A"}
    assert len(triggers(database)) == 9
    assert told(database, "missing") == []
    with session(database, "SET session_replication_role = replica") as cursor:
        cursor.execute(order("1"))
        cursor.execute(order("2", date="2005-01-01"))
        cursor.execute(order("3").replace("orders", "orders_2004"))
        cursor.execute("COMMIT")
    assert changes(database) == [(1, 1), (2, 1), (3, 1)]
    database.execute("UPDATE orders SET orderdate = '2005-02-02' WHERE customerid = 1")
    assert changes(database) == [(1, -1), (1, 1)]


def test_a_partition_without_the_triggers_is_missing(database, setup):
    database.execute(PARTITIONED)
    run_script(database, setup)
    database.execute("ALTER TABLE orders_2004 DISABLE TRIGGER ordercache_insert")
    assert told(database, "missing") == [("public.orders_2004", None)]
    run_script(database, setup)
    assert told(database, "missing") == []


def test_tables_that_inherit_are_followed(database, setup):
    database.execute("CREATE TABLE archive () INHERITS (orders)")
    run_script(database, setup)
    assert told(database, "missing") == []
    database.execute(order("5").replace("orders", "archive"))
    assert changes(database) == [(5, 1)]


def test_a_table_that_inherits_twice_is_followed(database, setup):
    database.execute("CREATE TABLE east () INHERITS (orders); CREATE TABLE west () INHERITS (orders);"
                     "CREATE TABLE centre () INHERITS (east, west)")
    run_script(database, setup)
    assert told(database, "missing") == []
    database.execute(order("5").replace("orders", "centre"))
    assert changes(database) == [(5, 1)]


def test_a_temporary_table_that_inherits_is_no_part_of_orders_to_others(followed, setup):
    with session(followed, "CREATE TEMPORARY TABLE mine () INHERITS (orders)", "COMMIT"):
        assert told(followed, "missing") == []
        run_script(followed, setup)
        assert told(followed, "missing") == told(followed, "stray") == []


@pytest.fixture
def detaching(database, setup):
    """A partition whose DETACH CONCURRENTLY was interrupted."""
    database.execute(PARTITIONED + NEW_PARTITION)
    run_script(database, setup)
    if database.value("SHOW server_version_num") < "140000":
        return None  # has no such thing
    with session(database, "SELECT FROM orders"):
        with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '200ms'")
            with pytest.raises(psycopg2.errors.QueryCanceled):
                cursor.execute("ALTER TABLE orders DETACH PARTITION orders_2005 CONCURRENTLY")
    return database


def test_a_partition_that_is_being_detached_is_no_part_of_orders(detaching):
    if not detaching:
        return
    total = detaching.value("SELECT count(*) FROM orders")
    assert told(detaching, "missing") == told(detaching, "stray") == []
    detaching.execute("INSERT INTO orders_2005 VALUES (0, '2005-01-01', 1, 1, 1, 2)")
    assert detaching.value("SELECT count(*) FROM orders") == total
    detaching.execute(f"{SAMPLE} VALUES ('2004-01-01', 1, 1, 1, 2)")
    rows = poll(detaching)
    assert ("total", None, None) in rows and "transaction" not in [kind for kind, _, _ in rows]


def test_the_fingerprint_tells_of_the_end_of_a_detachment(detaching):
    if not detaching:
        return
    [(before, _)] = told(detaching, "tables")
    detaching.execute("ALTER TABLE orders DETACH PARTITION orders_2005 FINALIZE")
    assert told(detaching, "tables")[0][0] != before


@pytest.mark.parametrize("act", [
    "ALTER POLICY few ON orders USING (customerid < 10)",
    "DROP POLICY few ON orders",
    "CREATE POLICY more ON orders USING (true)",
    "ALTER ROLE reader BYPASSRLS",
    "GRANT narrow TO reader",
    "ALTER TABLE orders FORCE ROW LEVEL SECURITY",
    "ALTER TABLE orders OWNER TO reader",
    "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
])
def test_the_fingerprint_tells_who_sees_which_rows(followed, act):
    followed.execute("CREATE ROLE narrow; CREATE ROLE reader; ALTER TABLE orders ENABLE ROW LEVEL SECURITY;"
                     "CREATE POLICY few ON orders TO narrow USING (customerid < 5000)")
    try:
        [(before, _)] = told(followed, "tables")
        followed.execute(order())
        assert told(followed, "tables")[0][0] == before
        followed.execute(act)
        assert told(followed, "tables")[0][0] != before
    finally:
        followed.execute(f"ALTER TABLE orders OWNER TO {USER}; DROP OWNED BY narrow, reader CASCADE; DROP ROLE narrow, reader")


@pytest.mark.parametrize("leave", [
    "ALTER TABLE archive NO INHERIT orders",
    "ALTER TABLE orders RENAME TO old_orders; CREATE TABLE orders AS SELECT * FROM old_orders",
])
def test_a_table_that_is_no_part_of_orders_any_more_is_let_go(database, setup, leave):
    database.execute("CREATE TABLE archive () INHERITS (orders)")
    run_script(database, setup)
    assert told(database, "stray") == []
    database.execute(leave)
    assert told(database, "stray") != []
    run_script(database, setup)
    assert told(database, "stray") == told(database, "missing") == []
    database.execute(order("5").replace("orders", "archive"))
    database.execute(order("6"))
    assert changes(database) == [(6, 1)]


def test_a_partitioned_table_that_was_swapped_is_let_go(database, setup):
    database.execute(PARTITIONED)
    run_script(database, setup)
    database.execute("ALTER TABLE orders RENAME TO old_orders; CREATE TABLE orders (LIKE old_orders)")
    run_script(database, setup)
    assert told(database, "stray") == told(database, "missing") == []


@pytest.mark.parametrize("instead, said", [
    ("", "there is no table orders in the search_path of database "),
    ("CREATE VIEW orders AS SELECT * FROM sales", "public.orders is a view: only the changes of a table can be followed"),
    ("CREATE MATERIALIZED VIEW orders AS SELECT * FROM sales", "public.orders is a materialized view: "),
    ("CREATE SEQUENCE orders", "public.orders is not a table: "),
    ("CREATE FOREIGN DATA WRAPPER none; CREATE SERVER away FOREIGN DATA WRAPPER none;"
     "CREATE FOREIGN TABLE orders (customerid integer) SERVER away", "public.orders is a foreign table: "),
])
def test_only_a_table_can_be_followed(database, setup, instead, said):
    database.execute(f"ALTER TABLE orders RENAME TO sales; {instead}")
    run = psql(database, setup)
    assert run.returncode != 0
    assert said in run.stderr
    assert everything(database) == 0


def test_the_table_is_found_by_the_search_path(database, setup):
    database.execute("CREATE SCHEMA shop; ALTER TABLE orders SET SCHEMA shop")
    run_script(database, "SET search_path = shop;\n" + setup)
    with session(database, "SET search_path = shop", order(), "COMMIT"):
        pass
    assert changes(database) == [(9999, 1)]


def test_a_poll_tells_the_sum_of_a_transaction_and_its_customers(followed):
    followed.execute(f"{order('1')}; {order('1')}; {order('2')}; {order('NULL')}")
    (transaction, total), = told(followed, "transaction")
    assert total == 4
    followed.execute(f"{order('1')}; {order('2')}")
    assert sorted(told(followed, "customer")) == [("1", 1), ("2", 1)]
    assert told(followed, "customer") == told(followed, "transaction") == []
    assert int(transaction) > 0


def test_a_poll_that_is_rolled_back_is_told_again(followed):
    followed.execute(order())
    with session(followed) as cursor:
        cursor.execute("SELECT subject FROM ordercache.poll('orders') WHERE kind = 'customer'")
        assert cursor.fetchall() == [("9999",)]
    assert told(followed, "customer") == [("9999", 1)]


def test_two_polls_exclude_each_other(followed):
    with session(followed, "SELECT FROM ordercache.poll('orders')"):
        assert poll(followed) == [("busy", None, None)]
    assert told(followed, "busy") == []


def test_what_a_follower_needs_is_granted_by_the_comments(followed, setup):
    grants = [line.strip("- \n") for line in setup.splitlines() if line.startswith("--   GRANT")]
    followed.execute("DROP ROLE IF EXISTS follower, shop; CREATE ROLE follower; CREATE ROLE shop; GRANT SELECT ON orders TO follower;"
                     + "".join(grants))
    followed.execute(order())
    with session(followed, "SET ROLE shop", "SELECT ordercache.note_handled(0)") as cursor:
        cursor.execute("SELECT ordercache.known_total(0::regclass, '')")
    with session(followed, "SET ROLE follower", "SELECT ordercache.version()") as cursor:
        cursor.execute("SELECT subject FROM ordercache.poll('orders') WHERE kind = 'customer'")
        assert cursor.fetchall() == [("9999",)]
        cursor.execute("LOCK TABLE ordercache.change IN ACCESS EXCLUSIVE MODE NOWAIT; TRUNCATE ordercache.change")
        cursor.execute("DELETE FROM ordercache.follower; INSERT INTO ordercache.follower VALUES ('me')")
        cursor.execute("INSERT INTO ordercache.total DEFAULT VALUES ON CONFLICT DO NOTHING; UPDATE ordercache.total SET orders = 1")
    followed.execute("DROP OWNED BY follower, shop; DROP ROLE follower, shop")


@pytest.mark.parametrize("act", [
    "TRUNCATE orders CASCADE",
    "ALTER TABLE orders DISABLE TRIGGER USER; ALTER TABLE orders ENABLE ALWAYS TRIGGER ordercache_insert;"
    "ALTER TABLE orders ENABLE ALWAYS TRIGGER ordercache_update; ALTER TABLE orders ENABLE ALWAYS TRIGGER ordercache_delete",
    "CREATE TABLE archive () INHERITS (orders)",
])
def test_the_fingerprint_tells_of(followed, act):
    [(before, _)] = told(followed, "tables")
    followed.execute(order())
    assert told(followed, "tables")[0][0] == before
    followed.execute(act)
    assert told(followed, "tables")[0][0] != before


def test_the_fingerprint_tells_of_a_partition_that_was_away(database, setup):
    database.execute(PARTITIONED + NEW_PARTITION)
    run_script(database, setup)
    [(before, _)] = told(database, "tables")
    database.execute("ALTER TABLE orders DETACH PARTITION orders_2005")
    [(between, _)] = told(database, "tables")
    database.execute("ALTER TABLE orders ATTACH PARTITION orders_2005 FOR VALUES FROM ('2005-01-01') TO ('2006-01-01')")
    assert len({before, between, told(database, "tables")[0][0]}) == 3


@pytest.fixture
def small(followed):
    """The table of changes is full with its first row."""
    followed.execute("""CREATE OR REPLACE FUNCTION ordercache.is_full() RETURNS boolean LANGUAGE sql
                        AS 'SELECT pg_catalog.pg_relation_size(''ordercache.change'') >= 8192'""")
    return followed


def test_a_full_table_grows_no_more_and_no_writer_fails(small):
    small.execute(order("1"))
    for _ in range(2):
        small.execute(f"{SAMPLE} SELECT '2004-01-01', 2, 1, 1, 2 FROM generate_series(1, 1000)")
    assert small.value("SELECT pg_relation_size('ordercache.change')") == 8192
    rows = poll(small)
    assert ("full", None, None) in rows
    assert ("customer", "1", 1) in rows and ("customer", "2", 2000) not in rows


def test_a_transaction_that_notes_nothing_is_told_of_while_it_lasts(small):
    small.execute(order("1"))
    with session(small, order("2"), order("3")) as cursor:
        assert len(told(small, "unnoted")) == 1
        cursor.execute("COMMIT")
        assert told(small, "unnoted") == []
        cursor.execute("BEGIN")
        cursor.execute("SAVEPOINT s")
        cursor.execute(order("4"))
        cursor.execute("ROLLBACK TO s")
        assert told(small, "unnoted") == []
        small.execute("TRUNCATE ordercache.change")
        cursor.execute(order("5"))
        cursor.execute("COMMIT")
    assert changes(small) == [(5, 1)]
    assert told(small, "unnoted") == []


def test_a_change_that_meets_an_emptied_table_after_all_is_noted(small):
    """The follower empties it between the two looks of a writer."""
    small.execute("""
        CREATE OR REPLACE FUNCTION ordercache.is_full() RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            IF current_setting('test.looked', true) = 'yes' THEN RETURN false; END IF;
            PERFORM set_config('test.looked', 'yes', true);
            RETURN true;
        END $$""")
    small.execute(order("1"))
    assert changes(small) == [(1, 1)]


def test_all_is_taken_away_and_a_second_time_nothing(followed, program):
    for _ in range(2):
        run_script(followed, removal_sql(program))
        assert everything(followed) == 0
    followed.execute(order())


def test_a_schema_that_holds_something_else_stays(followed, program):
    followed.execute("CREATE TABLE ordercache.others ()")
    run = psql(followed, removal_sql(program))
    assert run.returncode == 0
    assert "stays" in run.stderr
    assert triggers(followed) == []
    assert followed.value("SELECT count(*) FROM ordercache.others") == 0


def test_all_is_taken_away_from_partitions(database, setup, program):
    database.execute(PARTITIONED)
    run_script(database, setup)
    run_script(database, removal_sql(program))
    assert everything(database) == 0
