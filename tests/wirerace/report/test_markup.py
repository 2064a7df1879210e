"""Titles with what rich takes for markup, which an edited result may have, are printed as they are."""

import io
from typing import Any

import msgspec
import pytest
from rich.console import Console

from tests.wirerace.compared import comparison, run_of, times
from tests.wirerace.report.made_up import result_of
from wirerace.analysis.comparison import names_of
from wirerace.record.result import Point, Result
from wirerace.record.trial import Cell
from wirerace.report.between import parts_of_comparison
from wirerace.report.terminal import parts_of

ODD = "[/b] [red]x[/red]"
THEORY = [Cell("age_seconds", 1.0, 1.0, 1.0, 0.1, 1.0, 0.1, within=True)]


def titled(*settings: dict[str, Any]) -> Result:
    trials = [*run_of(transport="polling", theory=THEORY).trials, *run_of(times(2), theory=THEORY).trials]
    points = range(len(settings) or 1)
    result = result_of(*(msgspec.structs.replace(one, point=point) for point in points for one in trials))
    result.contestants = [
        msgspec.structs.replace(one, title=f"{ODD} {number}") for number, one in enumerate(result.contestants)
    ]
    result.experiment["title"] = ODD
    result.points = [Point(setting) for setting in settings] or result.points
    return result


def printed(*parts: Any) -> str:
    console = Console(file=io.StringIO(), width=200)
    for part in parts:
        console.print(part)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


@pytest.mark.parametrize("settings", [[], [{"clients.count": ODD}, {"clients.count": 2}]], ids=["plain", "swept"])
def test_report_of_a_run_prints_titles_as_they_are(settings: list[dict[str, Any]]) -> None:
    assert ODD in printed(*parts_of(titled(*settings)))


def test_comparison_prints_titles_as_they_are() -> None:
    a, b = titled(), titled()
    b.trials = [msgspec.structs.replace(one, requests=1) for one in b.trials]

    assert ODD in printed(*parts_of_comparison(comparison(a, b, "latency.p99 > 2x"), names_of(a, b)))
