"""A PostgreSQL and a Redis of the suite's own, in a temporary folder, on loopback and Unix sockets."""

import contextlib
import gzip
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg2
import redis

TESTS = pathlib.Path(__file__).resolve().parent.parent
TUTORIAL_DUMP = TESTS.parent.parent / "shared" / "data" / "dellstore2-normal-1.0.sql.gz"
OWN_SAMPLE = TESTS / "sample_store.sql"
TEMPLATE = "store_template"
USER = "tester"


def wait_until(condition, seconds=10, what="the condition"):
    """Returns the first true value of condition(); fails when it does not come in time."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.01)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def temporary_folder():
    """Where the servers live. PostgreSQL refuses to run as root, so its user may write there too."""
    # Not in TMPDIR: the path of a Unix socket has 107 bytes at most.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ordercache-test.", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, group="postgres")
        folder.chmod(0o770)
    return folder


def as_postgres(*command):
    if os.geteuid() == 0:
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
    return list(command)


class Postgres:
    """A server whose log tells of every connection and statement, with a store to copy databases from."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        versions = pathlib.Path("/usr/lib/postgresql").iterdir()
        self._bin = max(versions, key=lambda version: int(version.name)) / "bin"
        self._process = None

    def create(self):
        subprocess.run(
            as_postgres(
                self._bin / "initdb", f"--pgdata={self._data}", f"--username={USER}",
                "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync",
            ),
            cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
        )
        # `stranger` is the one role that needs a password.
        rules = self._data / "pg_hba.conf"
        rules.write_text("host all stranger all scram-sha-256\n" + rules.read_text())
        self.start()
        self.execute("postgres", "CREATE ROLE stranger LOGIN PASSWORD 'known'")
        self.execute("postgres", f"CREATE DATABASE {TEMPLATE}")
        self._load_store()

    def start(self):
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "autovacuum": "off",
            "log_statement": "all",
            "log_connections": "on",
            "log_line_prefix": "[%p] %d ",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                as_postgres(self._bin / "postgres", "-D", self._data, *options),
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        wait_until(self._answers, what="PostgreSQL's start")

    def stop(self):
        """At once and without tidying up, as a crash would."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=20)

    def crash_and_restart(self):
        self.stop()
        self.start()

    def _answers(self):
        assert self._process.poll() is None, self._log.read_text()
        try:
            self.connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def _load_store(self):
        psql = ["psql", "--quiet", "--no-psqlrc", f"--host={self.folder}", f"--port={self.port}", f"--username={USER}"]
        if TUTORIAL_DUMP.exists():
            # It sets what modern servers do not know and names owners that are not there, to no harm.
            script = gzip.decompress(TUTORIAL_DUMP.read_bytes())
            unused = "categories, cust_hist, inventory, orderlines, products, reorder"
        else:
            script, unused = OWN_SAMPLE.read_bytes(), None
        subprocess.run([*psql, TEMPLATE], input=script, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if unused:
            self.execute(TEMPLATE, f"DROP TABLE {unused}")
        self.execute(TEMPLATE, "VACUUM ANALYZE")

    def connect(self, database):
        connection = psycopg2.connect(host=str(self.folder), port=self.port, user=USER, dbname=database)
        connection.autocommit = True
        return connection

    def execute(self, database, sql, *values):
        """The rows of a statement, or None where it gives none."""
        with contextlib.closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else None

    @contextlib.contextmanager
    def setting(self, name, value):
        self._set(name, f"SET {name} = '{value}'")
        try:
            yield
        finally:
            self._set(name, f"RESET {name}")

    def _set(self, name, change):
        before = self.execute("postgres", f"SHOW {name}")
        self.execute("postgres", f"ALTER SYSTEM {change}")
        self.execute("postgres", "SELECT pg_reload_conf()")
        wait_until(lambda: self.execute("postgres", f"SHOW {name}") != before, what=f"the change of {name}")

    def uri(self, database="defaultdb", user=USER, password="unused", port=None):
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/{database}"

    @contextlib.contextmanager
    def log_of(self, database):
        """What is done in a database meanwhile: a list of log lines, filled at the end."""
        lines, start = [], self._log.stat().st_size
        yield lines
        with self._log.open() as log:
            log.seek(start)
            lines += [line for line in log.read().splitlines() if re.match(rf"\[\d+\] {database} ", line)]


class Database:
    """A copy of the store, for one test."""

    def __init__(self, postgres, name):
        self.postgres = postgres
        self.name = name

    def create(self):
        self.postgres.execute("postgres", f"CREATE DATABASE {self.name} TEMPLATE {TEMPLATE}")

    def drop(self):
        self.postgres.execute("postgres", f"DROP DATABASE {self.name} WITH (FORCE)")

    def connect(self):
        return self.postgres.connect(self.name)

    def rows(self, sql, *values):
        return self.postgres.execute(self.name, sql, *values)

    def value(self, sql, *values):
        return self.rows(sql, *values)[0][0]

    execute = rows

    def log(self):
        """What the program does there meanwhile: lines of PostgreSQL's log. The test itself must keep away."""
        return self.postgres.log_of(self.name)

    def activity(self, text=""):
        """The statements with that text that others run there now."""
        return [
            statement for (statement,) in self.postgres.execute(
                "postgres",
                "SELECT query FROM pg_stat_activity"
                " WHERE datname = %s AND state = 'active' AND wait_event IS NOT NULL AND query ILIKE %s",
                self.name, f"%{text}%",
            )
        ]

    def wait_for_activity(self, text):
        wait_until(lambda: self.activity(text), what=f"a statement with {text!r} that waits")

    def wait_for_no_activity(self, text):
        wait_until(lambda: not self.activity(text), what=f"the end of every statement with {text!r}")

    @contextlib.contextmanager
    def orders_locked(self):
        """Whoever counts or adds orders meanwhile waits."""
        with contextlib.closing(self.connect()) as connection:
            connection.autocommit = False
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
                yield
            connection.rollback()


class Redis:
    def __init__(self, folder, *options):
        self.folder = folder
        self.port = free_port()
        self.socket = folder / f"redis-{self.port}.sock"
        self._options = options
        self._log = folder / f"redis-{self.port}.log"
        self._process = None

    def start(self):
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                    "--unixsocket", str(self.socket), "--save", "", "--dir", str(self.folder), *self._options,
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        wait_until(self._answers, what="Redis's start")

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _answers(self):
        assert self._process.poll() is None, self._log.read_text()
        try:
            return self.client().ping()
        except redis.ConnectionError:
            return False

    def client(self):
        return redis.Redis(port=self.port, decode_responses=True)

    def uri(self, credentials="", port=None):
        return f"redis://{credentials}127.0.0.1:{port or self.port}"


@contextlib.contextmanager
def commands_seen(cache):
    """The commands that others send to Redis meanwhile, as lists of words, filled at the end."""
    commands = []
    with cache.monitor() as monitor:
        yield commands
        cache.echo("the end")
        for event in monitor.listen():
            words = event["command"].split()
            if words[:2] == ["ECHO", "the"]:
                return
            if event["client_type"] != "lua":
                commands.append(words)
