"""The README's chart: how long one count takes. It has no background, and its colours stand out from white and black."""

from xml.sax.saxutils import escape

from growth import CACHED, PSQL, REDIS_CLI, orders_in_table
from stage import BENCH

ORDERS = 1_000_000
WIDTH, ROW, LONGEST = 400, 50, 310

FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>{title}</title>
<style>
text {{ font: 15px system-ui, "DejaVu Sans", sans-serif; fill: #767f89; }}
.ours {{ font-weight: bold; fill: #3d85c6; }}
</style>
{rows}
</svg>
"""


def row(number, name, milliseconds, most):
    top = number * ROW
    kind, colour = ("ours", "#3d85c6") if name == CACHED else ("others", "#8b949e")
    length = max(2, LONGEST * milliseconds / most)
    figure = f"{milliseconds:.1f}" if milliseconds < 10 else f"{milliseconds:.0f}"
    return (
        f'<text class="{kind}" x="0" y="{top + 16}">{escape(name)}</text>\n'
        f'<rect x="0" y="{top + 23}" width="{length:.1f}" height="14" rx="2" fill="{colour}"/>\n'
        f'<text class="{kind}" x="{length + 8:.1f}" y="{top + 35}">{figure} ms</text>'
    )


def draw(stage):
    """Measures, and draws chart.svg."""
    figures = {name: figure for _, measured in orders_in_table(stage, [ORDERS]) for name, figure in measured.items()}
    shown = {name: figures[name] for name in (CACHED, REDIS_CLI, PSQL)}
    title = f"The time of one count of {ORDERS:,} orders: " + ", ".join(f"{n} {f:.1f} ms" for n, f in shown.items())
    rows = [row(number, *bar, max(shown.values())) for number, bar in enumerate(shown.items())]
    (BENCH / "chart.svg").write_text(
        FRAME.format(width=WIDTH, height=len(rows) * ROW, title=escape(title), rows="\n".join(rows))
    )
