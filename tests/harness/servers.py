"""A PostgreSQL and a Redis of the suite's own, in a temporary folder, on loopback and Unix sockets."""

import contextlib
import gzip
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg2
import redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry

TESTS = pathlib.Path(__file__).resolve().parent.parent
TUTORIAL_DUMP = TESTS.parent.parent / "shared" / "data" / "dellstore2-normal-1.0.sql.gz"
OWN_SAMPLE = TESTS / "sample_store.sql"
TEMPLATE = "store_template"
CACHE = os.environ.get("ORDERCACHE_CACHE", "redis")
"""What the suite meets in Redis's place: `redis`, `valkey`, Redis spoken to by `unix` or by `tls`, or a `cluster`."""
STORE = os.environ.get("ORDERCACHE_STORE", "postgres")
"""What the program meets in PostgreSQL's place: `postgres` itself, or a `pgbouncer` before it."""
POSTGRES_BIN = os.environ.get("ORDERCACHE_POSTGRES_BIN")
"""The folder of another PostgreSQL's programs, where it is not to be the newest one installed."""
USER = "tester"


def wait_until(condition, seconds=60, what="the condition"):
    """Returns the first true value of condition(); fails when it does not come in time, on however busy a machine."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.01)


def free_port():
    """Nobody else's as long as this process lives, though its server be down. Its number plus 10,000 is free too: a cluster's
    nodes talk to each other there. Both are below those that the system gives to clients, and to whoever asks for any."""
    while True:
        port = random.randrange(12_000, 22_000)
        with socket.socket() as probe, socket.socket() as bus, contextlib.suppress(OSError):
            ours = socket.socket(socket.AF_UNIX)
            ours.bind(f"\0ordercache-test-port-{port}")
            probe.bind(("127.0.0.1", port))
            bus.bind(("127.0.0.1", port + 10_000))
            _reserved.append(ours)
            return port


_reserved = []


def temporary_folder(parent=None):
    """Where the servers live. PostgreSQL refuses to run as root, so its user may write there too."""
    # Not in TMPDIR: the path of a Unix socket has 107 bytes at most.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ordercache-test.", dir=parent or quickest_place()))
    if os.geteuid() == 0:
        shutil.chown(folder, group="postgres")
        folder.chmod(0o770)
    return folder


def quickest_place():
    """Memory, where it has room: PostgreSQL copies a database there in a tenth of the time that a disk takes."""
    memory = pathlib.Path("/dev/shm")
    return memory if memory.is_mount() and shutil.disk_usage(memory).free > 8 << 30 else "/tmp"


def as_postgres(*command):
    if os.geteuid() == 0:
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
    return list(command)


def newest_installed():
    versions = pathlib.Path("/usr/lib/postgresql").iterdir()
    return max(versions, key=lambda version: int(version.name)) / "bin"


class Postgres:
    """A server whose log tells of every connection and statement, with a store to copy databases from."""

    def __init__(self, folder, settings=None):
        self.folder = folder
        self.settings = settings or {}  # of the next start, beside those below
        self.environment = None
        self.port = free_port()
        self.service_port = self.port  # where the program is to find it
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._bin = pathlib.Path(POSTGRES_BIN) if POSTGRES_BIN else newest_installed()
        self._process = None
        self._administrator = None

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
            "checkpoint_timeout": "1d",  # what a crash is to lose must not be written to disk by the clock
            "max_prepared_transactions": 10,
            "password_encryption": "scram-sha-256",
            "log_statement": "all",
            "log_connections": "on",
            "log_line_prefix": "[%p] %d ",
            **self.settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                as_postgres(self._bin / "postgres", "-D", self._data, *options),
                cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, what="PostgreSQL's start")

    def stop(self, by=signal.SIGQUIT):
        """At once and without tidying up, as a crash would; by SIGINT it tidies up."""
        self._administrator = None
        if self._process and self._process.poll() is None:
            self._process.send_signal(by)
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
        self.execute(TEMPLATE, "CHECKPOINT")  # or a crash has the sequence of each copy skip numbers

    def connect(self, database):
        connection = psycopg2.connect(host=str(self.folder), port=self.port, user=USER, dbname=database)
        connection.autocommit = True
        return connection

    def execute(self, database, sql, *values):
        """The rows of a statement, or None where it gives none."""
        with contextlib.closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else None

    def administer(self, sql, *values):
        """The same of what no test may hold up, by a connection that is kept: a new one costs the server 4 ms."""
        self._administrator = self._administrator or self.connect("postgres")
        with self._administrator.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else None

    @contextlib.contextmanager
    def setting(self, name, value):
        self.change(name, f"SET {name} = '{value}'")
        try:
            yield
        finally:
            self.change(name, f"RESET {name}")

    def change(self, name, change):
        """Runs ALTER SYSTEM, and waits until it has come into force."""
        before = self.execute("postgres", f"SHOW {name}")
        self.execute("postgres", f"ALTER SYSTEM {change}")
        self.execute("postgres", "SELECT pg_reload_conf()")
        wait_until(lambda: self.execute("postgres", f"SHOW {name}") != before, what=f"the change of {name}")
        if name == "synchronous_standby_names":
            # The checkpointer decides whether a COMMIT waits for a standby, and reads settings before it begins.
            self.execute("postgres", "CHECKPOINT")

    def uri(self, database="defaultdb", user=USER, password="unused", port=None):
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.service_port}/{database}"

    @contextlib.contextmanager
    def behind(self, pool):
        """The program finds the pool in the server's place meanwhile."""
        self.service_port = pool.port
        try:
            yield
        finally:
            self.service_port = self.port

    @contextlib.contextmanager
    def log_of(self, database):
        """What is done in a database meanwhile: a list of log lines, filled at the end."""
        lines, start = [], self._log.stat().st_size
        yield lines
        with self._log.open() as log:
            log.seek(start)
            lines += [line for line in log.read().splitlines() if re.match(rf"\[\d+\] {database} ", line)]


class Database:
    """A copy of the store. A test that only reads it leaves it to the next one."""

    def __init__(self, postgres, name):
        self.postgres = postgres
        self.name = name

    def create(self):
        self.postgres.administer(f"CREATE DATABASE {self.name} TEMPLATE {TEMPLATE}")
        self._fresh_at, _ = self._state()

    def drop(self):
        self.postgres.administer(f"DROP DATABASE {self.name} WITH (FORCE)")

    def is_fresh(self):
        """Whether the server has written nothing since it was created, and nobody is connected to it."""
        for _ in range(20):
            written, sessions = self._state()
            if (written, sessions) == (self._fresh_at, 0):
                return True
            if written != self._fresh_at:
                return False
            time.sleep(0.01)  # a program that has ended is gone a moment later
        return False

    def _state(self):
        """The end of the write-ahead log, where all is that changes anything, and the number of sessions."""
        [state] = self.postgres.administer(
            "SELECT pg_current_wal_insert_lsn(), (SELECT count(*) FROM pg_stat_activity WHERE datname = %s)", self.name,
        )
        return state

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

    def statements(self, text=""):
        """Those with that text that others run there now, and whether each waits."""
        return self.postgres.administer(
            "SELECT query, wait_event IS NOT NULL FROM pg_stat_activity"
            " WHERE datname = %s AND state = 'active' AND query ILIKE %s",
            self.name, f"%{text}%",
        )

    def activity(self, text=""):
        """The statements with that text that wait."""
        return [statement for statement, waits in self.statements(text) if waits]

    def idle_in_transaction(self):
        """The processes of transactions there that wait for their clients."""
        return self.postgres.administer(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND state = 'idle in transaction'", self.name,
        )

    def wait_for_activity(self, text):
        wait_until(lambda: self.activity(text), what=f"a statement with {text!r} that waits")

    def wait_for_commit(self):
        """Until a COMMIT hangs; BEGIN has `READ COMMITTED` and `synchronous_commit` in it."""
        wait_until(lambda: "COMMIT" in self.activity("commit"), what="a COMMIT that waits")

    def wait_for_no_activity(self, text):
        wait_until(lambda: not self.statements(text), what=f"the end of every statement with {text!r}")

    def wait_for_no_transaction(self):
        """Until all is done that programs had sent which were killed."""
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND state <> 'idle'"
        wait_until(
            lambda: self.postgres.administer(busy, self.name) == [(0,)], what="the end of every transaction",
        )

    def wait_for_no_session(self):
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        wait_until(lambda: self.postgres.execute("postgres", sessions, self.name) == [(0,)], what="the end of every session")

    @contextlib.contextmanager
    def orders_locked(self):
        """Whoever counts or adds orders meanwhile waits."""
        with contextlib.closing(self.connect()) as connection:
            connection.autocommit = False
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
                yield
            connection.rollback()


@contextlib.contextmanager
def running(server):
    """Starts it, and stops it whatever becomes of the test."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


class Redis:
    """With an authority, it has a TLS port beside the plain one, and shows a certificate for this machine."""

    def __init__(self, folder, *options, authority=None):
        self.folder = folder
        self.port = free_port()
        if authority:
            self.tls_port = free_port()
            options = (
                *options, "--tls-port", str(self.tls_port), "--tls-ca-cert-file", str(authority.file),
                "--tls-key-file", str(authority.key), "--tls-cert-file", str(authority.sign_for_this_machine()),
                "--tls-auth-clients", "optional",
            )
        self.socket = folder / f"redis-{self.port}.sock"
        self._options = options
        self._log = folder / f"redis-{self.port}.log"
        self._process = None

    def command(self):
        return [
            "valkey-server" if CACHE == "valkey" else "redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
            "--unixsocket", str(self.socket), "--save", "", "--dir", str(self.folder),
            "--dbfilename", f"redis-{self.port}.rdb", *self._options,
        ]

    def start(self, *options, wait=True):
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.command(), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        if wait:
            wait_until(self._answers, what="Redis's start")

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def _answers(self):
        assert self.is_running(), self._log.read_text()
        try:
            return self.client().ping()
        except redis.ConnectionError:
            return False

    def client(self, user=None, password=None, db=0):
        at_once = Retry(NoBackoff(), 0)  # redis-py of Debian 13 would try again until a server has loaded its data
        return redis.Redis(port=self.port, username=user, password=password, db=db, decode_responses=True, retry=at_once)

    def uri(self, credentials="", port=None):
        return f"redis://{credentials}127.0.0.1:{port or self.port}"

    def owner(self, _key):
        """The server that has the key: itself."""
        return self

    def service_uri(self):
        """Of the way that the suite was asked to go."""
        if CACHE == "unix":
            return f"unix://{self.socket}"
        return f"rediss://127.0.0.1:{self.tls_port}" if CACHE == "tls" else self.uri()


class ClusterClient(redis.RedisCluster):
    """Takes a cluster for one server: speaks to all primaries of what all have, and sets keys of any slot at once."""

    COMMAND_FLAGS = {
        **redis.RedisCluster.COMMAND_FLAGS,
        **dict.fromkeys(
            ["KEYS", "DBSIZE", "ACL SETUSER", "ACL DELUSER", "CLIENT PAUSE"], redis.RedisCluster.PRIMARIES,
        ),
    }
    mset = redis.RedisCluster.mset_nonatomic


class Cluster:
    """Three primaries, each with its replicas. With an authority, they speak TLS with each other too."""

    def __init__(self, folder, replicas=1, authority=None):
        self._replicas = replicas
        self._authority = authority
        # Soon enough for a test where a replica can take over; else never, however busy the machine.
        milliseconds_until_missed = 1000 if replicas else 60_000
        options = [
            "--cluster-enabled", "yes", "--cluster-node-timeout", str(milliseconds_until_missed),
            "--repl-diskless-sync-delay", "0",
        ]
        if authority:
            options += ["--tls-cluster", "yes", "--tls-replication", "yes"]
        self.nodes = [
            Redis(folder, *options, "--cluster-config-file", f"nodes-{free_port()}.conf", authority=authority)
            for _ in range(3 + 3 * replicas)
        ]

    def start(self):
        for node in self.nodes:
            node.start()
        tls = ["--tls", "--cacert", str(self._authority.file)] if self._authority else []
        ports = [node.tls_port if tls else node.port for node in self.nodes]
        subprocess.run(
            ["redis-cli", *tls, "--cluster", "create", *[f"127.0.0.1:{port}" for port in ports],
             "--cluster-replicas", str(self._replicas), "--cluster-yes"],
            check=True, stdout=subprocess.DEVNULL,
        )
        wait_until(self.is_whole, what="the cluster's start")

    def stop(self):
        for node in self.nodes:
            node.stop()

    def is_whole(self):
        """Everyone who runs takes every slot to be served, and every replica follows its primary."""
        running = [node.client() for node in self.nodes if node.is_running()]
        return all(
            client.cluster("info")["cluster_state"] == "ok"
            and client.info("replication").get("master_link_status", "up") == "up"
            for client in running
        )

    def client(self):
        [port, *_] = [node.port for node in self.nodes if node.is_running()]
        return ClusterClient("127.0.0.1", port, decode_responses=True)

    def uri(self, credentials=""):
        """Of a node that does not serve the total's key: the program must go to another."""
        owner = self.owner("num_orders:all")
        return next(node for node in self.primaries() if node is not owner).uri(credentials)

    service_uri = uri

    def owner(self, key):
        """The node that serves the key."""
        with self.client() as client:
            port = client.get_node_from_key(key).port
        [owner] = [node for node in self.nodes if node.port == port]
        return owner

    def primaries(self):
        return [node for node in self.nodes if node.is_running() and node.client().info("replication")["role"] == "master"]

    @contextlib.contextmanager
    def slot_on_its_way(self, key):
        """The key's slot moves meanwhile from its owner to another primary; keys move when the caller moves them."""
        slot = key_slot(key.encode())
        source = self.owner(key)
        [target, *_] = [node for node in self.primaries() if node is not source]
        ids = {node: node.client().cluster("myid") for node in (source, target)}
        target.client().cluster("setslot", slot, "importing", ids[source])
        source.client().cluster("setslot", slot, "migrating", ids[target])
        try:
            yield source, target
        finally:
            while keys := source.client().execute_command("CLUSTER GETKEYSINSLOT", slot, 100):
                source.client().execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
            for node in (target, source, *self.primaries()):
                node.client().cluster("setslot", slot, "node", ids[target])


@contextlib.contextmanager
def commands_seen(cache):
    """The commands that others send to Redis meanwhile, as lists of words, filled at the end: node by node."""
    nodes = [node.redis_connection for node in cache.get_primaries()] if isinstance(cache, ClusterClient) else [cache]
    commands = []
    with contextlib.ExitStack() as watched:
        monitors = [watched.enter_context(node.monitor()) for node in nodes]
        yield commands
        for node, monitor in zip(nodes, monitors):
            node.echo("the end")
            commands += others_commands(monitor)


def others_commands(monitor):
    """What a node has heard until the end, but for scripts' commands and how redis-py introduces itself."""
    for event in monitor.listen():
        words = event["command"].split()
        if words[:2] == ["ECHO", "the"]:
            return
        if event["client_type"] != "lua" and words[:2] != ["CLIENT", "SETINFO"]:
            yield words
