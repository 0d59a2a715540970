"""How the cost grows: with the orders in the table, in a batch, in a file; and what adds do to those who read."""

import subprocess
from typing import NamedTuple

import beside_adds
import others
from measuring import paired
from stage import BENCH

COPY = r"\copy orders (orderdate, customerid, netamount, tax, totalamount) FROM '{}' WITH (FORMAT csv)"
CACHED, REDIS_CLI, PSQL = "ordercache count, cached", "redis-cli GET", "psql -c 'SELECT count(*) …'"
FOLLOWED = "ordercache count, first with a follower"


class Growth(NamedTuple):
    across: str
    up: str
    lines: dict
    """For each name its points."""


def milliseconds(commands, environment, rounds=3, runs=5, prepare=None):
    """The medians of the quietest round: sizes are measured at different times, and the machine may do other things."""
    seconds = paired(commands, environment, rounds, runs, prepare)
    return {name: min(all_rounds) * 1000 for name, all_rounds in seconds.items()}


def lines_of(measured):
    lines = {}
    for size, figures in measured:
        for name, figure in figures.items():
            lines.setdefault(name, []).append((size, figure))
    return lines


def orders_in_table(stage, sizes):
    count = "SELECT count(*) FROM orders"
    for size in sizes:
        store = stage.store(size)
        environment = stage.environment(store)
        ours = [stage.program, "count"]
        yield size, milliseconds(
            {"ordercache count, not cached": ours, PSQL: [*stage.psql(store), "--command", count]},
            environment, runs=3, prepare=stage.redis_cli("DEL", "num_orders:all"),
        )
        with others.followed(stage, store) as shop:
            flush = stage.redis_cli("FLUSHALL")
            yield size, milliseconds({FOLLOWED: ours}, shop.environment, rounds=5, runs=10, prepare=flush)
        subprocess.run(ours, env=environment, check=True, stdout=subprocess.DEVNULL)
        yield size, milliseconds(
            {
                CACHED: ours,
                REDIS_CLI: stage.redis_cli("GET", "num_orders:all"),
                "plain cache-aside in Python, cached": ["/usr/bin/python3", BENCH / "tutorial.py"],
            },
            environment,
        )


def customers_in_batch(stage, sizes):
    environment = stage.environment(stage.tutorial)
    for size in sizes:
        command = [stage.program, "count", f"--customers-from={stage.file_of_customers(size)}"]
        yield size, milliseconds(
            {"ordercache count, none cached": command}, environment, runs=1, prepare=stage.redis_cli("FLUSHALL"),
        )
        stage.cache_counts(range(1, size + 1))
        yield size, milliseconds({"ordercache count, all cached": command}, environment)


def orders_in_file(stage, sizes):
    store = stage.empty_store()
    empty = [*stage.psql(store), "--command", "TRUNCATE orders"]
    for size in sizes:
        yield size, milliseconds(
            {
                "ordercache add --from": [
                    stage.program, "add", f"--from={stage.file_of_orders(size)}", "--timeout=0",
                ],
                r"psql -c '\copy …'": [*stage.psql(store), "--command", COPY.format(stage.file_of_rows(size))],
            },
            stage.environment(store), rounds=1 if size > 10_000 else 3, runs=1, prepare=empty,
        )


def reads_beside_adds(stage, rows, rates, seconds=8):
    """In percent of all reads, those that no COUNT held up, at the rate that the writer came to."""
    lines = {}
    for name, shop in beside_adds.shops(stage, rows).items():
        loads = [shop.play(rate, seconds) for rate in rates]
        wrong, answers = sum(load.wrong() for load in loads), sum(len(load.answers) for load in loads)
        lines[f"{name}: {wrong:,} of {answers:,} answers wrong"] = [
            (len(load.begun) / seconds, 100 * (1 - beside_adds.share_of_waits(name, load))) for load in loads
        ]
    return lines


def growths(stage, full):
    """`full` has ten million orders in the table too."""
    table_sizes = [10**3, 10**4, 10**5, 10**6, *([10**7] if full else [])]
    yield Growth("orders in the table", "milliseconds", lines_of(orders_in_table(stage, table_sizes)))
    yield Growth(
        "customers in the batch", "milliseconds", lines_of(customers_in_batch(stage, [10**n for n in range(6)])),
    )
    yield Growth("orders in the file", "milliseconds", lines_of(orders_in_file(stage, [10**n for n in range(7)])))
    # Of a smaller table a COUNT takes no longer than the program: nobody could be seen to wait for it.
    for rows in *([10**7] if full else []), 2 * 10**6:
        yield Growth(
            f"adds a second beside {rows:,} orders", "percent that no COUNT holds up",
            reads_beside_adds(stage, rows, [1, 5, 20, 100]),
        )


def show(growth):
    for name, points in growth.lines.items():
        for size, figure in points:
            print(f"      {figure:12.2f} {growth.up}, {name}, {size:,.1f} {growth.across}", flush=True)
