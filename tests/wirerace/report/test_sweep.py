"""The table of a sweep: every number whole, in terminals of any width."""

import io

import pytest
from msgspec.structs import replace
from rich.console import Console

from tests.wirerace.results import RESULT, TRIAL
from wirerace.record.result import ContestantRecord, Point, Result
from wirerace.report.sweep import COLUMNS, sweep_of

TITLES = ("Polling", "Long polling", "WebSocket (batched)")
AXES = ("producer.rate_per_second", "polling.interval_seconds")


def swept(axes: int) -> Result:
    """Return a sweep of three contestants over some keys, of which each has two values."""
    contestants = [ContestantRecord(f"c{index}", title, "websocket") for index, title in enumerate(TITLES)]
    latency = replace(TRIAL.latency_seconds, mean=0.0508, p99=0.0996)
    server = replace(TRIAL.server, cpu_us_per_delivery=821.1, cpu_seconds=1.25e-8)
    return replace(
        RESULT,
        contestants=contestants,
        points=[Point(dict.fromkeys(AXES[:axes], value)) for value in (0.5, 2000.0)],
        trials=[
            replace(TRIAL, contestant=one.id, point=point, latency_seconds=latency, server=server)
            for point in (0, 1)
            for one in contestants
        ],
        failures=[],
    )


def printed(result: Result, columns: int) -> str:
    console = Console(width=columns, file=io.StringIO(), record=True)
    for table in sweep_of(result, columns):
        console.print(table)
    return console.export_text()


@pytest.mark.parametrize(("axes", "columns", "tables"), [(1, 80, 1), (2, 80, 1), (2, 200, 1), (2, 60, 2), (1, 40, 3)])
def test_numbers_are_whole_in_as_few_tables_as_the_width_allows(axes: int, columns: int, tables: int) -> None:
    result = swept(axes)
    text = printed(result, columns)

    assert "…" not in text
    assert tables == len(sweep_of(result, columns))
    assert 2 * len(TITLES) == text.count("821.1 µs") == text.count("50.8 ms")
    assert all(len(line) <= columns for line in text.splitlines())
    assert 1 == text.count("good ·"), "the marks are explained once"


def test_every_figure_has_its_column_and_headings_are_short_lines() -> None:
    text = printed(swept(1), 80)

    assert all(heading.partition("\n")[2] in text for heading in COLUMNS.values())
    assert all(word in text for word in ("producer.", "rate_per_", "second"))
