"""How the cost grows: the milliseconds of a command, for more orders in the table, in a batch, in a file."""

import subprocess

from measuring import paired
from stage import BENCH

COPY = r"\copy orders (orderdate, customerid, netamount, tax, totalamount) FROM '{}' WITH (FORMAT csv)"


def milliseconds(commands, environment, rounds=3, runs=5, prepare=None):
    """The medians of the quietest round: sizes are measured at different times, and the machine may do other things."""
    seconds = paired(commands, environment, rounds, runs, prepare)
    return {name: min(all_rounds) * 1000 for name, all_rounds in seconds.items()}


def orders_in_table(stage, sizes):
    total, count = "num_orders:all", "SELECT count(*) FROM orders"
    for size in sizes:
        store = stage.store(size)
        environment = stage.environment(store)
        ours = [stage.program, "count"]
        yield size, milliseconds(
            {"ordercache, a miss": ours, "psql -c": [*stage.psql(store), "--command", count]},
            environment, runs=3, prepare=stage.redis_cli("DEL", total),
        )
        subprocess.run(ours, env=environment, check=True, stdout=subprocess.DEVNULL)
        yield size, milliseconds(
            {
                "ordercache, a hit": ours,
                "redis-cli GET": stage.redis_cli("GET", total),
                "Python, a hit": ["/usr/bin/python3", BENCH / "tutorial.py"],
            },
            environment,
        )


def customers_in_batch(stage, sizes):
    environment = stage.environment(stage.tutorial)
    for size in sizes:
        command = [stage.program, "count", f"--customers-from={stage.file_of_customers(size)}"]
        yield size, milliseconds(
            {"ordercache, none is cached": command}, environment, runs=1, prepare=stage.redis_cli("FLUSHALL"),
        )
        stage.cache_counts(range(1, size + 1))
        yield size, milliseconds({"ordercache, all are cached": command}, environment)


def orders_in_file(stage, sizes):
    store = stage.empty_store()
    empty = [*stage.psql(store), "--command", "TRUNCATE orders"]
    for size in sizes:
        yield size, milliseconds(
            {
                "ordercache add --from": [stage.program, "add", f"--from={stage.file_of_orders(size)}", "--timeout=0"],
                r"psql \copy": [*stage.psql(store), "--command", COPY.format(stage.file_of_rows(size))],
            },
            stage.environment(store), rounds=1 if size > 10_000 else 3, runs=1, prepare=empty,
        )


def draw(stage, full):
    """Measures all and draws chart.svg. `full` has ten million orders in the table too."""
    panels = {
        "orders in the table": orders_in_table(stage, [10**3, 10**5, *([10**7] if full else [])]),
        "customers in a batch": customers_in_batch(stage, [10**n for n in range(6)]),
        "orders in a file": orders_in_file(stage, [10**n for n in range(7)]),
    }
    names = []
    for number, (name, measured) in enumerate(panels.items()):
        lines = {}
        for size, figures in measured:
            for line, figure in figures.items():
                lines.setdefault(line, []).append((size, figure))
                print(f"      {figure:12.2f} ms  {line}, {size:,} {name}", flush=True)
        # gnuplot knows one set of points from the next by two empty lines.
        data = stage.folder / f"panel_{number}"
        data.write_text("\n\n\n".join(
            "\n".join([f'"{line}"', *(f"{size} {figure}" for size, figure in points)]) for line, points in lines.items()
        ))
        names.append(f"{name}|{data}|{len(lines)}")
    subprocess.run(
        ["gnuplot", "-e", f"chart='{BENCH / 'chart.svg'}'; panels='{','.join(names)}'", BENCH / "chart.gnuplot"],
        check=True,
    )
