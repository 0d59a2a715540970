"""How the cost grows: with the orders in the table, in a batch, in a file; and what adds do to those who read."""

import subprocess
from typing import NamedTuple

import beside_adds
from measuring import paired
from stage import BENCH

COPY = r"\copy orders (orderdate, customerid, netamount, tax, totalamount) FROM '{}' WITH (FORMAT csv)"
CACHED, ASKING, PSQL, REDIS_CLI, PLAIN = range(1, 6)
"""Whose line it is: the line types of chart.gnuplot."""


class Line(NamedTuple):
    name: str
    kind: int


class Panel(NamedTuple):
    title: str
    across: str
    up: str
    lines: dict
    """For each Line its points."""
    settings: str = "set logscale y; set yrange [0.1:*]"


def milliseconds(commands, environment, rounds=3, runs=5, prepare=None):
    """The medians of the quietest round: sizes are measured at different times, and the machine may do other things."""
    seconds = paired(commands, environment, rounds, runs, prepare)
    return {name: min(all_rounds) * 1000 for name, all_rounds in seconds.items()}


def lines_of(measured):
    lines = {}
    for size, figures in measured:
        for line, figure in figures.items():
            lines.setdefault(line, []).append((size, figure))
    return lines


def orders_in_table(stage, sizes):
    count = "SELECT count(*) FROM orders"
    for size in sizes:
        store = stage.store(size)
        environment = stage.environment(store)
        ours = [stage.program, "count"]
        yield size, milliseconds(
            {
                Line("ordercache count, not cached", ASKING): ours,
                Line("psql -c 'SELECT count(*) …'", PSQL): [*stage.psql(store), "--command", count],
            },
            environment, runs=3, prepare=stage.redis_cli("DEL", "num_orders:all"),
        )
        subprocess.run(ours, env=environment, check=True, stdout=subprocess.DEVNULL)
        yield size, milliseconds(
            {
                Line("ordercache count, cached", CACHED): ours,
                Line("redis-cli GET", REDIS_CLI): stage.redis_cli("GET", "num_orders:all"),
                Line("plain cache-aside in Python, cached", PLAIN): ["/usr/bin/python3", BENCH / "tutorial.py"],
            },
            environment,
        )


def customers_in_batch(stage, sizes):
    environment = stage.environment(stage.tutorial)
    for size in sizes:
        command = [stage.program, "count", f"--customers-from={stage.file_of_customers(size)}"]
        yield size, milliseconds(
            {Line("ordercache count, none cached", ASKING): command}, environment, runs=1,
            prepare=stage.redis_cli("FLUSHALL"),
        )
        stage.cache_counts(range(1, size + 1))
        yield size, milliseconds({Line("ordercache count, all cached", CACHED): command}, environment)


def orders_in_file(stage, sizes):
    store = stage.empty_store()
    empty = [*stage.psql(store), "--command", "TRUNCATE orders"]
    for size in sizes:
        yield size, milliseconds(
            {
                Line("ordercache add --from", ASKING): [
                    stage.program, "add", f"--from={stage.file_of_orders(size)}", "--timeout=0",
                ],
                Line(r"psql -c '\copy …'", PSQL): [
                    *stage.psql(store), "--command", COPY.format(stage.file_of_rows(size)),
                ],
            },
            stage.environment(store), rounds=1 if size > 10_000 else 3, runs=1, prepare=empty,
        )


def reads_beside_adds(stage, rows, rates, seconds=8):
    """In percent of all reads, those that no COUNT held up, at the rate that the writer came to."""
    lines = {}
    kinds = CACHED, ASKING, PLAIN
    for kind, (name, shop) in zip(kinds, beside_adds.shops(stage, rows).items()):
        loads = [shop.play(rate, seconds) for rate in rates]
        wrong, answers = sum(load.wrong() for load in loads), sum(len(load.answers) for load in loads)
        lines[Line(f"{name}: {wrong:,} of {answers:,} answers wrong", kind)] = [
            (len(load.begun) / seconds, 100 * (1 - beside_adds.share_of_waits(name, load))) for load in loads
        ]
    return lines


def panels(stage, full):
    """`full` has ten million orders in the table too."""
    table_sizes = [10**3, 10**4, 10**5, 10**6, *([10**7] if full else [])]
    yield Panel("One count", "orders in the table", "milliseconds", lines_of(orders_in_table(stage, table_sizes)))
    yield Panel(
        "Counts of many customers", "customers in the batch", "milliseconds",
        lines_of(customers_in_batch(stage, [10**n for n in range(6)])),
    )
    yield Panel(
        "Orders from a file", "orders in the file", "milliseconds",
        lines_of(orders_in_file(stage, [10**n for n in range(7)])),
    )
    # Of a smaller table a COUNT takes no longer than the program: nobody could be seen to wait for it.
    for rows in *([10**7] if full else []), 2 * 10**6:
        panel = Panel(
            f"Reads that no COUNT holds up, {rows:,} orders", "adds a second", "percent",
            reads_beside_adds(stage, rows, [1, 5, 20, 100]), "unset logscale y; set yrange [0:105]; set format x '%g'",
        )
        if rows == 2 * 10**6:
            yield panel
        else:
            show(panel)


def show(panel):
    for line, points in panel.lines.items():
        for size, figure in points:
            print(f"      {figure:12.2f} {panel.up}, {line.name}, {size:,.1f} {panel.across}", flush=True)


def quoted(text):
    """As it stands in gnuplot's single quotes."""
    return text.replace("'", "''")


def commands_of(panel, data):
    """gnuplot's, for a panel whose points stand in the file `data`: two empty lines between one line and the next."""
    data.write_text("\n\n\n".join(
        "\n".join(f"{size} {figure}" for size, figure in points) for points in panel.lines.values()
    ))
    plots = ", ".join(
        f"'{data}' index {index} using 1:2 with linespoints linetype {line.kind} title '{quoted(line.name)}'"
        for index, line in enumerate(panel.lines)
    )
    return (
        f"set title '{panel.title}' font ',14'; set xlabel '{panel.across}' offset 0,0.4; set ylabel '{panel.up}'\n"
        f"{panel.settings}\nplot {plots}\n"
    )


def draw(stage, full):
    """Measures all and draws chart.svg."""
    commands = []
    for number, panel in enumerate(panels(stage, full)):
        show(panel)
        commands.append(commands_of(panel, stage.folder / f"panel_{number}"))
    script = stage.folder / "panels.gnuplot"
    script.write_text("".join(commands) + "unset multiplot\n")
    subprocess.run(["gnuplot", "-e", f"chart='{BENCH / 'chart.svg'}'", BENCH / "chart.gnuplot", script], check=True)
