"""
A primary is lost during COMMIT and its synchronous standby promoted, which gives ids of transactions and numbers of orders
away again. What is reported as added is there; what is reported as not written is not.
"""

import contextlib
import itertools
import os
import shutil
import signal
import threading

from following import Follower, comparison_of_total, install
from peers import Proxy
from postgres_peers import Standby
from servers import Database, Postgres, temporary_folder, wait_until

UUIDS = (
    "ALTER TABLE orders ALTER orderid DROP DEFAULT;"
    "ALTER TABLE orders ALTER orderid TYPE uuid USING gen_random_uuid();"
    "ALTER TABLE orders ALTER orderid SET DEFAULT gen_random_uuid();"
)
AUDIT = (
    "CREATE TABLE audit (customerid integer);"
    "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN INSERT INTO audit VALUES (NEW.customerid); RETURN NEW; END';"
    "CREATE TRIGGER audit BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION audit();"
)
STORES = {"serial": "SELECT 1", "uuid": UUIDS, "audited serial": AUDIT, "audited uuid": UUIDS + AUDIT}
ANOTHER_PROGRAMS = (
    "INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount) VALUES ('2004-01-01', 1, 1, 1, 2)"
)
MODES = ["never heard of it", "was cut off in the middle", "has it"]
"""What the standby knows of the transactions."""


@contextlib.contextmanager
def a_pair():
    """A primary and its synchronous standby."""
    with contextlib.ExitStack() as stack:
        folders = [temporary_folder(), temporary_folder()]
        for folder in folders:
            stack.callback(shutil.rmtree, folder)
        primary = Postgres(folders[0])
        stack.callback(primary.stop)
        primary.create()
        standby = Standby(folders[1], primary)
        stack.callback(standby.stop)
        standby.create()
        yield primary, standby


class Writer:
    """A program whose COMMIT, once the server has it, gets no answer before the failover."""

    def __init__(self, program, store, kind, number, postgres, redis_server):
        self.store, self.kind, self.customer = store, kind, 100 + number
        self.orders = 3 if kind == "file" else 1
        self.has_committed = threading.Event()
        self._server, self._program = postgres.port, program
        self.proxy = Proxy(postgres.port, trigger=b"COMMIT\0", act=self._act)
        self.environment = {
            "PG_SERVICE_URI": postgres.uri(port=self.proxy.port), "PG_DATABASE": store.name,
            "REDIS_SERVICE_URI": redis_server.service_uri(), "CACHE_KEY_PREFIX": f"failover{number}",
        }

    def _act(self, proxy, _client, server, message):
        proxy.mute(server)
        server.sendall(message)
        self.has_committed.set()

    def start(self):
        order = ["--date=2023-03-10", f"--customer={self.customer}", "--net=5.00", "--tax=1"]
        arguments = order if self.kind == "order" else [f"--from={self._file()}"]
        self.process = self._program.start("add", "--timeout=120", *arguments, env=self.environment)

    def _file(self):
        path = self.store.postgres.folder / f"{self.customer}.csv"
        path.write_text("date,customer,net,tax\n" + f"2023-03-10,{self.customer},5.00,1\n" * self.orders)
        return path

    def ask_at(self, postgres):
        self.proxy._target = postgres.port
        self.proxy.refusing = False

    def verdict(self, postgres):
        """Its exit status, and how many of its orders are there."""
        self.process.communicate(timeout=180)
        there = postgres.execute(
            self.store.name, "SELECT count(*) FROM orders WHERE customerid = %s AND netamount = 5", self.customer,
        )[0][0]
        return self.process.returncode, there


def fail_over(primary, standby, mode, writers):
    receiver = standby.execute("postgres", "SELECT pid FROM pg_stat_wal_receiver")[0][0]
    if mode == MODES[0]:
        standby.stop(by=signal.SIGINT)
    for writer in writers:
        writer.start()
    if mode == MODES[1]:
        os.kill(receiver, signal.SIGSTOP)
    for writer in writers:
        assert writer.has_committed.wait(timeout=60)
        writer.proxy.refusing = True
    primary.stop()
    if mode == MODES[0]:
        standby.start()
    if mode == MODES[1]:
        os.kill(receiver, signal.SIGCONT)
    standby.execute("postgres", "SELECT pg_promote()")
    for writer in writers + writers:
        standby.execute(writer.store.name, ANOTHER_PROGRAMS)
    for writer in writers:
        writer.ask_at(standby)


def fail_over_once(mode, program, redis_server, record_property):
    with contextlib.ExitStack() as stack:
        primary, standby = stack.enter_context(a_pair())
        stores = {name: Database(primary, name.replace(" ", "_")) for name in STORES}
        for name, store in stores.items():
            store.create()
            store.execute(STORES[name])
        combinations = itertools.product(stores.values(), ["order", "file"])
        writers = [Writer(program, store, kind, i, primary, redis_server) for i, (store, kind) in enumerate(combinations)]
        for writer in writers:
            stack.enter_context(writer.proxy)
        primary.execute("postgres", "CHECKPOINT")
        standby.catch_up()
        primary.change("synchronous_standby_names", "SET synchronous_standby_names = '*'")
        fail_over(primary, standby, mode, writers)
        for writer in writers:
            status, there = writer.verdict(standby)
            name = f"{mode}, {writer.store.name}, {writer.kind}"
            assert (status, there) in {(0, writer.orders), (3, 0), (5, 0), (5, writer.orders)}, name
            record_property(f"failover, standby {mode}, {writer.store.name} {writer.kind}", f"status {status}, {there} there")
            run = program("count", "--timeout=60", env={**writer.environment, "PG_SERVICE_URI": standby.uri()})
            assert run.stdout.strip() == str(standby.execute(writer.store.name, "SELECT count(*) FROM orders")[0][0]), name


def test_a_failover_during_commit_loses_and_doubles_no_order(full, program, redis_server, cache, record_property):
    for turn in range(20 if full else len(MODES)):
        fail_over_once(MODES[turn % len(MODES)], program, redis_server, record_property)


def test_a_standby_knows_no_total_until_it_is_promoted_and_followed(ordercache):
    """It has none of the tables that are not logged."""
    with a_pair() as (primary, standby):
        before, after = (Database(server, "shop") for server in (primary, standby))
        before.create()
        install(ordercache, before)
        ordercache.environment.update(PG_SERVICE_URI=primary.uri(), PG_DATABASE="shop")
        follower = Follower(ordercache)
        wait_until(lambda: known(before) == (12000, 12000), what="the known total")
        standby.catch_up()
        ordercache.environment["PG_SERVICE_URI"] = standby.uri()
        assert ordercache("count", "--no-cache").stdout == "12000\n"
        follower.process.kill()
        primary.stop()
        standby.execute("postgres", "SELECT pg_promote()")
        after.execute(ANOTHER_PROGRAMS)
        assert known(after) == (None, 12001)
        assert ordercache("count", "--no-cache").stdout == "12001\n"
        follower = Follower(ordercache)
        after.execute(ANOTHER_PROGRAMS)
        wait_until(lambda: known(after) == (12002, 12002), what="the known total")
        assert ordercache("count").stdout == "12002\n"
        follower.end()


def known(database):
    [counts] = database.rows(comparison_of_total())
    return counts
