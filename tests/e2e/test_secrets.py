"""Secrets: a password appears nowhere, whatever fails and however it is told."""

import pytest

from orders import an_order
from peers import Listener, refusing_port
from servers import USER

CANARY = "c4n4ry"

BAD_PG_URIS = [
    "mysql://u:{0}@127.0.0.1/db",
    " postgresql://u:{0}@127.0.0.1/db",
    "postgresql://u:{0}@127.0.0.1/db ",
    "postgresql://u:{0}%zz@127.0.0.1/db",
    "postgresql://u:{0}%2@127.0.0.1/db",
    "postgresql://u:{0}/x@127.0.0.1/db",
    "postgresql://u:{0}#x@127.0.0.1/db",
    "postgresql://u:{0}@x@127.0.0.1/db",
    "postgresql://u:x/{0}@127.0.0.1/db",
    "postgresql://u:x#{0}@127.0.0.1/db",
    "postgresql://u:x@{0}@127.0.0.1/db",
    "postgresql://u:{0}@127.0.0.1:port/db",
    "postgresql://u:x@127.0.0.1:1/db?password={0}%zz",
    "postgresql://u:x@127.0.0.1:1/db?passwort={0}",
    "postgresql://u:x@[::1:{0}/db",
    "postgresql://[{0}",
    "host=127.0.0.1 password='{0}",
    "host=127.0.0.1 password={0} x",
    "host=127.0.0.1 passwort={0}",
    "host=postgres://u:{0}@127.0.0.1/db",
    "service=postgres://u:{0}@127.0.0.1/db",
    "{0}",
    "{0}=x",
    "u:{0}@127.0.0.1",
]
BAD_REDIS_URIS = [
    "http://:{0}@127.0.0.1", "redis://:{0}@127.0.0.1:port", "redis://{0}@127.0.0.1", "redis://:{0}%zz@127.0.0.1",
    "redis://:{0}@w@127.0.0.1", "redis://:x/{0}@127.0.0.1", "redis://:x#{0}@127.0.0.1", "redis://:{0}@127.0.0.1?x={0}",
    " redis://:{0}@127.0.0.1", "redis://:{0}@127.0.0.1/abc", "redis:{0}", "{0}", "redis://127.0.0.1?password={0}%zz",
    "redis://:{0}@h1,h2", "unix://:{0}@",
]
COMMANDS = [("count", "--refresh"), ("count", "--no-cache"), tuple(an_order()), ("invalidate",), ("ttl",)]


@pytest.fixture
def secretive(ordercache, cache, postgres, redis_server):
    """Runs the commands with -v and passwords in both URIs; none may appear."""
    cache.acl_setuser("shop", enabled=True, passwords=[f"+{CANARY}"], keys=["*"], commands=["+@all"], reset=True)
    ordercache.environment.update(
        PG_SERVICE_URI=postgres.uri(password=CANARY), REDIS_SERVICE_URI=redis_server.uri(f"shop:{CANARY}@"),
    )

    def run(commands=COMMANDS, statuses=(2, 3, 4), **env):
        finished = [ordercache(*command, "-v", env=env) for command in commands]
        for each in finished:
            assert CANARY not in each.stdout + each.stderr
        assert {each.status for each in finished} & set(statuses)
        return finished

    yield run
    cache.acl_deluser("shop")


def test_no_run_that_succeeds_shows_a_password(secretive):
    for run in secretive([("count",), ("count", "--refresh"), tuple(an_order()), ("invalidate",)], statuses=[0]):
        assert run.status == 0


@pytest.mark.parametrize("uri", BAD_PG_URIS)
def test_a_bad_pg_service_uri_is_not_shown(secretive, uri):
    [run] = secretive([("count", "--no-cache")], PG_SERVICE_URI=uri.format(CANARY))
    assert run.stderr.count("error") == 1


def test_a_uri_in_place_of_a_databases_name_is_not_shown(secretive):
    [run] = secretive([("count", "--no-cache")], PG_DATABASE=f"postgres://u:{CANARY}@127.0.0.1/db")
    assert run.stderr == "ordercache: error: PG_DATABASE: it must not be a URI\n"


@pytest.mark.parametrize("uri", BAD_REDIS_URIS)
def test_a_bad_redis_service_uri_is_not_shown(secretive, uri):
    [run] = secretive([("ttl",)], REDIS_SERVICE_URI=uri.format(CANARY))
    assert run.status == 2


def test_peers_that_refuse_show_no_password(secretive):
    with refusing_port() as port:
        secretive(PG_SERVICE_URI=f"postgresql://u:{CANARY}@127.0.0.1:{port}/db")
        secretive(PG_SERVICE_URI=f"host=127.0.0.1 port={port} user=u password={CANARY}")
        secretive(REDIS_SERVICE_URI=f"redis://u:{CANARY}@127.0.0.1:{port}")
        secretive(REDIS_SERVICE_URI=f"redis://127.0.0.1:{port}?password={CANARY}")


def test_peers_that_cannot_be_found_show_no_password(secretive):
    secretive(PG_SERVICE_URI=f"postgresql://u:{CANARY}@no-such-host.invalid/db")
    secretive(REDIS_SERVICE_URI=f"redis://u:{CANARY}@no-such-host.invalid")
    secretive(REDIS_SERVICE_URI=f"unix://u:{CANARY}@/no/such/socket")


def test_peers_that_reject_the_password_show_none(secretive, postgres, redis_server):
    secretive(PG_SERVICE_URI=postgres.uri(user="stranger", password=CANARY))
    secretive(REDIS_SERVICE_URI=redis_server.uri(f"nobody:{CANARY}@"))
    secretive(REDIS_SERVICE_URI=redis_server.uri(f":{CANARY}@"))


def test_peers_that_say_nothing_show_no_password(secretive):
    with Listener() as silent:
        secretive([("count", "--timeout=1")], PG_SERVICE_URI=f"postgresql://{USER}:{CANARY}@127.0.0.1:{silent.port}/db")
        secretive([("ttl", "--timeout=1")], REDIS_SERVICE_URI=f"redis://u:{CANARY}@127.0.0.1:{silent.port}")


def test_databases_and_tables_that_are_missing_show_no_password(secretive, database):
    secretive([("count",), tuple(an_order())], PG_DATABASE="no_such_store")
    database.execute("DROP TABLE orders CASCADE")
    secretive([("count",), tuple(an_order())])


def test_a_bad_variable_beside_them_shows_no_password(secretive):
    secretive([("count",)], statuses=[0], CACHE_TIMEOUT_SECONDS="x")
