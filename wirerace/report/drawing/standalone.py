"""A chart as a picture of its own: with its title, its colours and a white ground, for a page that has no style."""

import re
import textwrap
from collections.abc import Sequence

from markupsafe import Markup

from wirerace.report.charts.values import Chart
from wirerace.report.drawing.draw import draw
from wirerace.report.drawing.svg import CHARACTER, tag
from wirerace.report.spelling import tied
from wirerace.transports import TRANSPORTS

WIDTH, MARGIN = 760.0, 20.0
TITLE_HEIGHT, TITLE_CHARACTER = 21.0, 1.3 * CHARACTER
"""The height of a line of the title, and the width of its characters on average."""
NAMESPACE = "http://www.w3.org/2000/svg"
_SIZE = re.compile(r'^<svg viewBox="0 0 ([\d.]+) ([\d.]+)"')
STYLE = """
svg { --back: #fff; --text: #1b1b1b; --faint: #5a5a5a; --rule: #dcdcd8; }
text { fill: var(--faint); font: 12px system-ui, sans-serif; }
.heading { fill: var(--text); font-size: 15.5px; font-weight: 600; }
.name { fill: var(--text); font-size: 12.5px; }
.value { fill: var(--text); font-variant-numeric: tabular-nums; }
.name, .tick { paint-order: stroke; stroke: var(--back); stroke-width: 3px; stroke-linejoin: round; }
.grid { stroke: var(--rule); fill: none; }
.line { stroke: var(--c); stroke-width: 2.25; fill: none; stroke-linejoin: round; }
.thin { stroke-width: 1.25; }
.theory { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 2 4; fill: none; }
.leader { stroke: var(--c); stroke-width: 1; fill: none; }
.mark { fill: var(--c); stroke: var(--back); stroke-width: 1.5; }
.band { fill: var(--c); fill-opacity: 0.35; stroke: var(--c); stroke-width: 0.75; stroke-opacity: 0.8; }
.bar { fill: var(--c); }
.whisker { stroke: var(--text); stroke-width: 1.25; fill: none; }
.whisker.own { stroke: var(--c); }
.s1 { fill-opacity: 0.6; }
.s2 { fill-opacity: 0.35; }
.s3 { fill-opacity: 0.2; }
.s4 { fill-opacity: 0.1; }
.t-none { --c: var(--faint); }
"""
"""The light style of the report: the ground is white whatever is around the picture."""


def standalone(chart: Chart, width: float = WIDTH) -> str:
    """Return a chart as the text of an SVG file that needs nothing else."""
    inner = width - 2 * MARGIN
    lines = textwrap.wrap(tied(chart.title), int(inner / TITLE_CHARACTER))
    top = MARGIN + TITLE_HEIGHT * len(lines) + 4
    drawing, height = _placed(draw(chart, inner), MARGIN, top)
    whole = top + height + MARGIN / 2
    return str(
        tag(
            "svg",
            tag("style", Markup(STYLE + _colours())),  # noqa: S704 -- our own
            tag("rect", width=width, height=whole, fill="#fff"),
            *_heading(lines),
            drawing,
            xmlns=NAMESPACE,
            viewBox=f"0 0 {width:g} {whole:g}",
            width=width,
            height=whole,
            role="img",
            aria_label=chart.title,
        )
        + "\n"
    )


def _heading(lines: Sequence[str]) -> list[Markup]:
    return [
        tag("text", line, x=MARGIN, y=MARGIN + TITLE_HEIGHT * number + 13, class_="heading")
        for number, line in enumerate(lines)
    ]


def _placed(drawing: Markup, x: float, y: float) -> tuple[Markup, float]:
    """Return a drawing at a place within another one, in its own size, and its height."""
    found = _SIZE.match(drawing)
    if found is None:
        raise ValueError("a drawing begins with its size")
    width, height = found.groups()
    placed = str(drawing).replace("<svg ", f'<svg x="{x:g}" y="{y:g}" width="{width}" height="{height}" ', 1)
    return Markup(placed), float(height)  # noqa: S704 -- the text of a drawing, escaped when it was made


def _colours() -> str:
    return "".join(f".t-{name} {{ --c: {transport.color}; }}\n" for name, transport in TRANSPORTS.items())
