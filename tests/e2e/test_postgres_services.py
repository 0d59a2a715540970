"""PostgreSQL as people run it: pools, standbys, several hosts, roles with little, other schemas, certificates."""

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

import psycopg2
import pytest

import servers
from certificates import Authority
from keys import values
from orders import CSV, LAST_ORDER, NEXT_ORDER, added, an_order
from peers import Listener, Proxy, refusing_port, shut
from postgres_peers import PgBouncer

TRIGGER = (
    "CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {} END';"
    "CREATE TRIGGER act BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION act()"
)


def is_an_error(run, status, *words):
    """Whether the run failed with that status and one line, which has the words."""
    return (
        (run.status, run.stdout) == (status, "")
        and run.stderr.startswith("ordercache: error: ")
        and run.stderr.count("\n") == 1
        and all(word in run.stderr for word in words)
    )


def grant_least(database):
    database.execute(
        "GRANT SELECT, INSERT ON orders TO stranger; GRANT USAGE ON SEQUENCE orders_orderid_seq TO stranger"
    )


# Behind PgBouncer

@pytest.fixture
def pgbouncer(folder, postgres):
    """A new one for each test: Debian 12's may die of a query that is cancelled."""
    with servers.running(PgBouncer(folder, postgres)) as pool:
        yield pool


@pytest.fixture
def pooled(ordercache, postgres, pgbouncer):
    """The program with PgBouncer in the place of PostgreSQL."""
    ordercache.environment["PG_SERVICE_URI"] = postgres.uri(port=pgbouncer.port)
    return ordercache


def test_pgbouncer_in_transaction_mode_will_do(pooled, cache, database):
    assert pooled("count").stdout == "12000\n"
    assert cache.get("num_orders:all") == "12000"
    run = pooled(*an_order())
    assert (run.status, run.stdout, run.stderr) == (0, f"{NEXT_ORDER}\n", "")
    assert cache.get("num_orders:all") == "12001"
    assert pooled("count", "--customer", "9999").stdout == "2\n"
    assert pooled(*an_order(), "--dry-run").status == 0
    assert len(added(database)) == 1


def test_behind_pgbouncer_a_role_logs_in_with_its_password(pooled, postgres, pgbouncer, database):
    grant_least(database)
    uri = postgres.uri(user="stranger", password="known", port=pgbouncer.port)
    assert pooled("count", env={"PG_SERVICE_URI": uri}).stdout == "12000\n"


def test_a_password_that_pgbouncer_rejects_is_3_and_not_shown(pooled, postgres, pgbouncer):
    uri = postgres.uri(user="stranger", password="c4n4ry", port=pgbouncer.port)
    run = pooled("count", "-v", env={"PG_SERVICE_URI": uri})
    assert (run.status, run.stdout) == (3, "")
    assert "authentication failed; check the user and the password" in run.stderr and "c4n4ry" not in run.stderr


def test_a_parameter_that_pgbouncer_refuses_is_3_with_its_reason(pooled, postgres, pgbouncer):
    uri = postgres.uri(port=pgbouncer.port) + "?options=-c%20work_mem%3D64MB"
    assert is_an_error(pooled("count", env={"PG_SERVICE_URI": uri}), 3, "unsupported startup parameter")


def test_an_audit_works_behind_pgbouncer(pooled, cache, database):
    pooled("count")
    cache.set("num_orders:9999", 1)
    assert pooled("invalidate", "--stale").stdout == "0\n"
    cache.mset({"num_orders:all": 11999, "num_orders:9999": 2})
    assert pooled("invalidate", "--stale").stdout == "2\n"
    assert cache.keys() == []
    assert pooled("count").stdout == "12000\n"


def test_a_writer_behind_pgbouncer_keeps_a_reader_from_storing(pooled, cache, database, postgres):
    with contextlib.closing(database.connect()) as writer, writer.cursor() as cursor:
        writer.autocommit = False
        cursor.execute("SELECT pg_advisory_xact_lock_shared(x'6f726463'::int, 0)")
        assert pooled("count").stdout == "12000\n"
        assert cache.get("num_orders:all") is None


def test_past_its_timeout_a_query_behind_pgbouncer_is_cancelled_too(pooled, database):
    with database.orders_locked():
        assert is_an_error(pooled("count", "--timeout", "1"), 3, "--timeout")
        database.wait_for_no_activity("count(*)")


def test_pgbouncer_outlives_the_queries_that_are_cancelled(pooled, database):
    with database.orders_locked():
        for _ in range(8):
            assert is_an_error(pooled("count", "--timeout", "0.5"), 3, "--timeout")
    assert pooled("count").stdout == "12000\n"


def test_a_pool_without_a_free_connection_is_waited_for_until_the_timeout(pooled, postgres, pgbouncer, database):
    with contextlib.closing(psycopg2.connect(postgres.uri(database.name, port=pgbouncer.port))) as other, other.cursor() as cursor:
        cursor.execute("SELECT 1")
        run = pooled("count", "--timeout", "1")
        assert is_an_error(run, 3) and run.seconds < 10


def test_the_outcome_of_a_commit_is_learnt_through_pgbouncer(ordercache, postgres, pgbouncer, database):
    def lose_the_answer(proxy, client, server, message):
        proxy.mute(server)
        server.sendall(message)
        time.sleep(0.5)
        shut(client)

    with Proxy(pgbouncer.port, trigger=b"COMMIT\0", act=lose_the_answer) as proxy:
        run = ordercache(*an_order(), env={"PG_SERVICE_URI": postgres.uri(port=proxy.port)})
        assert proxy.triggered
    assert (run.status, run.stdout) == (0, f"{NEXT_ORDER}\n")
    assert len(added(database)) == 1


# A hot standby, and several hosts

@pytest.fixture
def caught_up(standby, database):
    """The standby, once it has the test's database."""
    standby.catch_up()
    return standby


def several_hosts(ports, attributes=""):
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"postgresql://{servers.USER}@{hosts}/defaultdb{attributes}"


@pytest.mark.parametrize("command", [("count",), ("count", "--customer", "9999"), ("count", "--refresh")], ids=" ".join)
def test_a_hot_standby_answers_and_its_count_is_never_stored(ordercache, caught_up, cache, command):
    run = ordercache(*command, env={"PG_SERVICE_URI": caught_up.uri()})
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout in ("12000\n", "1\n")
    assert values(cache) == []


@pytest.mark.parametrize("key", ["num_orders:all", "num_orders:9999"])
def test_nothing_is_called_wrong_by_a_hot_standby(ordercache, caught_up, cache, key):
    cache.set(key, 5)
    run = ordercache("invalidate", "--stale", env={"PG_SERVICE_URI": caught_up.uri()})
    assert is_an_error(run, 3, "standby", "primary", "PG_SERVICE_URI")
    assert cache.get(key) == "5"


@pytest.mark.parametrize("mode", [(), ("--no-cache",), ("--dry-run",)], ids=" ".join)
def test_an_add_on_a_hot_standby_says_what_is_wrong(ordercache, caught_up, database, cache, mode):
    cache.set("num_orders:all", 12000)
    run = ordercache(*an_order(), *mode, "-q", env={"PG_SERVICE_URI": caught_up.uri()})
    assert is_an_error(run, 3, "read-only")
    assert added(database) == []
    assert cache.get("num_orders:all") == "12000"


def test_a_follower_waits_for_a_hot_standby_to_be_the_primary(ordercache, caught_up, database, cache):
    database.execute(ordercache("invalidate", "--follow-sql").stdout)
    caught_up.catch_up()
    follower = ordercache.start("invalidate", "--follow", env={"PG_SERVICE_URI": caught_up.uri()})
    line = follower.stderr.readline()
    assert line.startswith("ordercache: warning: PostgreSQL at ") and "it is a standby" in line
    with pytest.raises(subprocess.TimeoutExpired):
        follower.wait(1)
    follower.terminate()
    assert follower.wait(10) == -signal.SIGTERM


def test_a_host_that_refuses_is_passed_over(ordercache, postgres, database):
    with refusing_port() as port:
        run = ordercache(*an_order(), env={"PG_SERVICE_URI": several_hosts([port, postgres.service_port])})
    assert (run.status, run.stdout, run.stderr) == (0, f"{NEXT_ORDER}\n", "")
    assert len(added(database)) == 1


def test_a_host_that_says_nothing_is_passed_over(ordercache, postgres, database):
    with Listener() as silent:
        run = ordercache(*an_order(), env={"PG_SERVICE_URI": several_hosts([silent.port, postgres.service_port])})
    assert (run.status, run.stdout, run.stderr) == (0, f"{NEXT_ORDER}\n", "")
    assert run.seconds < 5


def test_target_session_attrs_passes_a_standby_over(ordercache, postgres, caught_up, database, cache):
    uri = several_hosts([caught_up.port, postgres.service_port], "?target_session_attrs=read-write")
    assert ordercache("count", env={"PG_SERVICE_URI": uri}).stdout == "12000\n"
    assert cache.get("num_orders:all") == "12000"
    assert ordercache(*an_order(), env={"PG_SERVICE_URI": uri}).stdout == f"{NEXT_ORDER}\n"
    assert len(added(database)) == 1


def test_hosts_none_of_which_is_read_write_are_all_named(ordercache, caught_up):
    with refusing_port() as port:
        uri = several_hosts([port, caught_up.port], "?target_session_attrs=read-write")
        run = ordercache(*an_order(), env={"PG_SERVICE_URI": uri})
    assert is_an_error(run, 3, f"port {port}", f"port {caught_up.port}", "Connection refused", "read-only")


def test_a_standby_that_answers_after_the_primary_is_lost_cannot_tell_an_outcome(ordercache, postgres, caught_up, database):
    def lose_the_primary(proxy, client, server, _message):
        proxy.refusing = True
        shut(server)
        shut(client)

    with Proxy(postgres.service_port, trigger=b"COMMIT\0", act=lose_the_primary) as proxy:
        uri = several_hosts([proxy.port, caught_up.port])
        run = ordercache(*an_order(), "--timeout", "2", env={"PG_SERVICE_URI": uri})
        assert proxy.triggered
    assert is_an_error(run, 5, "SELECT orderid")
    assert added(database) == []


# What a server's owner sets

def test_a_statement_timeout_of_the_servers_is_3_with_its_reason(ordercache, database):
    database.execute(f"ALTER DATABASE {database.name} SET statement_timeout = '300ms'")
    with database.orders_locked():
        for command in (["count"], an_order()):
            run = ordercache(*command)
            assert is_an_error(run, 3, "statement timeout") and run.seconds < 10
    assert added(database) == []


def test_a_server_that_ends_the_idle_transaction_leaves_nothing_written(ordercache, database, cache):
    database.execute(f"ALTER DATABASE {database.name} SET idle_in_transaction_session_timeout = '100ms'")
    cache.execute_command("CLIENT", "PAUSE", 1800, "WRITE")
    assert is_an_error(ordercache(*an_order()), 3)
    assert added(database) == []


@pytest.mark.parametrize("command", [("count",), tuple(an_order()), ("add", "--from=-")], ids=" ".join)
def test_a_session_that_an_administrator_ends_is_a_connection_that_was_lost(ordercache, database, tmp_path, command):
    orders = tmp_path / "orders.csv"
    orders.write_text(CSV)
    with database.orders_locked():
        with orders.open() as stdin:
            process = ordercache.start(*command, stdin=stdin)
        database.wait_for_activity("orders")
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ordercache'")
        stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout) == (3, "")
    assert "lost the connection: " in stderr and stderr.count("\n") == 1
    assert "terminating connection due to administrator command" in stderr


def test_orders_may_be_in_the_schema_that_the_role_looks_in(ordercache, postgres, database):
    database.execute("CREATE SCHEMA shop; ALTER TABLE orders SET SCHEMA shop; GRANT USAGE ON SCHEMA shop TO stranger")
    database.execute(f"ALTER ROLE stranger IN DATABASE {database.name} SET search_path = shop")
    database.execute(
        "GRANT SELECT, INSERT ON shop.orders TO stranger; GRANT USAGE ON SEQUENCE shop.orders_orderid_seq TO stranger"
    )
    ordercache.environment["PG_SERVICE_URI"] = postgres.uri(user="stranger", password="known")
    assert ordercache("count").stdout == "12000\n"
    assert ordercache(*an_order()).stdout == f"{NEXT_ORDER}\n"
    assert ordercache("count").stdout == "12001\n"


def test_options_in_the_uri_reach_the_server(ordercache, postgres, database):
    database.execute("CREATE SCHEMA shop; ALTER TABLE orders SET SCHEMA shop")
    uri = postgres.uri(port=postgres.port) + "?options=-c%20search_path%3Dshop"  # no pool passes options on
    assert is_an_error(ordercache("count"), 2, "orders", "does not exist", "PG_DATABASE", "ORDERS_TABLE")
    assert ordercache("count", env={"PG_SERVICE_URI": uri}).stdout == "12000\n"
    assert ordercache(*an_order(), env={"PG_SERVICE_URI": uri}).stdout == f"{NEXT_ORDER}\n"


def test_a_sequence_that_the_role_may_not_use_is_3_and_named(ordercache, postgres, database):
    database.execute("GRANT SELECT, INSERT ON orders TO stranger")
    run = ordercache(*an_order(), env={"PG_SERVICE_URI": postgres.uri(user="stranger", password="known")})
    assert is_an_error(run, 3, "permission denied for sequence orders_orderid_seq")


@pytest.mark.parametrize("count", [2**31, 2**32 + 1, 2**53 + 1], ids=["2^31", "2^32 + 1", "2^53 + 1"])
@pytest.mark.parametrize("scope, rows", [([], LAST_ORDER), (["--customer=9999"], 1)], ids=["total", "customer"])
def test_a_count_of_any_size_is_told_and_cached_exactly(ordercache, database, cache, count, scope, rows):
    # To count that many rows takes minutes: this count(*) begins with a large number instead of 0.
    database.execute(
        "CREATE SCHEMA large;"
        f"CREATE AGGREGATE large.count(*) (sfunc = int8inc, stype = int8, initcond = '{count - rows}');"
        f"ALTER DATABASE {database.name} SET search_path = large, public, pg_catalog"
    )
    assert ordercache("count", *scope).stdout == f"{count}\n"
    assert [cache.get(key) for key in values(cache)] == [str(count)]
    assert ordercache("count", *scope, "--json").stdout == f'{{"count":{count}}}\n'


def test_a_server_without_a_free_connection_is_3_with_its_reason(ordercache, postgres, database):
    grant_least(database)
    with contextlib.ExitStack() as taken:
        with pytest.raises(psycopg2.OperationalError):
            while True:
                taken.enter_context(contextlib.closing(database.connect()))
        run = ordercache("count", env={"PG_SERVICE_URI": postgres.uri(user="stranger", password="known")})
    assert is_an_error(run, 3, "too many clients")


# Other ways to name a server

def test_pghost_and_pgport_say_what_the_uri_leaves_out(ordercache, postgres):
    for host in ("127.0.0.1", postgres.folder):
        run = ordercache("count", "--no-cache", env={
            "PG_SERVICE_URI": "postgresql://", "PGHOST": host, "PGPORT": postgres.service_port, "PGUSER": servers.USER,
        })
        assert (run.status, run.stdout, run.stderr) == (0, "12000\n", "")


def test_a_password_may_come_from_pgpassword_or_a_passfile(ordercache, postgres, database, tmp_path):
    grant_least(database)
    passfile = tmp_path / "pgpass"
    passfile.write_text("*:*:*:stranger:known\n")
    passfile.chmod(0o600)
    uri = f"postgresql://stranger@127.0.0.1:{postgres.service_port}/defaultdb"
    for source in ({"PGPASSWORD": "known"}, {"PGPASSFILE": passfile}):
        assert ordercache("count", "--no-cache", env={"PG_SERVICE_URI": uri, **source}).stdout == "12000\n"


def test_a_service_file_may_name_the_server(ordercache, postgres, tmp_path):
    services = tmp_path / "services"
    services.write_text(f"[shop]\nhost=127.0.0.1\nport={postgres.service_port}\nuser={servers.USER}\n")
    for uri in ("postgresql://?service=shop", "service=shop"):
        run = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": uri, "PGSERVICEFILE": services})
        assert (run.status, run.stdout, run.stderr) == (0, "12000\n", "")


@pytest.mark.parametrize("form", ["postgresql://{user}@{escaped}:{port}/defaultdb", "postgresql://{user}@/defaultdb?host={folder}&port={port}"])
def test_a_uri_may_name_the_folder_of_a_unix_socket(ordercache, postgres, form):
    escaped = str(postgres.folder).replace("/", "%2F")
    uri = form.format(user=servers.USER, folder=postgres.folder, escaped=escaped, port=postgres.service_port)
    run = ordercache("count", env={"PG_SERVICE_URI": uri})
    assert (run.status, run.stdout, run.stderr) == (0, "12000\n", "")


# Settings that nothing but the user mends

@pytest.mark.parametrize("setting", [
    "sslmode=no-verify", "channel_binding=x", "gssencmode=x", "connect_timeout=abc", "target_session_attrs=master",
    "keepalives=abc", "ssl_min_protocol_version=x", "hostaddr=1.2.3.4,5.6.7.8", "sslmode=s3cret",
])
def test_a_value_that_libpq_refuses_is_2_and_not_shown(ordercache, postgres, setting):
    run = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": f"{postgres.uri()}?{setting}"})
    assert is_an_error(run, 2, "PG_SERVICE_URI")
    assert "abc" not in run.stderr and "s3cret" not in run.stderr


@pytest.mark.parametrize("name, value", [
    ("PGSSLMODE", "no-verify"), ("PGCONNECT_TIMEOUT", "abc"), ("PGTARGETSESSIONATTRS", "master"), ("PGSERVICE", "nowhere"),
])
def test_a_value_of_a_variable_that_libpq_refuses_is_2(ordercache, postgres, name, value):
    uri = "postgresql://?service=nowhere" if name == "PGSERVICE" else postgres.uri()
    run = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": uri, name: value})
    assert is_an_error(run, 2, "a variable or file of libpq's")


@pytest.mark.parametrize("option", ["schema=public", "pgbouncer=true"])
def test_an_option_of_other_clients_is_named(ordercache, postgres, option):
    run = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": f"{postgres.uri()}?{option}"})
    assert is_an_error(run, 2, f"the option {option.split('=')[0]} is unknown: leave it out")


@pytest.mark.parametrize("command", [("count", "--no-cache"), tuple(an_order())], ids=" ".join)
def test_a_pooler_that_forbids_transactions_is_2_with_its_words(ordercache, folder, postgres, database, command):
    with servers.running(PgBouncer(folder, postgres, mode="statement")) as pool:
        run = ordercache(*command, env={"PG_SERVICE_URI": postgres.uri(port=pool.port)})
    if command == ("count", "--no-cache"):
        assert run.stdout == "12000\n"
    else:
        assert is_an_error(run, 2, "statement pooling")
        assert added(database) == []


# Words

def test_a_remark_of_libpq_s_on_a_passfile_is_not_shown_but_told(ordercache, postgres, database, tmp_path):
    grant_least(database)
    passfile = tmp_path / "pgpass"
    passfile.write_text("*:*:*:stranger:known\n")
    passfile.chmod(0o640)
    uri = f"postgresql://stranger@127.0.0.1:{postgres.service_port}/defaultdb"
    run = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": uri, "PGPASSFILE": passfile})
    assert is_an_error(run, 3, "password", "0600")


def test_the_words_of_a_latin1_server_are_shown_in_utf_8(ordercache, postgres):
    legacy = servers.Database(postgres, "legacy")
    postgres.execute("postgres", "CREATE DATABASE legacy ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    legacy.execute(
        "CREATE TABLE orders (orderid serial, orderdate date, customerid int, netamount numeric(12,2),"
        " tax numeric(12,2), totalamount numeric(12,2));"
        + TRIGGER.format("RAISE EXCEPTION USING MESSAGE = ''Z'' || chr(252) || ''rich'';")
    )
    run = ordercache(*an_order(), env={"PG_DATABASE": "legacy"})
    legacy.drop()
    assert is_an_error(run, 1, "rejected: Zürich\n")


def test_what_a_server_says_before_it_knows_the_encoding_is_shown_in_utf_8(ordercache):
    run = ordercache("count", "--no-cache", env={"PG_DATABASE": os.fsdecode(b"Z\xfcrich")})
    assert is_an_error(run, 3, 'database "Z?rich" does not exist')


def test_a_notice_at_the_start_of_a_session_is_not_shown(ordercache, database):
    database.execute(f"UPDATE pg_database SET datcollversion = '0' WHERE datname = '{database.name}'")
    run = ordercache("count", "--no-cache")
    assert (run.status, run.stdout, run.stderr) == (0, "12000\n", "")


def test_a_connection_that_the_network_resets_is_not_blamed_on_the_server(ordercache, postgres):
    def reset(_proxy, client, _server, _message):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    with Proxy(postgres.service_port, trigger=b"count(", act=reset) as proxy:
        run = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": postgres.uri(port=proxy.port)})
    assert is_an_error(run, 3, "lost the connection: ")
    assert "its log" not in run.stderr


def test_advice_goes_by_the_cause(ordercache, postgres):
    run = ordercache("count", "--no-cache", env={"PG_DATABASE": "nowhere"})
    assert is_an_error(run, 3, "; set PG_DATABASE to use another database")
    uri = postgres.uri(user="nowhere", port=postgres.port)
    run = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": uri, "PG_DATABASE": "nowhere"})
    assert is_an_error(run, 3, 'role "nowhere" does not exist') and "PG_DATABASE" not in run.stderr


# Limits that the user sets

@pytest.mark.parametrize("environment, query", [({}, "?connect_timeout=7"), ({"PGCONNECT_TIMEOUT": "7"}, "")])
def test_a_longer_connect_timeout_of_the_user_s_is_heeded(ordercache, postgres, environment, query):
    def answer_late(_proxy, _client, server, message):
        time.sleep(5.5)
        server.sendall(message)

    with Proxy(postgres.service_port, trigger=b"ordercache", act=answer_late) as proxy:
        run = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": postgres.uri(port=proxy.port) + query, **environment})
    assert (run.status, run.stdout) == (0, "12000\n")


# Files that libpq opens

@pytest.mark.parametrize("setting", ["sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile", "PGSERVICEFILE"])
@pytest.mark.parametrize("ends_by", ["--timeout", "SIGTERM"])
def test_a_file_that_hangs_does_not_outlast_the_bounds(ordercache, certified, authority, tmp_path, setting, ends_by):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    fifo.chmod(0o600)
    uri = tls_uri(certified, "127.0.0.1", sslmode="verify-ca", sslrootcert="/dev/null") + f"&{setting}={fifo}"
    environment = {"PG_SERVICE_URI": uri}
    if setting == "sslkey":
        environment["PG_SERVICE_URI"] += f"&sslcert={authority.sign('localhost', 'DNS:localhost')}"
    if setting == "PGSERVICEFILE":
        environment = {"PG_SERVICE_URI": "service=shop", setting: fifo}
    process = ordercache.start("count", "--no-cache", "--timeout=2", env=environment)
    if ends_by == "SIGTERM":
        time.sleep(0.5)
        process.terminate()
    assert process.wait(timeout=6) in (3, -signal.SIGTERM)


# TLS

@pytest.fixture(scope="module")
def key(authority):
    """The authority's key, for PostgreSQL's user alone."""
    key = authority.key.with_name("postgres.key")
    shutil.copy(authority.key, key)
    if os.geteuid() == 0:
        shutil.chown(key, user="postgres")
    return key


@pytest.fixture
def certified(postgres, authority, key):
    """PostgreSQL with a certificate for localhost."""
    certificate = authority.sign("localhost", "DNS:localhost")
    with (
        postgres.setting("ssl_cert_file", certificate), postgres.setting("ssl_key_file", key), postgres.setting("ssl", "on"),
    ):
        yield postgres


def tls_uri(postgres, host, **options):
    query = "&".join(f"{name}={value}" for name, value in options.items())
    return f"postgresql://{servers.USER}:unused@{host}:{postgres.port}/defaultdb?{query}"  # whatever stands before it


def test_sslmode_require_is_encrypted(ordercache, certified, database):
    with database.log() as log:
        run = ordercache("count", env={"PG_SERVICE_URI": tls_uri(certified, "127.0.0.1", sslmode="require")})
    assert (run.status, run.stdout, run.stderr) == (0, "12000\n", "")
    assert any("SSL enabled" in line for line in log)


def test_verify_full_takes_the_authority_from_the_uri_or_the_environment(ordercache, certified, authority):
    uri = tls_uri(certified, "localhost", sslmode="verify-full", sslrootcert=authority.file)
    assert ordercache("count", env={"PG_SERVICE_URI": uri}).stdout == "12000\n"
    uri = tls_uri(certified, "localhost", sslmode="verify-full")
    run = ordercache(*an_order(), env={"PG_SERVICE_URI": uri, "PGSSLROOTCERT": authority.file})
    assert (run.status, run.stdout, run.stderr) == (0, f"{NEXT_ORDER}\n", "")


def test_verify_full_refuses_a_certificate_for_another_host(ordercache, certified, authority):
    uri = tls_uri(certified, "127.0.0.1", sslmode="verify-full", sslrootcert=authority.file)
    run = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": uri})
    assert is_an_error(run, 3, "certificate", "localhost", "127.0.0.1")


def test_verify_full_refuses_a_certificate_of_an_unknown_authority(ordercache, certified, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    uri = tls_uri(certified, "localhost", sslmode="verify-full", sslrootcert=stranger.file)
    assert is_an_error(ordercache("count", "--no-cache", env={"PG_SERVICE_URI": uri}), 3, "certificate verify failed")


def test_verify_full_without_an_authority_says_what_to_set(ordercache, certified):
    uri = tls_uri(certified, "localhost", sslmode="verify-full")
    run = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": uri})
    assert is_an_error(run, 3, "root certificate file")


def test_a_server_without_tls_is_refused_where_tls_is_required(ordercache, postgres):
    run = ordercache("count", "--no-cache", env={"PG_SERVICE_URI": tls_uri(postgres, "127.0.0.1", sslmode="require")})
    assert is_an_error(run, 3, "does not support SSL")


# What a database does with an order

def test_a_trigger_that_skips_the_order_is_a_no(ordercache, database, cache):
    cache.set("num_orders:all", 12000)
    database.execute(TRIGGER.format("RETURN NULL;"))
    assert is_an_error(ordercache(*an_order()), 1, "skipped")
    assert added(database) == []
    assert cache.get("num_orders:all") == "12000"


def test_a_trigger_that_takes_the_customer_away_is_a_no(ordercache, database):
    database.execute(TRIGGER.format("NEW.customerid := NULL; RETURN NEW;"))
    assert is_an_error(ordercache(*an_order()), 1, "customer")
    assert added(database) == []


@pytest.mark.parametrize("trigger, keys", [(False, [0, 9999]), (True, [-1])], ids=["plain", "with a trigger"])
def test_an_add_holds_the_lock_on_what_it_changes(ordercache, database, postgres, trigger, keys):
    if trigger:
        database.execute(TRIGGER.format("RETURN NEW;"))
    with postgres.setting("synchronous_standby_names", "nobody"):
        process = ordercache.start(*an_order())
        database.wait_for_commit()
        locks = database.rows("SELECT objid::int FROM pg_locks WHERE locktype = 'advisory' AND classid = x'6f726463'::int")
    assert sorted(key for (key,) in locks) == keys
    assert process.communicate(timeout=20)[0] == f"{NEXT_ORDER}\n"


@pytest.mark.parametrize("language", ["C", "de_DE.UTF-8"])
def test_an_order_that_row_security_forbids_is_a_no(ordercache, postgres, database, language):
    grant_least(database)
    database.execute(
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY own ON orders USING (customerid < 100) WITH CHECK (customerid < 100);"
        f"ALTER DATABASE {database.name} SET lc_messages = '{language}'"
    )
    ordercache.environment["PG_SERVICE_URI"] = postgres.uri(user="stranger", password="known")
    for dry_run in ([], ["--dry-run"]):
        assert is_an_error(ordercache(*an_order(), *dry_run), 1, "rejected: ", "»orders«" if language != "C" else "row-level")
    assert ordercache(*an_order(customer=7)).stdout == f"{NEXT_ORDER + 2}\n"
    assert len(added(database)) == 1


def test_a_right_that_lacks_beside_row_security_is_3(ordercache, postgres, database):
    database.execute("ALTER TABLE orders ENABLE ROW LEVEL SECURITY; GRANT SELECT ON orders TO stranger")
    run = ordercache(*an_order(), env={"PG_SERVICE_URI": postgres.uri(user="stranger", password="known")})
    assert is_an_error(run, 3, "permission denied for table orders")


# Who changes more than it says

ORDER_OF_ANOTHER = (
    "CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
    " IF NEW.customerid = 9999 THEN INSERT INTO {} (orderdate, customerid, netamount, tax, totalamount)"
    " VALUES (NEW.orderdate, 1, 0, 0, 0); END IF; RETURN NULL; END';"
)
AFTER_TRIGGER = ORDER_OF_ANOTHER.format("orders") + (
    "CREATE TRIGGER act AFTER INSERT ON {} FOR EACH ROW EXECUTE FUNCTION act()"
)
PARTITIONED = (
    "CREATE TABLE parted (LIKE orders INCLUDING DEFAULTS) PARTITION BY RANGE (orderid);"
    "CREATE TABLE early PARTITION OF parted FOR VALUES FROM (0) TO (1000000);"
    "INSERT INTO parted SELECT * FROM orders; ALTER TABLE orders RENAME TO single; ALTER TABLE parted RENAME TO orders;"
)
CHANGING_MORE = {
    "a trigger": AFTER_TRIGGER.format("orders"),
    "a trigger of a partition's": PARTITIONED + AFTER_TRIGGER.format("early"),
    "a default that writes": (
        "ALTER TABLE orders ADD note integer;"
        "CREATE FUNCTION one_more() RETURNS integer LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount, note)"
        " VALUES (''2004-01-01'', 1, 77, 0, 77, 1); RETURN 1; END';"
        "ALTER TABLE orders ALTER note SET DEFAULT one_more()"
    ),
    "a trigger of the partitioned table": PARTITIONED + (
        AFTER_TRIGGER.format("orders") + "; ALTER TABLE ONLY orders DISABLE TRIGGER act"
    ),
    "a trigger of the table that the counted one is a part of": PARTITIONED + AFTER_TRIGGER.format("orders") + (
        "; ALTER TABLE orders RENAME TO whole; ALTER TABLE early RENAME TO orders"
    ),
    "a rule": (
        "CREATE RULE more AS ON INSERT TO orders DO ALSO"
        " UPDATE orders SET customerid = 1 WHERE orderid = (SELECT min(orderid) FROM orders WHERE customerid = 2)"
    ),
    "a view": "ALTER TABLE orders RENAME TO base; CREATE VIEW orders AS SELECT * FROM base",
    "row security": "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
}
"""What may change the counts of customers that an order does not name."""
PLAIN = {
    "a table": "SELECT",
    "a partitioned table": PARTITIONED,
    "a trigger for deletes": (
        "CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';"
        "CREATE TRIGGER act BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION act()"
    ),
    "a trigger that is disabled": AFTER_TRIGGER.format("orders") + "; ALTER TABLE orders DISABLE TRIGGER act",
    "a trigger of the product's own": (
        "CREATE SCHEMA ordercache; CREATE FUNCTION ordercache.note_change() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER note AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION ordercache.note_change()"
    ),
}


def cache_some(ordercache, cache):
    for customer in ("9999", "1", "2"):
        assert ordercache("count", f"--customer={customer}").status == 0
    assert len(cache.keys()) == 3


@pytest.mark.parametrize("kind", CHANGING_MORE)
def test_an_order_that_may_change_more_counts_than_it_says_drops_every_one(ordercache, database, cache, kind):
    database.execute(CHANGING_MORE[kind])
    cache_some(ordercache, cache)
    assert ordercache(*an_order()).status == 0
    assert cache.keys() == []
    assert ordercache("count", "--customer=1").stdout.strip() == str(
        database.value("SELECT count(*) FROM orders WHERE customerid = 1")
    )


@pytest.mark.parametrize("kind", ["a trigger", "a trigger of a partition's", "row security"])
def test_a_file_that_may_change_more_counts_than_it_says_drops_every_one(ordercache, database, cache, kind):
    database.execute(CHANGING_MORE[kind])
    cache_some(ordercache, cache)
    run = ordercache("add", "--from=-", stdin=CSV)
    assert (run.status, run.stdout) == (0, "1\n")
    assert cache.keys() == []


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("command, stdin", [(an_order(), ""), (["add", "--from=-"], CSV)], ids=["an order", "a file"])
def test_an_add_to_a_plain_table_drops_what_it_changes_and_no_more(ordercache, database, cache, kind, command, stdin):
    database.execute(PLAIN[kind])
    cache_some(ordercache, cache)
    assert ordercache(*command, stdin=stdin).status == 0
    assert sorted(cache.keys()) == ["num_orders:1", "num_orders:2"]


def test_a_partition_is_looked_at_until_its_detachment_has_ended(ordercache, database, cache):
    """An order may have gone into it before the DETACH began."""
    if database.value("SHOW server_version_num") < "140000":
        return  # has no such thing
    database.execute(
        PARTITIONED + "CREATE TABLE late PARTITION OF orders FOR VALUES FROM (1000000) TO (2000000);" + AFTER_TRIGGER.format("late"),
    )
    with contextlib.closing(database.connect()) as reader, contextlib.closing(database.connect()) as owner:
        reader.autocommit = False
        reader.cursor().execute("SELECT FROM orders LIMIT 1")
        owner.cursor().execute("SET statement_timeout = '200ms'")
        with pytest.raises(psycopg2.errors.QueryCanceled):
            owner.cursor().execute("ALTER TABLE orders DETACH PARTITION late CONCURRENTLY")
    cache_some(ordercache, cache)
    assert ordercache(*an_order()).status == 0
    assert cache.keys() == []
    database.execute("ALTER TABLE orders DETACH PARTITION late FINALIZE")
    cache_some(ordercache, cache)
    assert ordercache(*an_order()).status == 0
    assert sorted(cache.keys()) == ["num_orders:1", "num_orders:2"]


def test_a_file_of_which_rows_are_skipped_is_rolled_back_with_how_many(ordercache, database, cache):
    database.execute(TRIGGER.format("RETURN CASE WHEN NEW.customerid = 1 THEN NULL ELSE NEW END;"))
    cache.set("num_orders:all", 12000)
    run = ordercache("add", "--from=-", stdin=CSV + "2023-03-10,1,1,0\n2023-03-10,2,1,0\n")
    assert is_an_error(run, 1, "2 of 3 orders", "skips")
    assert added(database) == []
    assert cache.get("num_orders:all") == "12000"


SKIPPING = "IF NEW.customerid = 1 THEN RETURN NULL; END IF;"
INSTEAD = (
    "ALTER TABLE orders RENAME TO base; CREATE VIEW orders AS SELECT * FROM base;"
    + TRIGGER.format(
        SKIPPING + " INSERT INTO base (orderdate, customerid, netamount, tax, totalamount)"
        " VALUES (NEW.orderdate, NEW.customerid, NEW.netamount, NEW.tax, NEW.totalamount) RETURNING * INTO NEW; RETURN NEW;"
    ).replace("BEFORE INSERT", "INSTEAD OF INSERT")
)
SKIPPED = {"a view": INSTEAD, "a table": TRIGGER.format(SKIPPING + " RETURN NEW;")}


@pytest.mark.parametrize("kind", SKIPPED)
def test_rows_that_are_skipped_are_noticed(ordercache, database, cache, kind):
    database.execute(SKIPPED[kind])
    cache.set("num_orders:all", 12000)
    run = ordercache("add", "--from=-", stdin=CSV + "2023-03-10,1,1,0\n2023-03-10,2,1,0\n")
    assert is_an_error(run, 1, "2 of 3 orders", "skips")
    assert added(database) == [] and cache.get("num_orders:all") == "12000"
    assert is_an_error(ordercache(*an_order(customer=1)), 1, "skipped")
    run = ordercache("add", "--from=-", stdin=CSV + "2023-03-10,2,1,0\n" * 6000)
    assert (run.status, run.stdout, run.stderr) == (0, "6001\n", "")
    assert len(added(database)) == 6001


def test_a_file_goes_into_a_view_that_postgresql_can_write(ordercache, database):
    database.execute(CHANGING_MORE["a view"])
    run = ordercache("add", "--from=-", stdin=CSV)
    assert (run.status, run.stdout, run.stderr) == (0, "1\n", "")
    assert len(added(database)) == 1
    run = ordercache("add", "--from=-", stdin=CSV + "2023-03-10,20001,1,0\n")
    assert is_an_error(run, 1, "customer 20001 does not exist (order 2 of the file)")
    database.execute("ALTER TABLE base ADD CHECK (netamount < 20) NOT VALID")
    run = ordercache("add", "--from=-", stdin=CSV + "2023-03-10,2,1,0\n")
    assert is_an_error(run, 1, "rejected: ", "(order 1 of the file)")
    assert len(added(database)) == 1


# Columns of other types

def test_customers_of_text_are_2_and_never_0(ordercache, database):
    database.execute("ALTER TABLE orders DROP CONSTRAINT fk_customerid; ALTER TABLE orders ALTER customerid TYPE text")
    for command in (["count", "--customer=1"], ["count", "--customer=1", "--customer=2"], ["count", "--customer=1", "--no-cache"]):
        assert is_an_error(ordercache(*command), 2, "column customerid")


def test_a_customer_that_the_column_cannot_hold_has_no_orders(ordercache, database):
    database.execute("ALTER TABLE orders DROP CONSTRAINT fk_customerid; ALTER TABLE orders ALTER customerid TYPE smallint")
    assert ordercache("count", "--customer=40000").stdout == "0\n"
    assert ordercache("count", "--customer=40000", "--customer=9999", "--refresh").stdout == "40000\t0\n9999\t1\n"


def test_a_number_that_the_column_rounds_is_not_taken_for_another(ordercache, database):
    database.execute("ALTER TABLE orders DROP CONSTRAINT fk_customerid; ALTER TABLE orders ALTER customerid TYPE real")
    counts = ("count", "--customer=16777216", "--customer=16777217")
    assert ordercache(*counts).stdout == "16777216\t0\n16777217\t0\n"
    assert ordercache(*an_order(customer=16777217), "--json").stdout.startswith('{"updated":{"customer":16777216,')
    assert ordercache(*counts).stdout == ordercache(*counts, "--refresh").stdout == "16777216\t1\n16777217\t0\n"


def test_a_sqlstate_of_the_users_own_is_a_rejection(ordercache, database):
    refuse = (
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION ''closed'' USING ERRCODE = ''{}''; END';"
    )
    database.execute(
        refuse.format("P0001") + "CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    for state in ("PT402", "U0001", "45000", "ZZ001"):
        database.execute(refuse.format(state))
        assert is_an_error(ordercache(*an_order()), 1, "rejected: closed")


@pytest.fixture
def foreign_orders(database):
    """The table lies in another database, which a foreign server serves."""
    database.execute(
        f"ALTER TABLE orders RENAME TO base; CREATE EXTENSION postgres_fdw;"
        f"CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{database.postgres.folder}',"
        f" port '{database.postgres.port}', dbname '{database.name}');"
        "CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (user 'tester');"
        "CREATE FOREIGN TABLE orders (orderid integer DEFAULT nextval('orders_orderid_seq'), orderdate date, customerid integer, netamount numeric(12,2),"
        " tax numeric(12,2), totalamount numeric(12,2)) SERVER elsewhere OPTIONS (table_name 'base');"
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION ''lost''; END';"
    )


def test_a_foreign_server_that_fails_at_commit_leaves_it_in_doubt(ordercache, foreign_orders, database):
    """It checks what is deferred when it commits, and no answer of its own says what it did."""
    database.execute(
        "CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON base DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lose()"
    )
    run = ordercache(*an_order())
    assert is_an_error(run, 5, "COMMIT failed", "SELECT orderid")


@pytest.mark.parametrize("type_", ["bigint", "numeric", "numeric(12,2)", "smallint", "double precision"])
def test_customers_may_be_numbers_of_any_type(ordercache, database, type_):
    database.execute(
        f"ALTER TABLE orders DROP CONSTRAINT fk_customerid; ALTER TABLE orders ALTER customerid TYPE {type_}"
    )
    assert ordercache(*an_order()).stdout == f"{NEXT_ORDER}\n"
    assert ordercache("add", "--from=-", stdin=CSV).stdout == "1\n"
    assert ordercache("count", "--customer=9999").stdout == "3\n"
    assert ordercache("count", "--customer=9999", "--customer=20001", "--refresh").stdout == "9999\t3\n20001\t0\n"


UUIDS = (
    "ALTER TABLE orders ALTER orderid DROP DEFAULT;"
    "ALTER TABLE orders ALTER orderid TYPE uuid USING gen_random_uuid();"
    "ALTER TABLE orders ALTER orderid SET DEFAULT gen_random_uuid()"
)


def test_a_uuid_is_told_as_it_is(ordercache, database):
    database.execute(UUIDS)
    run = ordercache(*an_order())
    [(key,)] = database.rows("SELECT orderid::text FROM orders WHERE orderdate = '2023-03-10' AND netamount = 23")
    assert (run.status, run.stdout, run.stderr) == (0, f"{key}\n", "")
    run = ordercache(*an_order(), "--json")
    assert json.loads(run.stdout)["updated"]["order"].count("-") == 4
    assert ordercache("add", "--from=-", stdin=CSV).stdout == "1\n"


def test_an_identity_may_have_an_old_sequence_beside_it(ordercache, database):
    database.execute(
        "ALTER TABLE orders ALTER orderid DROP DEFAULT;"
        "ALTER TABLE orders ALTER orderid ADD GENERATED ALWAYS AS IDENTITY (START 12001)"
    )
    assert ordercache(*an_order()).stdout == f"{NEXT_ORDER}\n"
    assert ordercache("add", "--from=-", stdin=CSV).stdout == "1\n"


UNFIT = {
    "customers that are no numbers": (
        "ALTER TABLE orders DROP CONSTRAINT fk_customerid; ALTER TABLE orders ALTER customerid TYPE uuid USING gen_random_uuid()"
    ),
    "a total that is generated": (
        "ALTER TABLE orders DROP totalamount;"
        "ALTER TABLE orders ADD totalamount numeric GENERATED ALWAYS AS (netamount + tax) STORED"
    ),
    "a column that is missing": "ALTER TABLE orders DROP tax",
    "a rule in its place": "CREATE RULE never AS ON INSERT TO orders WHERE NEW.customerid = 1 DO INSTEAD NOTHING",
}


@pytest.mark.parametrize("command", [
    ("count", "--customer=9999"), ("count", "--customer=9999", "--customer=1"), tuple(an_order()),
], ids=" ".join)
def test_customers_that_are_no_numbers_are_2_with_the_reason(ordercache, database, command):
    database.execute(UNFIT["customers that are no numbers"])
    assert is_an_error(ordercache(*command), 2, "column customerid is of type uuid", "ORDERS_CUSTOMER_TYPE=uuid")


@pytest.mark.parametrize("cause", UNFIT)
def test_a_table_that_the_program_cannot_write_is_2_with_the_reason(ordercache, database, cause):
    database.execute(UNFIT[cause])
    assert is_an_error(ordercache(*an_order()), 2, "the column" if cause == "customers that are no numbers" else "table orders")
    assert database.value("SELECT count(*) FROM orders") == LAST_ORDER


@pytest.mark.parametrize("cause", ["a total that is generated", "a column that is missing"])
def test_a_table_that_the_program_cannot_copy_to_is_2_with_the_reason(ordercache, database, cause):
    database.execute(UNFIT[cause])
    assert is_an_error(ordercache("add", "--from=-", stdin=CSV), 2, "table orders")


# A server that speaks German

@pytest.fixture
def german(database):
    database.execute(f"ALTER DATABASE {database.name} SET lc_messages = 'de_DE.UTF-8'")
    return database


def test_what_a_german_server_says_is_understood(ordercache, german):
    run = ordercache(*an_order(customer=20001))
    assert is_an_error(run, 1, "rejected: customer 20001 does not exist")
    run = ordercache("add", "--from=-", stdin=CSV + "2023-03-10,20001,1,0\n")
    assert is_an_error(run, 1, "customer 20001 does not exist (order 2 of the file)")
    german.execute("ALTER TABLE orders ADD CHECK (netamount < 20) NOT VALID")
    run = ordercache("add", "--from=-", stdin=CSV + "2023-03-10,2,1,0\n")
    assert is_an_error(run, 1, "order 1 of the file", "verletzt") and "FEHLER" not in run.stderr
    german.execute("ALTER TABLE orders RENAME TO others")
    assert is_an_error(ordercache("count"), 2, "existiert nicht", "PG_DATABASE")


def test_a_german_server_s_missing_database_comes_with_the_way_to_another(ordercache, postgres):
    with postgres.setting("lc_messages", "de_DE.UTF-8"):
        run = ordercache("count", env={"PG_DATABASE": "nowhere"})
    assert is_an_error(run, 3, "nowhere", "existiert nicht; set PG_DATABASE") and "FATAL" not in run.stderr


# A pause

def test_a_count_goes_on_where_the_server_ended_the_idle_session(ordercache, database):
    process = ordercache.start("count", "--customers-from=-", "--no-cache", stdin=subprocess.PIPE)
    for customer in ("9999", "9998"):
        process.stdin.write(f"{customer}\n" * 1000)
        process.stdin.flush()
        assert all(process.stdout.readline().startswith(customer) for _ in range(1000))
        servers.wait_until(lambda: end_idle_sessions(database), what="an idle session")
        database.wait_for_no_session()
    stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr, stdout) == (0, "", "")


def end_idle_sessions(database):
    """As idle_session_timeout would, which came with PostgreSQL 14."""
    return database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'",
    )


@pytest.mark.parametrize("mode", [(), ("--no-cache",), ("--dry-run",)], ids=" ".join)
def test_a_constraint_that_waits_for_the_commit_is_a_no(ordercache, database, mode):
    database.execute("ALTER TABLE orders ALTER CONSTRAINT fk_customerid DEFERRABLE INITIALLY DEFERRED")
    assert is_an_error(ordercache(*an_order(customer=20001), *mode, "-q"), 1, "customer 20001")
    assert added(database) == []
