"""add: one order, exact, its customer's count dropped, and the total brought forward."""

import pytest

from keys import claim_total, reader_of_total
from orders import LAST_ORDER, NEXT_ORDER, added, an_order
from peers import refusing_port

UNREACHABLE = "redis://127.0.0.1:{}"


def test_the_new_orders_id_is_printed(ordercache):
    run = ordercache("add", "--date", "2023-03-10", "--customer", "9999", "--net", "23.00", "--tax", "1.80")
    assert (run.status, run.stdout, run.stderr) == (0, f"{NEXT_ORDER}\n", "")


def test_json_names_the_customer_and_the_order(ordercache):
    assert ordercache(*an_order(), "--json").stdout == '{"updated":{"customer":9999,"order":12001}}\n'


def test_the_row_is_exact(ordercache, database):
    ordercache(*an_order(date="2023-03-10", customer=9999, net="23.00", tax="1.80"))
    assert added(database) == [("2023-03-10", 9999, "23.00", "1.80", "24.80")]


def test_the_customers_count_is_gone_the_total_grows_and_no_other_changes(ordercache, cache):
    for key, count in {"num_orders:all": 12000, "num_orders:9999": 1, "num_orders:1": 7}.items():
        cache.set(key, count, ex=100)
    ordercache(*an_order())
    assert {key: cache.get(key) for key in cache.keys("num_orders:*")} == {"num_orders:all": "12001", "num_orders:1": "7"}


def test_the_total_has_the_new_order_and_keeps_its_end(ordercache, cache):
    cache.set("num_orders:all", 12000, ex=60)
    ordercache(*an_order())
    assert cache.get("num_orders:all") == "12001"
    assert 55 <= cache.ttl("num_orders:all") <= 60


def test_a_lease_on_the_customers_count_is_gone_too(ordercache, cache):
    cache.mset({"{num_orders:9999}:lease": "b", "{num_orders:1}:lease": "c"})
    ordercache(*an_order())
    assert cache.keys() == ["{num_orders:1}:lease"]


def test_a_reader_that_counts_the_total_goes_on(ordercache, cache):
    claim_total(cache)
    ordercache(*an_order())
    assert reader_of_total(cache) == "another-reader"


def test_a_trigger_may_change_whose_order_it_is(ordercache, cache, database):
    database.execute(
        "CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.customerid := 5; RETURN NEW; END';"
        "CREATE TRIGGER move BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION move()"
    )
    cache.mset({"num_orders:all": 12000, "num_orders:5": 1, "num_orders:1": 7})
    run = ordercache(*an_order(), "--json")
    assert run.stdout == '{"updated":{"customer":5,"order":12001}}\n'
    assert cache.keys() == []


def test_a_customer_that_does_not_exist_is_a_no_and_a_sentence(ordercache, database, cache):
    cache.set("num_orders:all", 12000)
    run = ordercache(*an_order(customer=20001))
    assert (run.status, run.stdout) == (1, "")
    assert run.stderr.startswith("ordercache: error: ")
    assert run.stderr.count("\n") == 1
    assert "customer 20001" in run.stderr
    assert added(database) == []


REJECTIONS = {
    "a check": "ALTER TABLE orders ADD CHECK (netamount < 10) NOT VALID",
    "a null that is not allowed": (
        "ALTER TABLE orders ADD note text NOT NULL DEFAULT 'none'; ALTER TABLE orders ALTER note DROP DEFAULT"
    ),
    "a narrower column": "ALTER TABLE orders ALTER tax TYPE numeric(2,2) USING 0",
    "an exception of a trigger's": (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION ''we are closed''; END';"
        "CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse()"
    ),
}


@pytest.mark.parametrize("cause", REJECTIONS)
def test_an_order_that_postgresql_rejects_is_a_no(ordercache, database, cause):
    database.execute(REJECTIONS[cause])
    run = ordercache(*an_order())
    assert (run.status, run.stdout) == (1, "")
    assert run.stderr.startswith("ordercache: error: ")
    assert added(database) == []


def test_with_redis_down_nothing_is_written(ordercache, database):
    with refusing_port() as port:
        run = ordercache(*an_order(), env={"REDIS_SERVICE_URI": UNREACHABLE.format(port)})
    assert (run.status, run.stdout) == (4, "")
    assert run.stderr == f"ordercache: error: cannot connect to Redis at 127.0.0.1:{port}: Connection refused\n"
    assert added(database) == []


def test_a_drop_that_redis_refuses_means_that_nothing_is_written(ordercache, database, cache, redis_server):
    cache.acl_setuser("reader", enabled=True, nopass=True, keys=["*"], commands=["+get"], reset=True)
    run = ordercache(*an_order(), env={"REDIS_SERVICE_URI": redis_server.uri("reader:any@")})
    cache.acl_deluser("reader")
    assert (run.status, run.stdout) == (4, "")
    assert added(database) == []


def test_no_cache_writes_though_redis_is_down_and_warns(ordercache, database):
    with refusing_port() as port:
        run = ordercache(*an_order(), "--no-cache", env={"REDIS_SERVICE_URI": UNREACHABLE.format(port)})
    assert (run.status, run.stdout) == (0, f"{NEXT_ORDER}\n")
    assert run.stderr.startswith("ordercache: warning: ")
    assert run.stderr.count("\n") == 1
    assert "lag" in run.stderr and "time to live" in run.stderr
    assert len(added(database)) == 1


def test_no_cache_needs_no_redis_service_uri(ordercache, database):
    run = ordercache(*an_order(), "--no-cache", env={"REDIS_SERVICE_URI": None})
    assert (run.status, run.stdout) == (0, f"{NEXT_ORDER}\n")
    assert len(added(database)) == 1


def test_dry_run_changes_nothing(ordercache, database, cache):
    cache.mset({"num_orders:all": 12000, "num_orders:9999": 1})
    run = ordercache(*an_order(), "--dry-run")
    assert (run.status, run.stderr) == (0, "")
    assert added(database) == []
    assert sorted(cache.keys()) == ["num_orders:9999", "num_orders:all"]


def test_dry_run_takes_no_lease_away(ordercache, cache):
    claim_total(cache)
    cache.set("{num_orders:9999}:lease", "a reader's", px=2000)
    ordercache(*an_order(), "--dry-run")
    assert reader_of_total(cache) == "another-reader"
    assert cache.get("{num_orders:9999}:lease") == "a reader's"


def test_dry_run_reports_what_postgresql_rejects(ordercache, database):
    run = ordercache(*an_order(customer=20001), "--dry-run")
    assert (run.status, run.stdout) == (1, "")
    assert "customer 20001" in run.stderr


def test_orders_get_ids_one_after_the_other(ordercache, database):
    ids = [int(ordercache(*an_order()).stdout) for _ in range(3)]
    assert ids == [LAST_ORDER + 1, LAST_ORDER + 2, LAST_ORDER + 3]
    assert database.value("SELECT count(*) FROM orders") == 12003


@pytest.mark.parametrize("setting", ["repeatable read", "serializable"])
def test_the_servers_default_isolation_does_not_matter(ordercache, database, setting):
    database.execute(f"ALTER DATABASE {database.name} SET default_transaction_isolation = '{setting}'")
    assert ordercache("count").stdout == "12000\n"
    assert ordercache(*an_order()).stdout == f"{NEXT_ORDER}\n"
    assert ordercache("count").stdout == "12001\n"
