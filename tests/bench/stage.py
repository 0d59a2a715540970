"""Where it is played: servers of the benchmark's own, stores of several sizes, and the yardsticks, compiled."""

import contextlib
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "harness"))

import servers  # noqa: E402

CUSTOMERS = 100_000


class Stage:
    """`program` is the ordercache to measure, `most_orders` the size of the largest table."""

    def __init__(self, folder, program, most_orders):
        self.folder = folder
        self.program = program
        self.most_orders = most_orders
        self.postgres = servers.Postgres(folder)
        self.redis = servers.Redis(folder)

    def __enter__(self):
        with contextlib.ExitStack() as started:
            started.callback(shutil.rmtree, self.folder)
            started.callback(self.postgres.stop)
            self.postgres.create()
            # The suite's server writes every statement to its log, which would be measured too.
            self.postgres.execute("postgres", f"ALTER ROLE {servers.USER} SET log_statement = 'none'")
            started.callback(self.redis.stop)
            self.redis.start()
            self.cache = self.redis.client()
            self.tutorial = servers.Database(self.postgres, servers.TEMPLATE)
            self._started = started.pop_all()
        return self

    def __exit__(self, *_):
        self._started.close()

    def compile(self, source, *libraries):
        """The program of that C source, hardened as ordercache is."""
        program = self.folder / pathlib.Path(source).stem
        hardening = ["-fPIE", "-pie", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now"]
        subprocess.run(
            ["cc", "-O2", *hardening, "-Wall", "-Wextra", "-o", program, BENCH / source, *libraries], check=True,
        )
        return program

    def restart_postgres(self, environment=None, **settings):
        self.postgres.settings |= settings
        self.postgres.environment = environment
        self.postgres.stop(signal.SIGINT)
        self.postgres.start()

    def restart_postgres_with_slow_flushes(self):
        shim = self.folder / "slow_flush.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", shim, BENCH / "slow_flush.c"], check=True)
        self.restart_postgres({**os.environ, "LD_PRELOAD": str(shim)}, fsync="on", wal_sync_method="fdatasync")

    @functools.cache
    def store(self, rows):
        """A store with that many orders, evenly spread over all customers; the same one for all who ask."""
        return self._filled(f"store_{rows}", rows, CUSTOMERS)

    @functools.cache
    def store_of_one_customer(self, rows):
        """As above, but customer 1 has them all: that count takes as long as the total. Its statements are logged."""
        store = self._filled(f"store_of_one_{rows}", rows, customers=1)
        self.log_statements_of(store)
        return store

    def _filled(self, name, rows, customers):
        store = servers.Database(self.postgres, name)
        store.create()
        for change in (
            "TRUNCATE orders RESTART IDENTITY",
            "ALTER TABLE orders DROP CONSTRAINT fk_customerid",
            "DROP INDEX ix_order_custid",
            "INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount)"
            f" SELECT date '2023-01-01' + n % 365, n % {customers} + 1, 23.00, 1.80, 24.80"
            f" FROM generate_series(1, {rows}) AS n",
            "CREATE INDEX ix_order_custid ON orders (customerid)",
            "VACUUM ANALYZE orders",
        ):
            store.execute(change)
        return store

    def log_statements_of(self, store):
        self.postgres.execute("postgres", f"ALTER ROLE {servers.USER} IN DATABASE {store.name} SET log_statement = 'all'")

    def copy_of(self, store):
        """The same under a name of its own, which others may change."""
        copy = servers.Database(self.postgres, f"{store.name}_copy")
        self.postgres.execute("postgres", f"CREATE DATABASE {copy.name} TEMPLATE {store.name}")
        return copy

    @functools.cache
    def empty_store(self):
        """The tutorial's store without its orders."""
        store = servers.Database(self.postgres, "store_empty")
        store.create()
        store.execute("TRUNCATE orders")
        return store

    def bare_store(self):
        """No index, no constraint, no log: what is left is the client's own work and the wire."""
        store = servers.Database(self.postgres, "store_bare")
        store.create()
        store.execute("DROP TABLE orders CASCADE")
        store.execute(
            "CREATE UNLOGGED TABLE orders (orderid serial, orderdate date NOT NULL, customerid integer,"
            " netamount numeric(12,2) NOT NULL, tax numeric(12,2) NOT NULL, totalamount numeric(12,2) NOT NULL)"
        )
        return store

    def environment(self, store):
        return {
            "PG_SERVICE_URI": self.postgres.uri(store.name),
            "PG_DATABASE": store.name,
            "REDIS_SERVICE_URI": self.redis.uri(),
            "PGGSSENCMODE": "disable",
        }

    def psql(self, store):
        return ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", self.postgres.uri(store.name)]

    def redis_cli(self, *words):
        return ["redis-cli", "-p", self.redis.port, *words]

    def cache_counts(self, customers):
        """Leaves these customers' counts in an otherwise empty cache."""
        self.cache.flushall()
        with self.cache.pipeline(transaction=False) as pipeline:
            for customer in customers:
                pipeline.set(f"num_orders:{customer}", customer % 10)
            pipeline.execute()

    def file_of_customers(self, count):
        path = self.folder / f"customers_{count}"
        path.write_text("".join(f"{customer}\n" for customer in range(1, count + 1)))
        return path

    def file_of_orders(self, count):
        """Orders of customers that the tutorial's store has."""
        path = self.folder / f"orders_{count}.csv"
        with path.open("w") as file:
            file.write("date,customer,net,tax\n")
            file.writelines(f"2023-{n % 12 + 1:02}-{n % 28 + 1:02},{n % 20000 + 1},23.00,1.80\n" for n in range(count))
        return path

    def file_of_rows(self, count):
        """The same orders with their totals, as \\copy takes them."""
        path = self.folder / f"rows_{count}.csv"
        with path.open("w") as file:
            file.writelines(
                f"2023-{n % 12 + 1:02}-{n % 28 + 1:02},{n % 20000 + 1},23.00,1.80,24.80\n" for n in range(count)
            )
        return path
