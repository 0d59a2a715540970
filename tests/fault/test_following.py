"""Programs that know no cache write orders while followers, servers and keys come and go. Once the last change is handled no
cached count is wrong; and where nothing goes down, no answer is older than what was handled last."""

import contextlib
import os
import random
import signal
import statistics
import threading
import time

import pytest

import tracer
from following import INSERT, Counts, Follower, Snapshots
from histories import ADD, Call, Load, reads_of, record, violations
from keys import FOLLOWED, TOTAL, script
from outsiders import CUSTOMERS, Outsider, end_prepared
from peers import Proxy
from program import PROGRAM
from servers import wait_until

SCOPES = (None, *CUSTOMERS)
OLDEST = 2.0  # seconds, while a follower is in charge
SECONDS = 12
LEAST_READS = 100
LEAST_READS_WHILE_LOST = 10
LAG = 1.0  # a poll is 0.05 s


def wait_for_the_follower(counts, database):
    """Until it has seen to all that was written. What a crash lost of it, it sees to when it reads the order that comes after;
    and one that begins forgets what was noted down and clears all caches then, so that the second order says that it has,
    unless yet another began."""
    before = None
    while before is None or follower_now(database) != before:
        before = follower_now(database)
        for _ in range(2):
            database.execute(INSERT.format(CUSTOMERS[0]))
            wait_until(counts.are_handled, what="the end of the changes")


def follower_now(database):
    """The token of the one who began last; None: a crash took it away."""
    return database.value("SELECT max(token) FROM ordercache.follower")


@pytest.fixture
def counts(cache, database):
    return Counts(cache, database)


@pytest.fixture
def crowd(followed, database):
    """Readers and adders for a while, some of them killed, beside outsiders and what `meanwhile(end)` does."""
    def run(meanwhile, seconds=SECONDS, outsiders=2):
        end = time.monotonic() + seconds
        outside = [Outsider(database, seed) for seed in range(outsiders)]
        threads = [threading.Thread(target=outsider.change_until, args=(end,)) for outsider in outside]

        def play():
            for thread in threads:
                thread.start()
            meanwhile(end)
            for thread in threads:
                thread.join()

        environment = {name: str(value) for name, value in followed.environment.items()}
        load = Load(readers=2, writers=1, customers=CUSTOMERS, pause=0.1)
        calls = record([str(PROGRAM)], environment, seconds, load, play)
        changes = sum(outsider.changes for outsider in outside)
        assert changes > 100
        return calls, changes

    return run


def assert_true_at_last(followed, counts, database):
    """With a follower that runs: what is cached now, and what is counted then."""
    end_prepared(database)
    wait_for_the_follower(counts, database)
    assert counts.wrong() == {}
    for scope in [(), *((f"--customer={customer}",) for customer in CUSTOMERS)]:
        assert followed("count", *scope).status == 0
    assert counts.wrong() == {}


def test_no_count_is_wrong_at_last_though_followers_are_killed_and_servers_restarted(
    crowd, followed, counts, database, lone_redis, postgres, record_property,
):
    followed.environment["REDIS_SERVICE_URI"] = lone_redis.uri()
    cache = counts.cache = lone_redis.client()
    chance = random.Random(0)
    followers = [followed.start("invalidate", "--follow") for _ in range(2)]
    killed = 0

    def restart_redis():
        if chance.random() < 0.5:
            cache.save()
            time.sleep(0.3)
        lone_redis.stop()
        lone_redis.start()

    def accidents(end):
        """One follows and one waits; either is killed."""
        nonlocal killed
        restarts = [restart_redis, postgres.crash_and_restart, restart_redis]
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.2, 2))
            followers.pop(chance.randrange(2)).kill()
            killed += 1
            followers.append(followed.start("invalidate", "--follow"))
            if restarts and chance.random() < 0.5:
                restarts.pop()()

    calls, changes = crowd(accidents)
    assert_true_at_last(followed, counts, database)
    assert [follower.poll() for follower in followers] == [None, None]
    record_property("followers killed", f"{killed} beside {changes} outside changes and {len(calls)} calls")


def test_no_count_is_wrong_at_last_though_redis_evicts_keys(crowd, followed, counts, database, lone_redis, record_property):
    followed.environment["REDIS_SERVICE_URI"] = lone_redis.uri()
    cache = counts.cache = lone_redis.client()
    cache.config_set("maxmemory-policy", "allkeys-random")
    cache.config_set("maxmemory", cache.info("memory")["used_memory"] + (1 << 20))
    Follower(followed)
    chance = random.Random(0)

    def fill_memory(end):
        while time.monotonic() < end:
            cache.set(f"filler:{chance.randrange(1000)}", "x" * 50_000)
            time.sleep(chance.uniform(0, 0.01))

    calls, changes = crowd(fill_memory)
    evicted = cache.info("stats")["evicted_keys"]
    assert evicted > 100
    assert_true_at_last(followed, counts, database)
    record_property("keys evicted", f"{evicted} beside {changes} outside changes and {len(calls)} calls")


def test_no_answer_is_older_than_what_was_handled(followed, counts, database, record_property):
    """To the checker an outside order is one that returned when the follower had handled it, which half of the time takes it
    no longer than that. A read that PostgreSQL answers, since Redis is too slow, may be ahead of that."""
    Follower(followed)
    initially = dict(database.rows("SELECT customerid, count(*) FROM orders GROUP BY customerid"))
    initially[None] = sum(initially.values())
    outside, lags = [], []

    def write_outside():
        chance = random.Random(0)
        end = time.monotonic() + SECONDS
        with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
            while time.monotonic() < end:
                customer, begin = chance.choice(CUSTOMERS), time.monotonic()
                cursor.execute(INSERT.format(customer))
                committed = time.monotonic()
                wait_until(counts.are_handled, what="the end of the change")
                outside.append(Call(ADD, begin, time.monotonic(), 0, customer))
                lags.append(time.monotonic() - committed)
                time.sleep(chance.uniform(0, 0.1))

    environment = {name: str(value) for name, value in followed.environment.items()}
    load = Load(readers=3, writers=1, customers=CUSTOMERS)
    calls, reads = [], 0
    while reads < LEAST_READS:  # a slow machine takes another round
        calls += record([str(PROGRAM)], environment, SECONDS, load, write_outside)
        reads = sum(len(reads_of(calls, scope)) for scope in SCOPES)
    calls += outside
    assert [
        line for scope in SCOPES for line in violations(calls, scope, initially.get(scope, 0), is_monotonic=False)
    ] == []
    assert statistics.median(lags) < LAG
    assert_true_at_last(followed, counts, database)
    record_property(
        "followed history", f"0 violations in {reads} reads beside {len(outside)} outside orders, handled in"
        f" {statistics.median(lags):.2f} s half of the time and in {max(lags):.2f} s at most",
    )


def kill(_wires, process):
    process.kill()
    process.communicate()
    return contextlib.nullcontext()


@contextlib.contextmanager
def stop(_wires, process):
    process.send_signal(signal.SIGSTOP)
    yield
    process.send_signal(signal.SIGCONT)


def cut_off_postgresql(wires, _process):
    return wires[0].cut()


def cut_off_redis(wires, _process):
    return wires[1].cut()


@pytest.mark.parametrize("lose", [kill, stop, cut_off_postgresql, cut_off_redis])
def test_no_read_is_older_than_two_seconds_though_the_follower_is_lost(
    followed, database, postgres, lone_redis, full, lose, record_property,
):
    """To the checker an outside order is one that returned 2 seconds after its commit."""
    followed.environment["REDIS_SERVICE_URI"] = lone_redis.uri()
    initially = dict(database.rows("SELECT customerid, count(*) FROM orders GROUP BY customerid"))
    initially[None] = sum(initially.values())
    outside, lost = [], []
    chance = random.Random(0)

    def lose_followers(end, wires):
        environment = {"PG_SERVICE_URI": postgres.uri(port=wires[0].port), "REDIS_SERVICE_URI": lone_redis.uri(port=wires[1].port)}
        follower = followed.start("invalidate", "--follow", "-q", env=environment)
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.5, 2))
            begin = time.monotonic()
            with lose(wires, follower):
                time.sleep(chance.uniform(2.5, 4))
                lost.append((begin, time.monotonic()))
            if follower.poll() is not None:
                follower = followed.start("invalidate", "--follow", "-q", env=environment)

    def write_outside(end):
        with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
            while time.monotonic() < end:
                customer, begin = chance.choice(CUSTOMERS), time.monotonic()
                cursor.execute(INSERT.format(customer))
                outside.append(Call(ADD, begin, time.monotonic() + OLDEST, 0, customer))
                time.sleep(chance.uniform(0, 0.2))

    def play():
        end = time.monotonic() + seconds
        with Proxy(postgres.port) as to_postgresql, Proxy(lone_redis.port) as to_redis:
            thread = threading.Thread(target=lose_followers, args=(end, (to_postgresql, to_redis)))
            thread.start()
            write_outside(end)
            thread.join()

    seconds = 600 if full else 5
    environment = {name: str(value) for name, value in followed.environment.items()}
    first = Follower(followed)
    wait_until(lambda: lone_redis.client().exists(FOLLOWED), what="a follower in charge")
    first.end()
    calls, while_lost = [], []
    while len(while_lost) < LEAST_READS_WHILE_LOST:  # a slow machine takes another round
        calls += record([str(PROGRAM)], environment, seconds, Load(readers=3, writers=1, customers=CUSTOMERS), play)
        reads = [read for scope in SCOPES for read in reads_of(calls, scope)]
        while_lost = [read for read in reads if any(begin + OLDEST < read.begin < end for begin, end in lost)]
    assert [
        line for scope in SCOPES
        for line in violations(calls + outside, scope, initially.get(scope, 0), is_monotonic=False)
    ] == []
    record_property(
        f"reads older than 2 s, {lose.__name__}", f"0 of {len(reads)}, {len(while_lost)} of them without a follower, which was lost"
        f" {len(lost)} times, beside {len(outside)} outside orders",
    )


@pytest.mark.parametrize("customer, step", [("101", 7), ("cus_101", 70)], indirect=["customer"])
def test_a_follower_killed_at_any_system_call_leaves_what_the_next_one_mends(
    customer, step, followed, counts, database, cache, full, record_property,
):
    environment = {name: str(value) for name, value in followed.environment.items()}
    step = 1 if full else step
    insert = INSERT.format(f"'{customer}'")
    snapshots = Snapshots(database, *(("orders", "") if customer.isdigit() else ('"Sale"', '"paidAt" IS NOT NULL')))
    last_point = 520  # in the sixth poll or so
    for point in range(1, last_point, step):
        assert followed("count").status == followed("count", f"--customer={customer}").status == 0
        database.execute(insert)
        writer = threading.Timer(0.05, database.execute, [insert])
        writer.start()
        assert tracer.kill_at(point, [str(PROGRAM), "invalidate", "--follow"], environment)
        writer.join()
        wait_until(lambda: nobody_follows(database), what="the end of the killed follower's session")
        Follower(followed).process.kill()
        assert counts.wrong() == {}
        snapshots.compare()
        wait_until(lambda: nobody_follows(database), what="the end of the next one's session")
    assert counts.are_handled()
    assert snapshots.wrong == []
    record_property(f"follower's crash points, {customer}", f"{len(range(1, last_point, step))}")


def nobody_follows(database):
    return not database.value(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


def test_what_a_follower_told_redis_does_no_harm_when_it_comes_late(followed, counts, database, cache, redis_server):
    """The wire holds it back; the follower gives up waiting, and starts anew."""
    may_go_on, went_on = threading.Event(), threading.Event()

    def hold_back(_proxy, _client, server, message):
        may_go_on.wait()
        server.sendall(message)
        went_on.set()

    with Proxy(redis_server.port, trigger=script("ledger_apply_external"), act=hold_back) as proxy:
        follower = Follower(followed, REDIS_SERVICE_URI=f"redis://127.0.0.1:{proxy.port}")
        followed("count")
        database.execute(INSERT.format(101))
        assert "trying again" in follower.process.stderr.readline()
        assert "answer again" in follower.process.stderr.readline()
        assert proxy.triggered
        followed("count")
        database.execute(INSERT.format(101))
        wait_until(counts.are_handled)
        total = cache.get(TOTAL)
        may_go_on.set()
        assert went_on.wait(10)
        wait_until(lambda: cache.info("commandstats")["cmdstat_eval"]["calls"])
        time.sleep(0.2)
        assert cache.get(TOTAL) == total is not None
        assert counts.wrong() == {}


def test_an_outside_commit_that_a_standby_holds_up_is_heard_of_when_it_is_visible(followed, counts, database, cache, postgres):
    Follower(followed)
    followed("count")
    with postgres.setting("synchronous_standby_names", "nobody"):
        writer = threading.Thread(target=database.execute, args=(INSERT.format(101),))
        writer.start()
        wait_until(lambda: waits_for_a_standby(database), what="a COMMIT that waits")
        for _ in range(5):
            time.sleep(0.2)
            assert cache.get(TOTAL) == "12000"
            assert counts.wrong() == {}
    writer.join()
    wait_until(lambda: cache.get(TOTAL) == "12001", what="the order in the cache")
    assert counts.wrong() == {}


def waits_for_a_standby(database):
    return database.value(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'",
    )


def test_after_long_work_a_follower_takes_no_more_than_at_its_start(followed, counts, database, full, record_property):
    """An hour in the complete run."""
    follower = Follower(followed)
    before = memory(follower)
    outsiders = [Outsider(database, seed) for seed in range(4)]
    end = time.monotonic() + (3600 if full else 15)
    threads = [threading.Thread(target=outsider.change_until, args=(end,)) for outsider in outsiders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_true_at_last(followed, counts, database)
    begin = processor_seconds(follower)
    time.sleep(5)
    share = (processor_seconds(follower) - begin) / 5
    assert memory(follower) < before + 2048
    assert database.value("SELECT pg_relation_size('ordercache.change')") < 20 << 20
    assert share < 0.05
    changes = sum(outsider.changes for outsider in outsiders)
    record_property(
        "after long work",
        f"{changes} changes; {share:.3f} of a processor when idle, {before} KiB before and {memory(follower)} KiB after",
    )


def memory(follower):
    """What it has for itself, in KiB."""
    with open(f"/proc/{follower.process.pid}/status") as status:
        [size] = [line.split()[1] for line in status if line.startswith("RssAnon:")]
    return int(size)


def processor_seconds(follower):
    with open(f"/proc/{follower.process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
