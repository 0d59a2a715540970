"""The environment: each variable given, absent and bad."""

import pytest

import servers
from keys import values
from orders import CSV, NEXT_ORDER, added, an_order
from peers import Listener

COUNTING = [("count",), ("count", "--customer", "9999"), ("count", "--refresh"), ("count", "--no-cache")]
NEEDING_POSTGRES = [*COUNTING, tuple(an_order()), (*an_order(), "--no-cache"), (*an_order(), "--dry-run"), ("invalidate", "--stale")]
NEEDING_REDIS = [
    ("count",), ("count", "--refresh"), tuple(an_order()), ("invalidate",), ("invalidate", "--customer", "9999"), ("ttl",),
    ("invalidate", "--stale"),
]


@pytest.fixture
def dellstore(postgres):
    """The database of the default name, on top of those of the tests."""
    database = servers.Database(postgres, "dellstore")
    database.create()
    yield database
    database.drop()


def refused_for(run, variable):
    return (
        (run.status, run.stdout) == (2, "")
        and run.stderr.startswith("ordercache: error: ")
        and run.stderr.count("\n") == 1
        and variable in run.stderr
    )


@pytest.mark.parametrize("form", [
    "postgres://{user}:unused@127.0.0.1:{port}/defaultdb",
    "postgresql://{user}:unused@127.0.0.1:{port}/defaultdb",
    "postgresql://{user}@127.0.0.1:{port}",
    "postgresql://{user}@/defaultdb?host={folder}&port={port}",
    "host=127.0.0.1 port={port} user={user} dbname=defaultdb",
    "host='{folder}' port={port} user={user}",
])
def test_pg_service_uri_has_every_form_of_libpqs(ordercache, postgres, form):
    uri = form.format(user=servers.USER, port=postgres.service_port, folder=postgres.folder)
    run = ordercache("count", env={"PG_SERVICE_URI": uri})
    assert (run.status, run.stdout, run.stderr) == (0, "12000\n", "")


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
@pytest.mark.parametrize("command", NEEDING_POSTGRES, ids=" ".join)
def test_pg_service_uri_is_asked_for_by_name(ordercache, database, command, value):
    assert refused_for(ordercache(*command, env={"PG_SERVICE_URI": value}), "PG_SERVICE_URI")
    assert added(database) == []


@pytest.mark.parametrize("command", [tuple(an_order()), (*an_order(), "--dry-run"), ("add", "--from=-")], ids=" ".join)
@pytest.mark.parametrize("value", [None, "postgres://h:port"], ids=["unset", "bad"])
def test_an_add_asks_for_pg_service_uri_before_it_contacts_redis(ordercache, command, value):
    with Listener() as redis:
        run = ordercache(*command, stdin=CSV, env={"PG_SERVICE_URI": value, "REDIS_SERVICE_URI": f"redis://127.0.0.1:{redis.port}"})
        assert redis.connections == 0
    assert refused_for(run, "PG_SERVICE_URI")


@pytest.mark.parametrize(
    "command", [("count",), ("count", "--refresh"), ("count", "--customers-from=-"), tuple(an_order()), ("add", "--from=-"),
                ("invalidate", "--stale"), ("invalidate", "--follow")],
    ids=" ".join,
)
def test_two_variables_that_are_unset_are_asked_for_at_once(ordercache, command):
    stdin = "9999\n" if command[0] == "count" else CSV
    run = ordercache(*command, stdin=stdin, env={"PG_SERVICE_URI": None, "REDIS_SERVICE_URI": None})
    assert refused_for(run, "REDIS_SERVICE_URI is not set") and "PG_SERVICE_URI is not set either" in run.stderr


@pytest.mark.parametrize("command", [("count", "--no-cache"), (*an_order(), "--no-cache")], ids=" ".join)
def test_a_variable_that_is_not_needed_is_not_asked_for(ordercache, command):
    run = ordercache(*command, env={"PG_SERVICE_URI": None, "REDIS_SERVICE_URI": None})
    assert refused_for(run, "PG_SERVICE_URI") and "REDIS_SERVICE_URI" not in run.stderr


@pytest.mark.parametrize("command", [("count",), ("ttl",), ("invalidate",), ("invalidate", "--customer", "9999")], ids=" ".join)
@pytest.mark.parametrize("value", [None, "", "nonsense"], ids=["unset", "empty", "bad"])
def test_what_reaches_redis_alone_needs_no_pg_service_uri(ordercache, cache, command, value):
    cache.set("num_orders:all", 12000, ex=100)
    assert ordercache(*command, env={"PG_SERVICE_URI": value}).status == 0


def test_pg_database_is_used_in_place_of_the_uris(ordercache, postgres):
    for uri in (postgres.uri("nowhere"), postgres.uri("nowhere") + "?dbname=elsewhere"):
        assert ordercache("count", "--no-cache", env={"PG_SERVICE_URI": uri}).stdout == "12000\n"


def test_pg_database_is_used_in_place_of_that_of_the_key_value_form(ordercache, postgres):
    uri = f"dbname=nowhere host=127.0.0.1 port={postgres.service_port} user={servers.USER}"
    assert ordercache("count", env={"PG_SERVICE_URI": uri}).stdout == "12000\n"


def test_pg_database_is_dellstore_by_default(ordercache, dellstore):
    dellstore.execute("DELETE FROM orders WHERE orderid <= 100")
    assert ordercache("count", env={"PG_DATABASE": None}).stdout == "11900\n"


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_without_pg_database_the_uris_own_is_used(ordercache, postgres, database, dellstore, value):
    run = ordercache(*an_order(), env={"PG_DATABASE": value, "PG_SERVICE_URI": postgres.uri(database.name)})
    assert run.status == 0
    assert (len(added(database)), added(dellstore)) == (1, [])


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
@pytest.mark.parametrize("form", ["postgres://{user}@127.0.0.1:{port}/defaultdb", "postgres://{user}@127.0.0.1:{port}"])
def test_dellstore_is_used_for_a_providers_database_and_for_none(ordercache, postgres, dellstore, form, value):
    uri = form.format(user=servers.USER, port=postgres.service_port)
    assert ordercache(*an_order(), env={"PG_DATABASE": value, "PG_SERVICE_URI": uri}).status == 0
    assert len(added(dellstore)) == 1


@pytest.mark.parametrize("value, name", [(None, "dellstore"), ("no_such_store", "no_such_store")])
def test_a_missing_database_is_named_with_the_way_to_another(ordercache, value, name):
    run = ordercache("count", env={"PG_DATABASE": value})
    assert (run.status, run.stdout) == (3, "")
    assert name in run.stderr
    assert "PG_DATABASE" in run.stderr
    assert run.stderr.count("\n") == 1


def test_verbose_names_the_database_in_use(ordercache, database):
    assert database.name in ordercache("count", "-v").stderr


def test_an_error_of_postgresqls_names_the_database_in_use(ordercache, database):
    database.execute("ALTER TABLE orders RENAME TO sales")
    assert database.name in ordercache("count").stderr


@pytest.mark.parametrize("value", [None, "", "127.0.0.1:6379", "http://:hush@127.0.0.1", "redis://:hush@127.0.0.1:port"])
@pytest.mark.parametrize("command", NEEDING_REDIS, ids=" ".join)
def test_redis_service_uri_is_asked_for_by_name_and_never_shown(ordercache, database, command, value):
    run = ordercache(*command, env={"REDIS_SERVICE_URI": value})
    assert refused_for(run, "REDIS_SERVICE_URI")
    assert "hush" not in run.stderr
    assert not value or value not in run.stderr
    assert added(database) == []


def test_count_without_cache_needs_no_redis_service_uri(ordercache):
    run = ordercache("count", "--no-cache", env={"REDIS_SERVICE_URI": None})
    assert (run.status, run.stdout, run.stderr) == (0, "12000\n", "")


def test_redis_service_uri_may_name_a_unix_socket_and_a_database(ordercache, lone_redis):
    uri = f"unix://{lone_redis.socket}?db=3"
    assert ordercache("count", env={"REDIS_SERVICE_URI": uri}).stdout == "12000\n"
    assert lone_redis.client().info("keyspace").keys() == {"db3"}


def test_redis_service_uri_may_name_a_user_and_a_password(ordercache, redis_server, cache):
    cache.acl_setuser("shop", enabled=True, passwords=["+p@s:/#"], keys=["*"], commands=["+@all"], reset=True)
    run = ordercache("count", env={"REDIS_SERVICE_URI": redis_server.uri("shop:p%40s%3A%2F%23@")})
    cache.acl_deluser("shop")
    assert (run.status, run.stdout, run.stderr) == (0, "12000\n", "")
    assert cache.get("num_orders:all") == "12000"


def test_cache_key_prefix_is_what_the_keys_begin_with(ordercache, cache):
    cache.set("num_orders:all", 4711)
    assert ordercache("count", env={"CACHE_KEY_PREFIX": "shop2"}).stdout == "12000\n"
    assert values(cache) == ["num_orders:all", "shop2:all"]
    assert cache.exists("{shop2:all}:ledger")


def test_cache_key_prefix_keeps_two_programs_apart(ordercache, cache):
    cache.mset({"num_orders:all": 12000, "shop2:all": 1, "shop2:9999": 2})
    ordercache(*an_order(), env={"CACHE_KEY_PREFIX": "shop2"})
    assert [cache.get(key) for key in ("num_orders:all", "shop2:all", "shop2:9999")] == ["12000", "2", None]


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_cache_key_prefix_is_num_orders_by_default(ordercache, cache, value):
    ordercache("count", env={"CACHE_KEY_PREFIX": value})
    assert values(cache) == ["num_orders:all"]


@pytest.mark.parametrize("value", ["shop\r", "shop ", '"shop"', "'shop'"])
@pytest.mark.parametrize("variable", ["CACHE_KEY_PREFIX", "PG_DATABASE"])
def test_a_value_that_a_file_of_settings_has_spoilt_is_refused(ordercache, cache, variable, value):
    assert refused_for(ordercache("count", env={variable: value}), variable)
    assert cache.keys() == []


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("variable", ["REDIS_SERVICE_URI", "PG_SERVICE_URI"])
def test_a_uri_that_was_copied_with_its_quotes_gets_a_hint(ordercache, variable, quote):
    run = ordercache("count", env={variable: quote + ordercache.environment[variable] + quote})
    assert refused_for(run, f"{variable}: the value is in quotes: remove them")


def test_an_empty_variable_is_an_unset_one(ordercache):
    names = ["CACHE_KEY_PREFIX", "CACHE_TIMEOUT_SECONDS", "NO_COLOR", "PGGSSENCMODE", "PGCONNECT_TIMEOUT"]
    run = ordercache("count", env=dict.fromkeys(names, ""))
    assert (run.status, run.stdout, run.stderr) == (0, "12000\n", "")


@pytest.mark.parametrize("value, seconds", [(None, 120), ("", 120), ("1", 1), ("45", 45), ("2147483647", 2147483647)])
def test_cache_timeout_seconds_is_how_long_a_count_lives(ordercache, cache, value, seconds):
    run = ordercache("count", env={"CACHE_TIMEOUT_SECONDS": value})
    assert (run.stdout, run.stderr) == ("12000\n", "")
    assert seconds - 20 < cache.pttl("num_orders:all") / 1000 <= seconds or seconds == 1


@pytest.mark.parametrize("value", ["0", "-1", "abc", "1.5", "2147483648", "1e3", "+5", "0x10", "5 ", " 5", "5\r", "99999999999999999999"])
def test_a_bad_cache_timeout_seconds_is_a_warning_and_120(ordercache, cache, value):
    run = ordercache("count", env={"CACHE_TIMEOUT_SECONDS": value})
    assert (run.status, run.stdout) == (0, "12000\n")
    assert run.stderr.startswith("ordercache: warning: ")
    assert run.stderr.count("\n") == 1
    assert "CACHE_TIMEOUT_SECONDS" in run.stderr and "time to live" in run.stderr
    assert 100 < cache.ttl("num_orders:all") <= 120


def test_libpqs_own_variables_keep_their_meaning(ordercache, database):
    with database.log() as log:
        ordercache("count", env={"PGAPPNAME": "the nightly report"})
    assert any("the nightly report" in line for line in log)
    assert ordercache("count", "--no-cache", env={"PGSSLMODE": "require"}).status == 3


def test_an_add_works_on_the_default_database(ordercache, dellstore):
    assert ordercache(*an_order(), env={"PG_DATABASE": None}).stdout == f"{NEXT_ORDER}\n"
    assert len(added(dellstore)) == 1


def test_an_empty_variable_of_libpq_is_an_unset_one(ordercache):
    variables = ["PGSERVICE", "PGSSLMODE", "PGCONNECT_TIMEOUT", "PGTARGETSESSIONATTRS", "PGCHANNELBINDING", "PGGSSENCMODE", "PGPORT"]
    run = ordercache("count", "--no-cache", env=dict.fromkeys(variables, ""))
    assert (run.status, run.stdout, run.stderr) == (0, "12000\n", "")
