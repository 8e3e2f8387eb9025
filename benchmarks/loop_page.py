"""The figures of the loop as a file, a chart and a table: `docs/learning-loop.{json,svg,md}`.

    python -m benchmarks.loop_page

draws the chart and the table anew from the file. `benchmarks.loop_banking --write` puts what it has measured into the file first, run by
run, so runs may be measured apart and one that is stopped loses only itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN, END = "<!-- figures: python -m benchmarks.loop_page -->", "<!-- end of figures -->"
ORDER = ("no retraining", "readers always right", "readers wrong 5 %", "readers wrong 15 %")
COLOURS = ("#6b7280", "#4353c9", "#0f8a6d", "#c2570c")
DASHES = ("", "", "7 4", "2 4")
WIDTH, HEIGHT, LEFT, TOP, GAP = 860, 380, 46, 58, 56
PLOT = 300  # height of a panel; both are as wide as what is left
PANELS = (
    ("to people", "Escalated, share of a batch", 0.8, 0.2),
    ("error", "Wrong, share of what policy decided", 0.2, 0.05),
)
Run = dict[str, Any]


def read() -> dict[str, Run]:
    path = DOCS / "learning-loop.json"
    found: dict[str, Run] = json.loads(path.read_text()) if path.exists() else {}
    return found


def write(name: str, run: Run) -> None:
    """Keep one run, in the place of the one before it, and draw everything anew."""
    runs = read() | {name: run}
    kept = {each: runs[each] for each in ORDER if each in runs}
    (DOCS / "learning-loop.json").write_text(json.dumps(kept, indent=1) + "\n")
    draw(kept)


def draw(runs: dict[str, Run]) -> None:
    (DOCS / "learning-loop.svg").write_text("\n".join(svg(runs)) + "\n")
    page = DOCS / "learning-loop.md"
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{figures(runs)}\n\n{END}{after}")


def figures(runs: dict[str, Run]) -> str:
    chart = "![Escalation and automated error by batch, for each run](learning-loop.svg)"
    return f"{chart}\n\n{table(runs)}"


def table(runs: dict[str, Run]) -> str:
    """A row for each batch; the last three together, since one alone is too small for an error rate."""
    heads = [f"{name}: to people | wrong" for name in runs]
    lines = ["| batch | " + " | ".join(heads) + " |", "|---:|" + "---:|---:|" * len(runs)]
    batches = range(max((len(run["steps"]) for run in runs.values()), default=0))
    lines += [
        f"| {number + 1} | {' | '.join(_cells(run['steps'], number) for run in runs.values())} |" for number in batches
    ]
    ends = [f"**{run['end']['to people']:.1%}** | **{run['end']['error']:.1%}**" for run in runs.values()]
    dates = [f"{run['on']}, seed {run['seed']} | " for run in runs.values()]
    return "\n".join([*lines, f"| last three | {' | '.join(ends)} |", f"| measured | {' | '.join(dates)} |"])


def _cells(steps: Sequence[dict[str, float]], number: int) -> str:
    if number >= len(steps):
        return " | "
    return f"{steps[number]['to people']:.0%} | {steps[number]['error']:.1%}"


def svg(runs: dict[str, Run]) -> Iterator[str]:
    """Two panels beside one another with the same batches below, on white so that it can be read on any page."""
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + TOP}" role="img" font-family="sans-serif" font-size="12">'
    yield "<title>Escalation and automated error by batch</title>"
    yield f'<rect width="{WIDTH}" height="{HEIGHT + TOP}" fill="#ffffff"/>'
    yield from _legend(list(runs))
    width = (WIDTH - 2 * LEFT - GAP) / 2
    for number, panel in enumerate(PANELS):
        yield from _panel(runs, panel, x=LEFT + number * (width + LEFT + GAP / 2), width=width)
    yield "</svg>"


def _legend(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        place = ORDER.index(name)
        x = LEFT + place * 195
        yield f'<path d="M{x} 20h26" stroke="{COLOURS[place]}" stroke-width="2.5" stroke-dasharray="{DASHES[place]}"/>'
        yield f'<text x="{x + 34}" y="24" fill="#1b1e26">{name}</text>'


def _panel(runs: dict[str, Run], panel: tuple[str, str, float, float], *, x: float, width: float) -> Iterator[str]:
    key, title, most, step = panel
    longest = max((len(run["steps"]) for run in runs.values()), default=2)
    floor = TOP + 24 + PLOT
    yield f'<text x="{x:.1f}" y="{TOP}" fill="#1b1e26" font-weight="600">{title}</text>'
    for tick in range(round(most / step) + 1):
        y = floor - PLOT * tick * step / most
        yield f'<path d="M{x:.1f} {y:.1f}h{width:.1f}" stroke="#e1e3e8"/>'
        yield f'<text x="{x - 6:.1f}" y="{y + 4:.1f}" fill="#5f6573" text-anchor="end">{tick * step:.0%}</text>'
    for batch in range(longest):
        at = x + width * batch / max(longest - 1, 1)
        yield f'<text x="{at:.1f}" y="{floor + 18}" fill="#5f6573" text-anchor="middle">{batch + 1}</text>'
    yield f'<text x="{x + width / 2:.1f}" y="{floor + 36}" fill="#5f6573" text-anchor="middle">batch of 500 cases</text>'
    for name, run in runs.items():
        place = ORDER.index(name)
        points = [
            f"{x + width * number / max(longest - 1, 1):.1f},{floor - PLOT * min(point[key], most) / most:.1f}"
            for number, point in enumerate(run["steps"])
        ]
        look = f'stroke="{COLOURS[place]}" stroke-width="2.5" stroke-dasharray="{DASHES[place]}" fill="none"'
        yield f'<polyline points="{" ".join(points)}" {look}/>'


if __name__ == "__main__":
    draw(read())
    sys.exit(0)
