"""Programs that know no cache write orders, and `invalidate --follow` keeps the counts true."""

import contextlib
import os
import random
import signal
import statistics
import subprocess
import threading
import time

import beside_adds
import following

ORDER = "INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount) VALUES ('2023-03-10', {}, 23, 1.8, 24.8)"
CHANGES = [
    ORDER,
    ORDER,
    "DELETE FROM orders WHERE orderid = (SELECT max(orderid) FROM orders WHERE customerid = {})",
    "UPDATE orders SET customerid = 1 WHERE orderid = (SELECT max(orderid) FROM orders WHERE customerid = {})",
    "BEGIN; " + ORDER + "; ROLLBACK",
]
TOTAL = "num_orders:all"
CUSTOMERS = 800


class Follower:
    """One that is ready."""

    def __init__(self, shop):
        self.store = shop.store
        with following.service_manager() as (told_where, manager):
            self.process = subprocess.Popen(
                [shop.program, "invalidate", "--follow"], env={**shop.environment, **told_where},
            )
            following.hears(manager, "READY=1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGTERM)

    def end(self, by):
        self.process.send_signal(by)
        self.process.wait()

    def backend(self):
        """The id of its process in PostgreSQL."""
        return self.store.value(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'ordercache' AND datname = current_database()"
        )

    def memory(self):
        """In MiB: the share of it in what it has with others, and all that it has."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            sizes = dict(line.split()[:2] for line in file if line.startswith(("Pss:", "Rss:")))
        return int(sizes["Pss:"]) / 1024, int(sizes["Rss:"]) / 1024


def processor_seconds(process):
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Shop(beside_adds.Shop):
    """One in whose store changes are noted down for a follower."""

    def __init__(self, stage, store, **environment):
        super().__init__(stage, store)
        self.environment |= environment
        self._run_sql("--follow-sql")
        self.customers = stage.file_of_customers(CUSTOMERS)

    def remove(self):
        """Has nothing noted any more."""
        self._run_sql("--follow-sql=remove")

    def _run_sql(self, option):
        printed = subprocess.run(
            [self.program, "invalidate", option], env=self.environment, check=True, stdout=subprocess.PIPE, text=True,
        )
        self.store.execute(printed.stdout)

    def idle(self, seconds):
        """The shares of a processor that a follower and its process in PostgreSQL take, and its memory."""
        with Follower(self) as follower:
            time.sleep(1)
            processes = follower.process.pid, follower.backend()
            before = [processor_seconds(process) for process in processes]
            time.sleep(seconds)
            after = [processor_seconds(process) for process in processes]
            return *((b - a) / seconds for a, b in zip(before, after)), *follower.memory()

    def crowd(self, seconds, writers=4, readers=2):
        """Once the last change was handled: how many cached counts are wrong, and how many there are."""
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self._write_outside, args=(n, end)) for n in range(writers)]
        threads += [threading.Thread(target=self._read_all, args=(end,)) for _ in range(readers)]
        with Follower(self):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self._wait_until_handled()
        return self._wrong_counts()

    def lags(self, rounds):
        """From an outside commit until the total in the cache is true: the median, and the 99th percentile."""
        chance = random.Random(0)
        seconds = []
        with Follower(self), contextlib.closing(self.store.connect()) as connection, connection.cursor() as cursor:
            expected = self.run("count")
            for _ in range(rounds):
                time.sleep(chance.uniform(0.05, 0.15))
                cursor.execute(ORDER.format(1))
                begin = time.monotonic()
                expected += 1
                while self.stage.cache.get(TOTAL) != str(expected):
                    assert time.monotonic() < begin + 10, "the order was not heard of"
                    time.sleep(0.0005)
                seconds.append(time.monotonic() - begin)
        return statistics.median(seconds), statistics.quantiles(seconds, n=100)[98]

    def seconds_to_truth(self, seconds_dead):
        """What the start of a follower takes to make up for what came while there was none."""
        with Follower(self) as follower:
            self._read_all(until=0)
            follower.end(signal.SIGKILL)
        self._write_outside(1, time.monotonic() + seconds_dead, rate=50)
        assert self._wrong_counts()[0] > 0
        begin = time.monotonic()
        with Follower(self):
            seconds = time.monotonic() - begin
            assert self._wrong_counts()[0] == 0
        return seconds

    def play_beside_others(self, outside, adds, seconds):
        """Four readers of the total beside outside orders and adds, so many a second."""

        def write(_):
            self._write_outside(0, time.monotonic() + seconds, outside)
            self._wait_until_handled()

        with Follower(self):
            return self.play(adds, seconds, meanwhile=write)

    def _write_outside(self, seed, end, rate=0):
        """Changes of all kinds, `rate` a second, as many as it can where that is 0."""
        chance = random.Random(seed)
        with contextlib.closing(self.store.connect()) as connection, connection.cursor() as cursor:
            due = time.monotonic()
            while time.monotonic() < end:
                cursor.execute(chance.choice(CHANGES).format(chance.randint(1, CUSTOMERS)))
                if rate:
                    due += 1 / rate
                    time.sleep(max(0, due - time.monotonic()))

    def _read_all(self, until):
        """Once at least."""
        while True:
            self.run("count")
            subprocess.run(
                [self.program, "count", f"--customers-from={self.customers}"], env=self.environment, check=True,
                stdout=subprocess.DEVNULL,
            )
            if time.monotonic() >= until:
                break

    def _wait_until_handled(self):
        while self.store.value("SELECT EXISTS (SELECT FROM ordercache.change)"):  # no COUNT: those are counted
            time.sleep(0.01)

    def _wrong_counts(self):
        cache = self.stage.cache
        cached = {key: int(cache.get(key) or -1) for key in cache.keys("num_orders:*")}
        true = dict(self.store.rows("SELECT 'num_orders:' || customerid, count(*) FROM orders GROUP BY customerid"))
        true[TOTAL] = self.store.value("SELECT count(*) FROM orders")
        return sum(true.get(key, 0) != count for key, count in cached.items()), len(cached)


@contextlib.contextmanager
def followed(stage, store):
    """A shop whose follower works and whose total is known. Afterwards the store is as before."""
    shop = Shop(stage, store, CACHE_KEY_PREFIX=store.name)
    try:
        with Follower(shop):
            while store.value(f"SELECT ordercache_{store.name}.known_total('orders', '')") is None:
                time.sleep(0.01)
            yield shop
    finally:
        shop.remove()


def pace(shop, seconds, statement, clients=8):
    """Statements a second of that many clients."""
    script = shop.stage.folder / "statement.sql"
    script.write_text(f"\\set number random(1, 20000)\n{statement.format(':number')};\n")
    finished = subprocess.run(
        ["pgbench", "--no-vacuum", f"--client={clients}", f"--time={seconds}", f"--file={script}",
         shop.stage.postgres.uri(shop.store.name)],
        check=True, capture_output=True, text=True,
    )
    [line] = [line for line in finished.stdout.splitlines() if line.startswith("tps = ")]
    return float(line.split()[2])


def slowdown(plain, followed, statement=ORDER, rounds=7, seconds=5):
    """How many times the pace it is without triggers: the median of the rounds. And that pace."""
    with Follower(followed):
        paces = [(pace(plain, seconds, statement), pace(followed, seconds, statement)) for _ in range(rounds)]
    return statistics.median(a / b for a, b in paces), statistics.median(a for a, _ in paces)
