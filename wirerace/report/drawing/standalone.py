"""A chart as a picture of its own: with its title, its colours and a ground, for a page that has no style."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from wirerace.report.charts.values import Chart
from wirerace.report.drawing.draw import draw
from wirerace.report.drawing.frame import LINE_HEIGHT
from wirerace.report.drawing.svg import CHARACTER, tag
from wirerace.transports import TRANSPORTS

WIDTH, MARGIN = 760.0, 20.0
TITLE_HEIGHT, TITLE_CHARACTER = 21.0, 1.3 * CHARACTER
"""The height of a line of the title, and the width of its characters on average."""
TEXT_CHARACTER = 0.9 * CHARACTER
"""The same for a paragraph, in which many letters even out."""
NAMESPACE = "http://www.w3.org/2000/svg"
STYLE = Path(__file__).with_name("style.css").read_text("utf-8")
"""Both themes, and the drawings in them."""
_SIZE = re.compile(r'^<svg viewBox="0 0 ([\d.]+) ([\d.]+)"')


def standalone(chart: Chart, width: float = WIDTH, *, below: Sequence[str] = ()) -> str:
    """Return a chart as the text of an SVG file that needs nothing else, with paragraphs below it.

    It has the reader's theme, light or dark, and a ground of its own, so that it can be read on any page.
    """
    inner = width - 2 * MARGIN
    title = textwrap.wrap(chart.title, int(inner / TITLE_CHARACTER))
    about = [line for paragraph in below for line in textwrap.wrap(paragraph, int(inner / TEXT_CHARACTER))]
    top = MARGIN + TITLE_HEIGHT * len(title) + 4
    drawing, height = _placed(draw(chart, inner), MARGIN, top)
    end = top + height + MARGIN
    whole = end - MARGIN / 2 + LINE_HEIGHT * len(about)
    return str(
        tag(
            "svg",
            tag("style", Markup(style_of_drawings())),  # noqa: S704 -- our own
            tag("rect", width=width, height=whole, fill="#fff", class_="ground"),
            *_lines(title, MARGIN + 13, TITLE_HEIGHT, "heading"),
            drawing,
            *_lines(about, end, LINE_HEIGHT),
            xmlns=NAMESPACE,
            viewBox=f"0 0 {width:g} {whole:g}",
            width=width,
            height=whole,
            role="img",
            aria_label=chart.title,
        )
        + "\n"
    )


def style_of_drawings() -> str:
    """Return the style sheet of drawings: both themes, and the colours of all transports."""
    colours = "\n".join(f".t-{name} {{ --c: {transport.color}; }}" for name, transport in TRANSPORTS.items())
    return STYLE + colours + "\n"


def _lines(lines: Sequence[str], y: float, height: float, kind: str | None = None) -> Iterator[Markup]:
    """Yield lines of text, one below the other."""
    for number, line in enumerate(lines):
        yield tag("text", line, x=MARGIN, y=y + height * number, class_=kind)


def _placed(drawing: Markup, x: float, y: float) -> tuple[Markup, float]:
    """Return a drawing at a place within another one, in its own size, and its height."""
    found = _SIZE.match(drawing)
    if found is None:
        raise ValueError("a drawing begins with its size")
    width, height = found.groups()
    placed = str(drawing).replace("<svg ", f'<svg x="{x:g}" y="{y:g}" width="{width}" height="{height}" ', 1)
    return Markup(placed), float(height)  # noqa: S704 -- the text of a drawing, escaped when it was made
