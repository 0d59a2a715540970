"""Histories: programs at once, killed and restarted around; a checker decides whether any answer was wrong."""

import contextlib
import os
import pathlib
import shutil
import time

import pytest

import servers
from histories import ADD, LOOK, READ, Call, Load, reads_of, record, violations
from postgres_peers import PgBouncer, Standby
from program import PROGRAM

PLAIN = [str(pathlib.Path(__file__).with_name("plain_cache_aside"))]
FULL_READS = 20_000


class Judgement:
    """A history, judged from what PostgreSQL held before it: its reads or, by `kind`, its looks into the cache."""

    def __init__(self, database, load, kind):
        self._database = database
        self._kind = kind
        self._scopes = [None, *load.customers]
        self._initially = self._counts()
        self.calls = []

    def _counts(self):
        by_customer = dict(self._database.rows("SELECT customerid, count(*) FROM orders GROUP BY customerid"))
        return {
            scope: sum(by_customer.values()) if scope is None else by_customer.get(scope, 0) for scope in self._scopes
        }

    def violations(self):
        """With a last read of PostgreSQL itself after all others: no add that returned is lost."""
        now, counts = time.monotonic(), self._counts()
        calls = self.calls + [Call(self._kind, now, now, 0, scope, counts[scope]) for scope in self._scopes]
        return [line for scope in self._scopes for line in violations(calls, scope, self._initially[scope], self._kind)]

    def reads(self):
        return sum(len(reads_of(self.calls, scope, self._kind)) for scope in self._scopes)

    def figure(self, name):
        adds = [call for call in self.calls if call.kind == ADD]
        killed = sum(call.status == -9 for call in adds)
        failed = sum(call.status > 0 for call in self.calls if call.kind != LOOK)
        return (
            f"{name}: {len(self.violations())} violations in {self.reads()} {self._kind}s"
            f" beside {len(adds)} adds, {killed} of them killed; {failed} calls failed and said so"
        )


@pytest.fixture
def judged(ordercache, database, record_property):
    """Records and judges a history, and tells its figure."""
    def run(name, seconds, load=Load(), program=(str(PROGRAM),), meanwhile=None, is_enough=Judgement.reads, kind=READ):
        judgement = Judgement(database, load, kind)
        environment = {"PATH": os.environ["PATH"], **{name: str(value) for name, value in ordercache.environment.items()}}
        while not is_enough(judgement):
            judgement.calls += record(list(program), environment, seconds, load, meanwhile)
            meanwhile = None
        record_property("history", judgement.figure(name))
        return judgement

    return run


def test_no_read_is_wrong_while_writers_are_killed_and_servers_restarted(judged, redis_server, postgres, full):
    seconds = 60 if full else 30

    def restart_servers():
        for restart in (restart_redis, postgres.crash_and_restart, restart_redis):
            time.sleep(seconds / 4)
            restart()

    def restart_redis():
        redis_server.stop()
        redis_server.start()

    def is_enough(judgement):
        return judgement.reads() >= (FULL_READS if full else 1)

    judgement = judged("ordercache, restarts", seconds, meanwhile=restart_servers, is_enough=is_enough)
    assert judgement.violations() == []


def test_no_read_is_wrong_on_a_table_of_another_shape(another_shape, judged, postgres, full):
    seconds = 60 if full else 5

    def crash():
        time.sleep(seconds / 2)
        postgres.crash_and_restart()

    load = Load(customers=("cus_101", "cus_102", "cus_103"), pause=0.1)
    judgement = judged("another shape, a crash", seconds, load, meanwhile=crash)
    assert judgement.violations() == []


def test_the_checker_finds_what_a_plain_cache_aside_program_does_wrong(judged):
    load = Load(readers=4, writers=4, pause=0.1)
    judgement = judged("plain cache-aside", 5, load, program=PLAIN, is_enough=Judgement.violations)
    assert judgement.violations() != []


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_no_read_is_wrong_whatever_isolation_the_server_prefers(judged, database, isolation, full):
    database.execute(f"ALTER DATABASE {database.name} SET default_transaction_isolation = '{isolation}'")
    judgement = judged(isolation, 10 if full else 6, Load(pause=0.05))
    assert judgement.violations() == []


def test_no_add_that_returned_is_lost_in_a_crash_though_the_server_commits_asynchronously(judged, database, postgres):
    database.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = off")

    def crash_twice():
        for _ in range(2):
            time.sleep(4)
            postgres.crash_and_restart()

    judgement = judged("synchronous_commit = off, crashes", 10, Load(readers=2, pause=0), meanwhile=crash_twice)
    assert judgement.violations() == []


@pytest.fixture
def spread_pool(folder, postgres, database):
    """A PgBouncer that sends statements to the primary and, in turn, to a standby that lags by half a second."""
    with contextlib.ExitStack() as stack:
        home = servers.temporary_folder()
        stack.callback(shutil.rmtree, home)
        standby = Standby(home, postgres, milliseconds=500, address="127.0.0.2")
        stack.callback(standby.stop)
        standby.create()
        standby.catch_up()
        pool = stack.enter_context(servers.running(PgBouncer(folder, postgres, 10, ["127.0.0.1", "127.0.0.2"])))
        stack.enter_context(postgres.behind(pool))
        yield pool


def test_no_cached_count_is_wrong_behind_a_pool_that_spreads_over_a_standby(
        judged, ordercache, postgres, spread_pool, full):
    least = 1000 if full else 1

    def is_enough(judgement):
        return judgement.reads() >= least

    ordercache.environment.update(PG_SERVICE_URI=postgres.uri(), CACHE_TIMEOUT_SECONDS=1)
    judgement = judged("a pool that spreads", 10, Load(lookers=1), is_enough=is_enough, kind=LOOK)
    assert judgement.violations() == []
    assert any(call.kind == ADD and call.status == 0 for call in judgement.calls)


def read(begin, end, answer):
    return Call(READ, begin, end, 0, None, answer)


def add(begin, end, status=0):
    return Call(ADD, begin, end, status, 101)


@pytest.mark.parametrize("calls", [
    [add(0, 1), read(2, 3, 0)],
    [read(0, 1, 1), add(2, 3)],
    [add(0, 1, status=3), read(2, 3, 1)],
    [add(0, 9), read(1, 2, 1), read(3, 4, 0)],
])
def test_the_checker_rejects_what_cannot_be(calls):
    assert len(violations(calls, None, 0)) == 1


@pytest.mark.parametrize("calls", [
    [add(0, 1), read(2, 3, 1)],
    [add(0, 2), read(1, 3, 0)],
    [add(0, 2), read(1, 3, 1)],
    [add(0, 1, status=-9), read(2, 3, 0)],
    [add(0, 1, status=5), read(2, 3, 1)],
    [add(0, 9), read(1, 3, 1), read(2, 4, 0)],
])
def test_the_checker_accepts_what_can_be(calls):
    assert violations(calls, None, 0) == []
