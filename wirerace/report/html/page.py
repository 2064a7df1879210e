"""The page: the values of all results, written by the template into one file."""

import base64
import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from wirerace import __version__
from wirerace.analysis.sending import sending_of
from wirerace.errors import cut, printable
from wirerace.record.result import Point, Result
from wirerace.report.charts.values import Chart
from wirerace.report.charts.view import Records, View, no_records
from wirerace.report.drawing.draw import NARROW, WIDE, draw
from wirerace.report.drawing.standalone import style_of_drawings
from wirerace.report.html.glossary import GLOSSARY
from wirerace.report.html.run import run_values, setting_values
from wirerace.report.sending import sentence_of
from wirerace.report.settings import point_words
from wirerace.report.spelling import tied
from wirerace.reproductions.record import ReproductionRecord

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent
MOST_BYTES = 1_400_000
"""The most that the page may take. Settings of a sweep that do not fit are left out, and the page says so."""


class Reported(NamedTuple):
    """A result, its raw records, and where it was found; and the outcome of a reproduction, if it is one."""

    result: Result
    records: Records = no_records
    place: str = ""
    reproduced: ReproductionRecord | None = None


def html(found: Sequence[Reported]) -> str:
    """Return the report of results as one HTML file."""
    style, script = _style(), (FOLDER / "script.js").read_text("utf-8")
    runs = [run_values(one.result, one.records, one.place, one.reproduced) for one in found]
    values: dict[str, object] = {
        "runs": runs,
        "title": cut(printable(str(found[0].result.experiment["title"])), 120)
        if len(found) == 1
        else "Wirerace results",
        "style": Markup(style),  # noqa: S704 -- our own
        "script": Markup(script),  # noqa: S704 -- our own
        "policy": policy(style, script),
        "glossary": GLOSSARY,
        "version": __version__,
    }
    values["draw"] = _drawn_once()
    template = _environment().get_template("page.html")
    spent = len(template.render(values, settings=[[] for _ in runs], left_out=[0 for _ in runs]).encode())
    settings: list[list[Markup]] = [[] for _ in found]
    left_out = [0 for _ in found]
    for number, one in enumerate(found):
        for rendered in _settings(one):
            spent += len(rendered.encode())
            if spent > MOST_BYTES:
                break
            settings[number].append(rendered)
        left_out[number] = len(one.result.points) - len(settings[number]) if len(one.result.points) > 1 else 0
    return template.render(values, settings=settings, left_out=left_out)


def _drawn_once() -> Callable[[Chart, float], Markup]:
    """Return a function that draws each chart once for each width: the page is written twice, to learn its size."""
    drawings: dict[tuple[int, float], Markup] = {}

    def drawn(chart: Chart, width: float) -> Markup:
        key = id(chart), width
        if key not in drawings:
            drawings[key] = draw(chart, width)
        return drawings[key]

    return drawn


def policy(style: str, script: str) -> str:
    """Return the policy by which a browser makes no request, and runs nothing but our own script."""
    own = f"style-src {_hashed(style)}; script-src {_hashed(script)}"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


def _settings(one: Reported) -> Iterator[Markup]:
    """Yield the part of each setting of a sweep, rendered."""
    template = _environment().get_template("setting.html")
    costs = sending_of(one.result)
    for index in _in_order(one.result) if len(one.result.points) > 1 else ():
        point = one.result.points[index]
        view = View(one.result.at(index), one.records)
        title = cut(point_words(point), 200)
        said = [sentence_of(one.result, cost) for cost in costs if cost.setting == point.setting]
        yield Markup(template.render(title=title, run=setting_values(view, costs=said)))  # noqa: S704 -- escaped by the template


def _in_order(result: Result) -> Sequence[int]:
    """Return the indices of the points: those of a search by the value of its knob, not as they were tried."""
    if not result.is_search:
        return range(len(result.points))
    return sorted(range(len(result.points)), key=lambda index: _values(result.points[index]))


def _values(point: Point) -> list[float]:
    """Return the value of a search's knob, and then that of the overload before it."""
    return [float(value) for value in (*point.setting.values(), *point.after.values())]


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _style() -> str:
    """Return the style sheet: that of drawings, and then that of the page."""
    return style_of_drawings() + (FOLDER / "style.css").read_text("utf-8")


@functools.cache
def _environment() -> "Environment":
    # It takes some 20 ms to import, which commands without a report need not wait for.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(draw=draw, NARROW=NARROW, WIDE=WIDE)
    environment.filters["tied"] = tied
    return environment
