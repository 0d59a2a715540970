"""Four readers that ask for the total again and again, beside writers that add orders: whole processes."""

import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass, field

ORDER = ["--date", "2023-03-10", "--customer", "1", "--net", "23.00", "--tax", "1.80"]
READERS = 4


@dataclass
class Load:
    """What came of it. `count_seconds` is what a COUNT takes by itself."""

    count_seconds: float
    reads: list = field(default_factory=list)
    adds: int = 0
    killed: int = 0
    counts: int = 0
    is_exact: bool = False

    def waited(self):
        """The share of the reads that took at least half as long as a COUNT: they counted, or waited for who did."""
        return sum(seconds > self.count_seconds / 2 for seconds in self.reads) / len(self.reads)

    def percentile(self, percent):
        return statistics.quantiles(self.reads, n=100)[percent - 1]


class Shop:
    """A store, the cache before it, and the programs that use them."""

    def __init__(self, stage, store):
        self.stage, self.store = stage, store
        self.environment = {**os.environ, **stage.environment(store)}

    def run(self, *arguments):
        finished = subprocess.run(
            [self.stage.program, *arguments], env=self.environment, check=True, stdout=subprocess.PIPE, text=True,
        )
        return finished.stdout

    def seconds_of_a_count(self):
        rounds = []
        for _ in range(5):
            begin = time.monotonic()
            self.store.value("SELECT count(*) FROM orders")
            rounds.append(time.monotonic() - begin)
        return statistics.median(rounds)

    def play(self, rate, seconds, writers=1, kill_every=0):
        """Each writer adds `rate` orders a second, as many as it can where that is 0; each n-th is killed in flight."""
        self.stage.cache.flushall()
        load = Load(self.seconds_of_a_count())
        self.run("count")
        end = time.monotonic() + seconds
        with self.store.log() as log:
            threads = [threading.Thread(target=self._read, args=(load, end)) for _ in range(READERS)]
            writing = (load, end, rate, kill_every)
            threads += [threading.Thread(target=self._write, args=writing) for _ in range(writers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        load.counts = sum("count(*) AS count" in line for line in log)
        load.is_exact = int(self.run("count")) == self.store.value("SELECT count(*) FROM orders")
        return load

    def _read(self, load, end):
        while time.monotonic() < end:
            begin = time.monotonic()
            self.run("count")
            load.reads.append(time.monotonic() - begin)

    def _write(self, load, end, rate, kill_every):
        due = time.monotonic()
        while time.monotonic() < end:
            load.adds += 1
            if kill_every and load.adds % kill_every == 0:
                self._kill_in_flight(load)
            else:
                self.run("add", *ORDER)
            if rate:
                due += 1 / rate
                time.sleep(max(0, due - time.monotonic()))

    def _kill_in_flight(self, load):
        """As soon as the writer stands in the total's ledger."""
        writer = subprocess.Popen([self.stage.program, "add", *ORDER], env=self.environment, stdout=subprocess.DEVNULL)
        while writer.poll() is None:
            if any(field.startswith("in_flight:") for field in self.stage.cache.hkeys("{num_orders:all}:ledger")):
                writer.kill()
                load.killed += 1
                break
        writer.wait()
