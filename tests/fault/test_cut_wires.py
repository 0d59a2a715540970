"""
Cut wires: the conversation with each server ends, is cut short or falls silent at each message, at each byte of the
small ones, in both directions. The exit status is the contract's and true, nothing hangs, nothing is said twice.
"""

import itertools
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from keys import OWN_KEYS
from orders import LAST_ORDER, an_order
from servers import wait_until
from wires import ACTS, DIRECTIONS, STALL, Cut, Wire, offsets

AT_ONCE = 32
TIMEOUT = 8
REPLY_TIMEOUT = 1
# A second in which PostgreSQL is asked to cancel, and what a loaded machine takes.
GRACE = 6

POSTGRES, REDIS = "PostgreSQL", "Redis"

COUNT_STATUSES = {POSTGRES: {0, 3}, REDIS: {0}}
ADD_STATUSES = {POSTGRES: {0, 3, 5}, REDIS: {0, 4}}
CACHE_STATUSES = {REDIS: {0, 4}}


@dataclass
class Trial:
    """A run of the program of which one wire was cut."""

    server: str
    cut: Cut
    prefix: str
    customer: int
    was_cut: bool
    run: object

    def __str__(self):
        return f"{self.server}, {self.cut}: {self.run}"


class Bench:
    """Runs the program over wires, each run with keys and a customer of its own."""

    def __init__(self, ordercache, postgres, redis_server):
        self.ordercache = ordercache
        self._postgres = postgres
        self._ports = {POSTGRES: postgres.port, REDIS: redis_server.port}
        self._numbers = itertools.count(10001)

    def try_every_cut(self, arguments_for, prepare, servers, small):
        """The trials of a command: `arguments_for(customer)`, after `prepare(prefix, customer)`."""
        lengths = self._lengths(arguments_for, prepare)
        cuts = [
            (server, Cut(direction, offset, act))
            for server in servers for direction in DIRECTIONS
            for offset in offsets(lengths[server][direction], small) for act in ACTS
        ]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda chosen: self._try(arguments_for, prepare, *chosen), cuts))

    def _lengths(self, arguments_for, prepare):
        trial, wires = self._run(arguments_for, prepare, None, None)
        assert trial.run.status == 0
        return {server: wire.messages for server, wire in wires.items()}

    def _try(self, arguments_for, prepare, server, cut):
        return self._run(arguments_for, prepare, server, cut)[0]

    def _run(self, arguments_for, prepare, server, cut):
        customer = next(self._numbers)
        prefix = f"trial{customer}"
        prepare(prefix, customer)
        with ExitStack() as stack:
            wires = {
                name: stack.enter_context(Wire(port, cut if name == server else None))
                for name, port in self._ports.items()
            }
            environment = {
                "PG_SERVICE_URI": self._postgres.uri(port=wires[POSTGRES].port),
                "REDIS_SERVICE_URI": f"redis://127.0.0.1:{wires[REDIS].port}?socket_timeout={REPLY_TIMEOUT}",
                "CACHE_KEY_PREFIX": prefix,
                "CACHE_TIMEOUT_SECONDS": 3600,  # what a trial caches is looked at when all are over
            }
            run = self.ordercache(*arguments_for(customer), f"--timeout={TIMEOUT}", env=environment)
            was_cut = server is not None and wires[server].was_cut
            return Trial(server, cut, prefix, customer, was_cut, run), wires


@pytest.fixture
def bench(ordercache, postgres, redis_server):
    return Bench(ordercache, postgres, redis_server)


@pytest.fixture
def small(full):
    """The longest message that is cut at each byte."""
    return 65536 if full else 64


def assert_kept_contract(trials, statuses):
    for trial in trials:
        run = trial.run
        *warnings, last = trial.run.stderr.splitlines() or [""]
        assert run.status in statuses[trial.server], trial
        assert run.seconds < TIMEOUT + GRACE, trial
        if run.status == 0:
            assert run.stdout.count("\n") == 1 and run.stdout.endswith("\n"), trial
            assert warnings == [] and (last == "" or last.startswith("ordercache: warning: ")), trial
        else:
            assert run.stdout == "" and last.startswith("ordercache: error: "), trial
            assert len(warnings) <= 1 and all(line.startswith("ordercache: warning: ") for line in warnings), trial


def figure(name, trials):
    cut = [trial for trial in trials if trial.was_cut]
    statuses = Counter(trial.run.status for trial in cut)
    told = ", ".join(f"status {status}: {count}" for status, count in sorted(statuses.items()))
    slowest = max(trial.run.seconds for trial in cut)
    return f"{name}: {len(cut)} ({told}; slowest {slowest:.1f} s of --timeout {TIMEOUT})"


COUNTS = {
    "a hit": ([], True),
    "a miss": ([], False),
    "a customer's miss": (["--customer=9999"], False),
    "a refresh": (["--refresh"], True),
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_over_cut_wires_is_true_or_fails_honestly(name, bench, cache, database, small, record_property):
    arguments, is_cached = COUNTS[name]
    total = database.value("SELECT count(*) FROM orders")
    truth = database.value("SELECT count(*) FROM orders WHERE customerid = 9999") if "customer" in name else total

    def prepare(prefix, _customer):
        if is_cached:
            cache.set(f"{prefix}:all", total)

    servers = [REDIS] if name == "a hit" else [REDIS, POSTGRES]
    trials = bench.try_every_cut(lambda _customer: ["count", *arguments], prepare, servers, small)
    assert_kept_contract(trials, COUNT_STATUSES)
    assert {trial.run.stdout for trial in trials if trial.run.status == 0} == {f"{truth}\n"}
    assert {cache.get(key) for key in cache.scan_iter() if not key.endswith(OWN_KEYS)} == {str(truth)}
    record_property("cuts", figure(name, trials))


@pytest.fixture
def batch(tmp_path):
    """Arguments that add two orders of a customer at once."""
    def arguments(customer):
        file = tmp_path / f"{customer}.csv"
        file.write_text(f"date,customer,net,tax\n2023-03-10,{customer},23.00,1.80\n2023-03-11,{customer},1,0\n")
        return ["add", f"--from={file}"]

    return arguments


def test_an_add_over_cut_wires_says_truly_whether_it_wrote(add_over_cut_wires):
    def is_told(run, orders):
        return [f"{order}\n" for order in orders] == [run.stdout]

    add_over_cut_wires("an add", lambda customer: an_order(customer=customer), 1, is_told)


def test_a_batch_over_cut_wires_says_truly_whether_it_wrote(add_over_cut_wires, batch):
    def is_told(run, orders):
        return run.stdout == "2\n" and len(orders) == 2

    add_over_cut_wires("a batch", batch, 2, is_told)


@pytest.fixture
def add_over_cut_wires(bench, cache, database, small, record_property):
    """
    Tries every cut of an add of `size` orders; `is_told(run, orders)` compares what a good run said with what it wrote.
    """
    before = dict(database.rows("SELECT customerid, count(*) FROM orders GROUP BY customerid"))

    def prepare(prefix, customer):
        cache.set(f"{prefix}:{customer}", before.get(customer, 0))

    def written():
        added = defaultdict(list)
        for customer, order in database.rows("SELECT customerid, orderid FROM orders WHERE orderid > %s", LAST_ORDER):
            added[customer].append(order)
        return added

    def run(name, arguments_for, size, is_told):
        trials = bench.try_every_cut(arguments_for, prepare, [REDIS, POSTGRES], small)
        assert_kept_contract(trials, ADD_STATUSES)
        wait_until(lambda: sessions_of(database) == 0, what="the end of all sessions")
        added = written()
        for trial in trials:
            orders = added[trial.customer]
            if trial.run.status == 0:
                assert is_told(trial.run, orders), trial
            elif trial.run.status == 5:
                assert len(orders) in {0, size}, trial
                assert trial.cut.act == STALL and "SELECT orderid" in trial.run.stderr, trial
            else:
                assert orders == [], trial
            cached = cache.get(f"{trial.prefix}:{trial.customer}")
            assert cached in {None, str(before.get(trial.customer, 0) + len(orders))}, trial
        record_property("cuts", figure(name, trials))

    return run


def sessions_of(database):
    return database.postgres.execute(
        "postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = %s", database.name,
    )[0][0]


CACHE_COMMANDS = {
    "an invalidate": lambda customer: ["invalidate"],
    "a customer's invalidate": lambda customer: ["invalidate", f"--customer={customer}"],
    "a time to live": lambda customer: ["ttl"],
}


@pytest.mark.parametrize("name", CACHE_COMMANDS)
def test_what_a_command_on_the_cache_says_over_cut_wires_is_true(name, bench, cache, small, record_property):
    def prepare(prefix, customer):
        cache.set(f"{prefix}:all", 12000, ex=100)
        cache.set(f"{prefix}:{customer}", 1, ex=100)

    trials = bench.try_every_cut(CACHE_COMMANDS[name], prepare, [REDIS], small)
    assert_kept_contract(trials, CACHE_STATUSES)
    for trial in trials:
        if trial.run.status == 0 and "invalidate" in name:
            assert trial.run.stdout == "2\n", trial
            assert cache.exists(f"{trial.prefix}:all", f"{trial.prefix}:{trial.customer}") == 0, trial
        elif trial.run.status == 0:
            assert 90 < int(trial.run.stdout) <= 100, trial
    record_property("cuts", figure(name, trials))
