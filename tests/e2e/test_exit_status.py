"""Exit statuses: what a script may conclude from each."""

import contextlib
import re

import pytest

from orders import added, an_order
from peers import refusing_port

READING = [("count",), ("count", "--no-cache"), ("count", "--customer", "9999")]


@pytest.mark.parametrize("arguments", [
    ("frobnicate",), ("count", "--frobnicate"), ("count", "extra"), ("count", "--customer"), ("count", "--from", "x"),
    ("ttl", "--refresh"), ("invalidate", "--no-cache"), ("add",), ("ttl", "--dry-run"), ("count", "ttl"),
    ("ttl", "--customer", "1", "--customer", "2"), ("count", "--refresh", "--no-cache"), ("-x",),
], ids=" ".join)
def test_wrong_usage_is_2(program, arguments):
    run = program(*arguments)
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("ordercache: error: ")


def test_the_program_alone_prints_its_short_help_on_stderr(program):
    run = program()
    assert (run.status, run.stdout) == (2, "")
    for command in ("count", "add", "invalidate", "ttl"):
        assert command in run.stderr


@pytest.mark.parametrize("arguments", [
    ("--help",), ("-h",), ("count", "--help"), ("add", "-h"), ("invalidate", "--help"), ("ttl", "--help"),
], ids=" ".join)
def test_help_is_0_and_on_stdout(program, arguments):
    run = program(*arguments)
    assert (run.status, run.stderr) == (0, "")
    assert "ordercache" in run.stdout and "--timeout" in run.stdout


def test_version_is_a_line(program):
    run = program("--version")
    assert (run.status, run.stderr) == (0, "")
    assert re.fullmatch(r"ordercache \d+\.\d+\.\d+( \(commit [0-9a-f]{12}(-dirty)?\))?\n", run.stdout)


@pytest.mark.parametrize("command", [*READING, tuple(an_order())], ids=" ".join)
def test_postgresql_unreachable_is_3(ordercache, command):
    with refusing_port() as port:
        run = ordercache(*command, env={"PG_SERVICE_URI": f"postgresql://u:pw@127.0.0.1:{port}/defaultdb"})
    assert (run.status, run.stdout) == (3, "")
    assert "PostgreSQL" in run.stderr


@pytest.mark.parametrize("command", [*READING, tuple(an_order())], ids=" ".join)
def test_a_password_that_postgresql_rejects_is_3(ordercache, postgres, database, command):
    run = ordercache(*command, env={"PG_SERVICE_URI": postgres.uri(user="stranger", password="unknown")})
    assert (run.status, run.stdout) == (3, "")
    assert "authentication failed" in run.stderr and "check the user and the password in PG_SERVICE_URI" in run.stderr
    assert database.name in run.stderr and run.stderr.count("\n") == 1


def test_a_password_that_is_missing_is_3_and_said_where_to_write_it(ordercache, postgres, tmp_path):
    run = ordercache("count", env={"PG_SERVICE_URI": postgres.uri(user="stranger", password=""), "HOME": tmp_path})
    assert (run.status, run.stdout) == (3, "")
    assert "no password supplied; check the user and the password in PG_SERVICE_URI or ~/.pgpass, " in run.stderr


@contextlib.contextmanager
def table_renamed(database):
    database.execute("ALTER TABLE orders RENAME TO sales")
    yield
    database.execute("ALTER TABLE sales RENAME TO orders")


@pytest.mark.parametrize("command", [*READING, tuple(an_order())], ids=" ".join)
def test_a_table_that_is_not_there_is_2(ordercache, database, cache, command):
    with table_renamed(database):
        run = ordercache(*command)
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
    assert added(database) == []
    assert cache.keys() == []


@pytest.mark.parametrize("command", [*READING, tuple(an_order())], ids=" ".join)
def test_a_permission_that_lacks_is_3(ordercache, postgres, command):
    run = ordercache(*command, env={"PG_SERVICE_URI": postgres.uri(user="stranger", password="known")})
    assert (run.status, run.stdout) == (3, "")
    assert "permission denied" in run.stderr


def test_a_role_with_the_least_permissions_will_do(ordercache, postgres, database):
    database.execute("GRANT SELECT, INSERT ON orders TO stranger; GRANT USAGE ON SEQUENCE orders_orderid_seq TO stranger")
    least = {"PG_SERVICE_URI": postgres.uri(user="stranger", password="known")}
    assert ordercache("count", env=least).stdout == "12000\n"
    assert ordercache(*an_order(), env=least).status == 0
    assert ordercache("count", env=least).stdout == "12001\n"


@pytest.mark.parametrize("command", [("ttl",), ("invalidate",), tuple(an_order())], ids=" ".join)
def test_a_password_that_redis_rejects_is_4(ordercache, database, redis_server, command):
    run = ordercache(*command, env={"REDIS_SERVICE_URI": redis_server.uri("nobody:unknown@")})
    assert (run.status, run.stdout) == (4, "")
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
    assert "unknown" not in run.stderr
    assert added(database) == []


@pytest.fixture
def replica(ordercache, lone_redis):
    """Redis as a replica of nobody who answers."""
    lone_redis.client().replicaof("127.0.0.1", 1)
    ordercache.environment["REDIS_SERVICE_URI"] = lone_redis.service_uri()


@pytest.mark.usefixtures("replica")
def test_a_replica_takes_no_drop(ordercache, database):
    assert ordercache(*an_order()).status == 4
    assert ordercache("invalidate", "--customer", "9999").status == 4
    assert added(database) == []


@pytest.mark.usefixtures("replica")
def test_a_replica_does_not_keep_postgresql_from_answering(ordercache):
    run = ordercache("count")
    assert (run.status, run.stdout) == (0, "12000\n")
    assert run.stderr.startswith("ordercache: warning: ")


def test_postgresql_is_blamed_first_where_both_are_down(ordercache):
    with refusing_port() as port:
        run = ordercache("count", env={
            "PG_SERVICE_URI": f"postgresql://u@127.0.0.1:{port}/x", "REDIS_SERVICE_URI": f"redis://127.0.0.1:{port}",
        })
    assert (run.status, run.stdout) == (3, "")
    warning, error = run.stderr.splitlines()
    assert warning.startswith("ordercache: warning: cannot connect to Redis")
    assert error.startswith("ordercache: error: cannot connect to PostgreSQL")
