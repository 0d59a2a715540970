"""The README's chart: how long a count takes, and how that grows. It has no background, and its colours stand out from
white and black."""

import contextlib
import math
from xml.sax.saxutils import escape

import others
from growth import CACHED, FOLLOWED, PSQL
from measuring import Act, in_turn
from stage import BENCH

LEFT, STEP, DECADE = 66, 97, 60
SIZES = [10**4, 10**5, 10**6, 10**7]
MOST = 1000  # milliseconds
TOP, BOTTOM, HEIGHT = 4, 192, 236
OURS, OTHERS = ("ours", "#3d85c6"), ("others", "#8b949e")

FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>{title}</title>
<style>
text {{ font: 15px system-ui, "DejaVu Sans", sans-serif; fill: #767f89; }}
.ours {{ font-weight: bold; fill: #3d85c6; }}
</style>
{lines}
</svg>
"""


def shown(milliseconds):
    return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"


def x_of(size):
    return LEFT + STEP * math.log10(size / SIZES[0])


def y_of(milliseconds):
    return TOP + DECADE * math.log10(MOST / milliseconds)


def text(words, x, y, anchor="start", kind="others"):
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def line(name, points):
    """Its figures stand at its ends, its name above it, or below it where another line is near."""
    kind, colour = OTHERS if name == PSQL else OURS
    places = [(x_of(size), y_of(milliseconds)) for size, milliseconds in points]
    (_, first), (_, last) = points[0], points[-1]
    (left, at_left), (right, at_right) = places[0], places[-1]
    name_at = at_left + 20 if name == FOLLOWED else places[1][1] - (26 if name == PSQL else 9)
    return [
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}" fill="none" stroke="{colour}"'
        ' stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/>',
        text(shown(first), left - 8, at_left + 5, "end", kind),
        text(shown(last), right + 8, at_right + 5, "start", kind),
        text(name, left, name_at, "start", kind),
    ]


def draw(stage):
    """Measures, and draws chart.svg."""
    lines = measured(stage)
    for name, points in lines.items():
        print(f"{name}: " + ", ".join(f"{size:,} {shown(milliseconds)}" for size, milliseconds in points))
    (BENCH / "chart.svg").write_text(picture(lines))


def measured(stage):
    """For each line its points: the medians of the quietest round."""
    count, flush, warm = [stage.program, "count"], stage.redis_cli("FLUSHALL"), stage.redis_cli("SET", "num_orders:all", 1)
    acts = {}
    with contextlib.ExitStack() as followers:
        for size in SIZES:
            store = stage.store(size)
            shop = followers.enter_context(others.followed(stage, store))
            acts[PSQL, size] = Act([*stage.psql(store), "--command", "SELECT count(*) FROM orders"], {})
            acts[FOLLOWED, size] = Act(count, shop.environment, flush)
            acts[CACHED, size] = Act(count, stage.environment(store), warm)
        seconds = in_turn(acts, rounds=25, runs=3)
    return {name: [(size, min(seconds[name, size]) * 1000) for size in SIZES] for name in (PSQL, FOLLOWED, CACHED)}


def picture(lines):
    """Both axes are logarithmic."""
    title = f"The time of one count, of {SIZES[0]:,} orders and of {SIZES[-1]:,}: " + "; ".join(
        f"{name} {shown(points[0][1])} and {shown(points[-1][1])}" for name, points in lines.items()
    )
    drawn = [part for name, points in lines.items() for part in line(name, points)]
    drawn += [text(f"{size:,}", x_of(size), BOTTOM + 18, "middle") for size in SIZES]
    drawn.append(text("orders in the table", x_of(SIZES[0]) + STEP * 1.5, HEIGHT - 6, "middle"))
    width = round(x_of(SIZES[-1]) + 66)
    return FRAME.format(width=width, height=HEIGHT, title=escape(title), lines="\n".join(drawn))
