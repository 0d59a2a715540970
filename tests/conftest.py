"""The fixtures: servers for the session, a fresh database and an empty cache for a test, and the program."""

import itertools
import os
import shutil
import signal

import pytest

import servers
from certificates import Authority
from following import install
from peers import Listener
from postgres_peers import PgBouncer, Standby
from program import PROGRAM, Program

PASSED_ON = [name for name in os.environ if name.endswith("SAN_OPTIONS")]


def pytest_sessionstart():
    # A shell's background job ignores SIGINT, and nohup SIGHUP. The programs that are to end by them would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if not os.access(PROGRAM, os.X_OK):
        pytest.exit(f"there is no {PROGRAM}: build it first, or name another in ORDERCACHE", returncode=1)


def pytest_terminal_summary(terminalreporter):
    """The closing line of the stage. A test that was skipped has not shown anything: it counts as failed."""
    stats = terminalreporter.stats
    failed = sum(len(stats.get(kind, [])) for kind in ("failed", "error", "skipped"))
    terminalreporter.write_line(f"{len(stats.get('passed', []))} passed, {failed} failed")


@pytest.fixture(scope="session")
def folder():
    folder = servers.temporary_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres(folder):
    server = servers.Postgres(folder)
    try:
        server.create()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def standby(postgres):
    folder = servers.temporary_folder()
    server = Standby(folder, postgres)
    try:
        server.create()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def redis_server(folder, authority):
    of_a_kind = servers.Cluster(folder, replicas=0) if servers.CACHE == "cluster" else single_redis(folder, authority)
    with servers.running(of_a_kind) as server:
        yield server


def single_redis(folder, authority):
    return servers.Redis(folder, authority=authority if servers.CACHE == "tls" else None)


@pytest.fixture
def lone_redis(folder, authority):
    """A Redis of the test's own: one server, though the suite meet a cluster, with databases by number."""
    with servers.running(single_redis(folder, authority)) as server:
        yield server


@pytest.fixture(scope="session")
def authority(folder):
    return Authority(folder, "authority")


@pytest.fixture
def pool(folder, postgres):
    """What stands between the program and PostgreSQL, if anything shall. A new one for each test, so that it knows of no
    connection from before."""
    if servers.STORE != "pgbouncer":
        yield None
        return
    with servers.running(PgBouncer(folder, postgres, size=20)) as pool, postgres.behind(pool):
        yield pool


@pytest.fixture(scope="session")
def fresh_databases():
    """What the last test left as it was: one, or none."""
    return []


@pytest.fixture
def database(postgres, pool, fresh_databases, numbers=itertools.count(1)):
    if not fresh_databases:
        database = servers.Database(postgres, f"store_{next(numbers)}")
        database.create()
        fresh_databases.append(database)
    database = fresh_databases.pop()
    yield database
    if database.is_fresh():
        fresh_databases.append(database)
    else:
        database.drop()


@pytest.fixture
def cache(redis_server):
    """A client of Redis, which is empty."""
    client = redis_server.client()
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def program():
    """The program with an empty environment: it knows of no server."""
    program = Program({name: os.environ[name] for name in PASSED_ON})
    yield program
    program.end()


@pytest.fixture
def ordercache(program, postgres, database, redis_server, authority, cache):
    """The program with a fresh database and an empty cache."""
    program.environment.update(
        PG_SERVICE_URI=postgres.uri(), PG_DATABASE=database.name, REDIS_SERVICE_URI=redis_server.service_uri(),
    )
    if servers.CACHE == "tls":
        program.environment["SSL_CERT_FILE"] = authority.file
    return program


@pytest.fixture
def untouched(program):
    """The program between a PostgreSQL and a Redis that must see no connection."""
    with Listener() as postgres, Listener() as cache:
        program.environment.update(
            PG_SERVICE_URI=f"postgresql://tester@127.0.0.1:{postgres.port}/defaultdb",
            REDIS_SERVICE_URI=f"redis://127.0.0.1:{cache.port}",
        )
        yield program
        assert (postgres.connections, cache.connections) == (0, 0)


@pytest.fixture
def followed(ordercache, database):
    """The program, with a database that notes what others change."""
    install(ordercache, database)
    return ordercache
