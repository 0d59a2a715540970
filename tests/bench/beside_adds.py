"""Readers that ask for a count again and again, beside writers that add orders. Each is a process; each answer is judged."""

import bisect
import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass, field

from stage import BENCH

PLAIN = BENCH.parent / "fault" / "plain_cache_aside"
CUSTOMER = 1
ORDER = ["--date=2023-03-10", f"--customer={CUSTOMER}", "--net=23.00", "--tax=1.80"]
READERS = 4


@dataclass
class Load:
    """What came of it. `count_seconds` is what a COUNT takes by itself, `counts` how many PostgreSQL was asked for."""

    count_seconds: float
    orders_before: int
    answers: list = field(default_factory=list)  # begin, end, count
    begun: list = field(default_factory=list)
    done: list = field(default_factory=list)
    killed: int = 0
    counts: int = 0
    is_exact: bool = False

    def seconds(self):
        return [end - begin for begin, end, _ in self.answers]

    def waited(self):
        """The share of the reads that took at least half as long as a COUNT: they counted, or waited for who did."""
        return sum(seconds > self.count_seconds / 2 for seconds in self.seconds()) / len(self.answers)

    def counted(self):
        """The share of the reads that asked PostgreSQL."""
        return self.counts / len(self.answers)

    def percentile(self, percent):
        return statistics.quantiles(self.seconds(), n=100)[percent - 1]

    def wrong(self):
        """How many answers lack an order that was reported before they were asked for, or have one that was not begun."""
        begun, done = sorted(self.begun), sorted(self.done)
        return sum(
            not bisect.bisect(done, begin) <= count - self.orders_before <= bisect.bisect(begun, end)
            for begin, end, count in self.answers
        )


class Shop:
    """A store, the cache before it, and the program that its users run."""

    def __init__(self, stage, store, program=None, count=("count",)):
        self.stage, self.store = stage, store
        self.program, self.count = program or stage.program, count
        self.environment = {**os.environ, **stage.environment(self.store)}

    def run(self, *words):
        finished = subprocess.run(
            [self.program, *words], env=self.environment, check=True, stdout=subprocess.PIPE, text=True,
        )
        return int(finished.stdout)

    def orders(self):
        return self.store.value("SELECT count(*) FROM orders")

    def seconds_of_a_count(self):
        rounds = []
        for _ in range(5):
            begin = time.monotonic()
            self.orders()
            rounds.append(time.monotonic() - begin)
        return statistics.median(rounds)

    def play(self, rate, seconds, writers=1, kill_every=0, meanwhile=lambda load: None):
        """Each writer adds `rate` orders a second, as many as it can where that is 0; each n-th is killed in flight."""
        self.stage.cache.flushall()
        load = Load(self.seconds_of_a_count(), self.orders())
        self.run(*self.count)
        end = time.monotonic() + seconds
        with self.store.log() as log:
            threads = [threading.Thread(target=self._read, args=(load, end)) for _ in range(READERS)]
            writing = (load, end, rate, kill_every)
            threads += [threading.Thread(target=self._write, args=writing) for _ in range(writers)]
            for thread in threads:
                thread.start()
            meanwhile(load)
            for thread in threads:
                thread.join()
        load.counts = sum("SELECT count(*)" in line for line in log)
        load.is_exact = self.run(*self.count) == self.orders()
        return load

    def seconds_until_hot(self, rate, times=5):
        """From the loss of the total, while orders come, until it is cached again: the median, and the load."""
        rounds = []

        def lose_the_total(_):
            for _ in range(times):
                time.sleep(1)
                self.stage.cache.delete("num_orders:all", "{num_orders:all}:ledger")
                begin = time.monotonic()
                while not self.stage.cache.exists("num_orders:all"):
                    time.sleep(0.001)
                rounds.append(time.monotonic() - begin)

        load = self.play(rate, 2 * times, meanwhile=lose_the_total)
        return statistics.median(rounds), load

    def _read(self, load, end):
        while time.monotonic() < end:
            begin = time.monotonic()
            count = self.run(*self.count)
            load.answers.append((begin, time.monotonic(), count))

    def _write(self, load, end, rate, kill_every):
        due = time.monotonic()
        while time.monotonic() < end:
            load.begun.append(time.monotonic())
            if kill_every and len(load.begun) % kill_every == 0:
                self._kill_in_flight(load)
            else:
                self.run("add", *ORDER)
                load.done.append(time.monotonic())
            if rate:
                due += 1 / rate
                time.sleep(max(0, due - time.monotonic()))

    def _kill_in_flight(self, load):
        """As soon as the writer stands in the total's ledger."""
        writer = subprocess.Popen([self.program, "add", *ORDER], env=self.environment, stdout=subprocess.DEVNULL)
        while writer.poll() is None:
            if any(field.startswith("in_flight:") for field in self.stage.cache.hkeys("{num_orders:all}:ledger")):
                writer.kill()
                load.killed += 1
                break
        if writer.wait() == 0:
            load.done.append(time.monotonic())


def shops(stage, rows):
    """The same reads and adds in three ways. A customer's count is dropped by each add, and leased by who counts."""
    store = stage.store_of_one_customer(rows)
    return {
        "the total, with its ledger": Shop(stage, store),
        "a customer's count, dropped and leased": Shop(stage, store, count=("count", f"--customer={CUSTOMER}")),
        "plain cache-aside": Shop(stage, store, PLAIN),
    }


def share_of_waits(name, load):
    """A reader of plain cache-aside waits for no other's COUNT, and is no fast process by itself."""
    return load.counted() if name == "plain cache-aside" else load.waited()
