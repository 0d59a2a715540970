"""
Histories of many programs at once, and the checker that decides whether every answer in one was true.

Each call runs as a process of its own. Its begin and end are taken around the process, so that what the checker calls
before or after was so; of calls that overlap it demands nothing.
"""

import bisect
import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

import redis

READ, ADD, LOOK = "read", "add", "look"  # what the program answers, what it adds, and what Redis holds

# The statuses of an add that mean that nothing was written.
NOTHING_WRITTEN = {1, 2, 3, 4}


@dataclass(frozen=True)
class Call:
    kind: str
    begin: float
    end: float
    status: int
    scope: int | None = None  # a customer; absent: all orders
    answer: int | None = None


def run_call(kind, command, environment, scope, kill_after=None):
    """Runs one process, killed after that many seconds if it is still there."""
    begin = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if kill_after is not None:
        time.sleep(kill_after)
        process.send_signal(signal.SIGKILL)
    stdout = process.communicate()[0]
    end = time.monotonic()
    answer = int(stdout) if kind == READ and process.returncode == 0 else None
    return Call(kind, begin, end, process.returncode, scope, answer)


def add(program, environment, customers):
    """A tenth of the programs is killed at a random moment."""
    customer = random.choice(customers)
    kill_after = random.uniform(0, 0.02) if random.random() < 0.1 else None
    order = ["add", "--date=2023-03-10", f"--customer={customer}", "--net=23.00", "--tax=1.80"]
    return run_call(ADD, [*program, *order], environment, customer, kill_after)


def read(program, environment, customers):
    customer = random.choice([None, *customers])
    scope = [] if customer is None else [f"--customer={customer}"]
    return run_call(READ, [*program, "count", *scope], environment, customer)


def look(program, environment, customers, clients={}):
    """Looks what is cached; nothing is status 1."""
    uri = environment["REDIS_SERVICE_URI"]
    client = clients.setdefault(uri, redis.Redis.from_url(uri))
    customer = random.choice([None, *customers])
    begin = time.monotonic()
    value = client.get(f"num_orders:{'all' if customer is None else customer}")
    end = time.monotonic()
    return Call(LOOK, begin, end, int(value is None), customer, None if value is None else int(value))


def call_until(until, kind, pause, **task):
    call = {READ: read, ADD: add, LOOK: look}[kind]
    calls = []
    while time.monotonic() < until:
        calls.append(call(**task))
        time.sleep(random.uniform(0, 2 * pause))
    return calls


@dataclass(frozen=True)
class Load:
    """So many readers and writers, and who looks into the cache, at a time; a writer rests for `pause` seconds between two
    adds, on average."""

    readers: int = 4
    writers: int = 3
    lookers: int = 0
    customers: tuple = (101, 102, 103)
    pause: float = 0.2


def record(program, environment, seconds, load=Load(), meanwhile=None):
    """The calls of such a load, in no order. `meanwhile()` runs at the same time in this process."""
    until = time.monotonic() + seconds
    task = {"until": until, "program": program, "environment": environment, "customers": load.customers}
    roles = [(READ, 0)] * load.readers + [(ADD, load.pause)] * load.writers + [(LOOK, 0.002)] * load.lookers
    workers = [start_worker(kind=kind, pause=pause, **task) for kind, pause in roles]
    if meanwhile:
        meanwhile()
    calls = []
    for worker in workers:
        calls += [Call(**call) for call in json.loads(worker.stdout.read())]
        assert worker.wait() == 0
    return calls


def start_worker(**task):
    worker = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    worker.stdin.write(json.dumps(task))
    worker.stdin.close()
    return worker


def violations(calls, scope, initially, kind=READ, is_monotonic=True):
    """
    What is wrong with the reads (or the looks) of one scope, a line each: below the adds that had returned before the read began,
    above those that had begun before it ended, or, unless that may be, below a read that had ended before it began.
    """
    adds = [call for call in calls if call.kind == ADD and scope in (None, call.scope)]
    returned = sorted(add.end for add in adds if add.status == 0)
    begun = sorted(add.begin for add in adds if add.status not in NOTHING_WRITTEN)
    reads = reads_of(calls, scope, kind)

    by_end = sorted(reads, key=lambda read: read.end)
    ends = [read.end for read in by_end]
    highest = [initially]
    for read in by_end:
        highest.append(max(highest[-1], read.answer))

    found = []
    for read in reads:
        least = initially + bisect.bisect_left(returned, read.begin)
        most = initially + bisect.bisect_left(begun, read.end)
        earlier = highest[bisect.bisect_left(ends, read.begin)]
        if not least <= read.answer <= most:
            found.append(f"{read} is not in {least}..{most}")
        elif is_monotonic and read.answer < earlier:
            found.append(f"{read} is below an earlier read of {earlier}")
    return found


def reads_of(calls, scope, kind=READ):
    return [call for call in calls if call.kind == kind and call.scope == scope and call.status == 0]


if __name__ == "__main__":
    json.dump([asdict(call) for call in call_until(**json.load(sys.stdin))], sys.stdout)
