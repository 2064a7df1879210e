"""Faults in the terminal and in the report: a group for each, a row for each contestant, and nothing without any."""

from typing import Any

import pytest

from tests.wirerace.report.made_up import lines_of, result_of, trial
from tests.wirerace.trials import NOTHING_MEASURED
from wirerace.experiment.faults import FaultKind, FaultPlace
from wirerace.observe.account import AccountRecord, Window
from wirerace.observe.outages import OutageRecord
from wirerace.record.durations import Times
from wirerace.record.faults import Availability, BeforeFaults, FaultOutcome, FaultTime, RecoveryBounds
from wirerace.record.result import Raw, Result
from wirerace.report.charts.served import served_over_time
from wirerace.report.charts.view import View
from wirerace.report.faults import fault_table, fault_words, faults_of
from wirerace.report.html.page import Reported, html
from wirerace.report.terminal import parts_of, print_result
from wirerace.workload.truth import Truth

SECOND = 10**9
NOTHING = BeforeFaults(0, 0, 0)


def outcome(kind: FaultKind = "kill", on: FaultPlace = "server", number: int = 0, **changes: Any) -> FaultOutcome:
    values: dict[str, Any] = {
        "number": number,
        "kind": kind,
        "on": on,
        "at_seconds": 1.0 + 4 * number,
        "clients": 100,
        "recover_seconds": Times(100, 0.5, 0.5, 0.9, 1.0),
        "expected_seconds": RecoveryBounds(0.1, 0.5, 1.2, "fit"),
        "availability": 0.75,
        "lost": 0,
        "duplicated": 1,
        "late": 1234,
    }
    return FaultOutcome(**values | changes)


def run(*outcomes: FaultOutcome, before: BeforeFaults = NOTHING, repeats: int = 1) -> Result:
    availability = Availability(age_seconds=2.0, fraction=0.9, late=5, before=before)
    trials = [
        trial(transport, repeat, faults=list(outcomes), availability=availability)
        for repeat in range(1, repeats + 1)
        for transport in ("polling", "websocket")
    ]
    return result_of(*trials)


def cells_of(result: Result) -> list[list[str]]:
    """Return the cells of the first contestant, fault by fault."""
    found = faults_of(result)
    assert found is not None
    return [list(group.rows[0].cells) for group in found.groups]


def test_each_fault_has_a_row_for_each_contestant_and_all_fits_into_a_terminal() -> None:
    cut = outcome("cut", "clients", 1, jitter_seconds=2.5, expected_seconds=RecoveryBounds(0.1, 1.3, 2.5))
    lines = lines_of(fault_table(run(outcome(), cut)))
    assert all(len(line) <= 80 for line in lines)
    text = "\n".join(lines)
    assert "1.0 s: kill server" in text
    assert "5.0 s: cut clients, 2.5 s" in text
    assert 2 == sum("Polling" in line for line in lines) == sum("WebSocket" in line for line in lines)
    (first, *_) = [line.split() for line in lines if "Polling" in line]
    assert ["Polling", "75.00", "%", "900", "ms", "1", "s", "≤", "1.2", "s*", "0", "1", "1,234"] == first
    assert "age ≤ 2 s" in " ".join(text.split())


def test_counts_add_up_over_repeats_and_times_are_averaged() -> None:
    (cells,) = cells_of(run(outcome(), repeats=3))
    assert ["0", "3", "3,702"] == cells[-3:]
    assert ["900 ms", "1 s"] == cells[1:3]


def test_what_is_not_known_is_said_so() -> None:
    unknown = outcome(
        recover_seconds=Times(5, 0.5, None, None, None), lost=None, availability=None, expected_seconds=None
    )
    (cells,) = cells_of(run(unknown))
    assert ["–", "–", "–", "–", "–"] == cells[:5]


@pytest.mark.parametrize(("before", "groups"), [(NOTHING, 1), (BeforeFaults(0, 0, 3), 2)])
def test_what_no_fault_could_touch_stands_apart_if_there_is_any(before: BeforeFaults, groups: int) -> None:
    found = faults_of(run(outcome(), before=before))
    assert found is not None
    assert groups == len(found.groups)
    assert ("before the first fault" == found.groups[0].title) == (groups == 2)


def test_fault_has_the_time_at_which_it_happened_first() -> None:
    availability = Availability(age_seconds=1.0, fraction=0.9, late=5, before=NOTHING)
    late, early = (
        trial(name, faults=[outcome(at_seconds=at_seconds)], availability=availability)
        for name, at_seconds in (("polling", 3.9), ("websocket", 1.0))
    )
    found = faults_of(result_of(late, early))
    assert found is not None
    assert ["1.0 s: the server is killed"] == [group.title for group in found.groups]


def test_nothing_is_said_without_a_fault() -> None:
    result = result_of(trial("polling"))
    assert (None, None) == (faults_of(result), fault_table(result))
    assert "rowgroup" not in html([Reported(result)])


@pytest.mark.parametrize(
    ("kind", "on", "changes", "words"),
    [
        ("kill", "server", {}, "1.0 s: the server is killed"),
        ("restart", "proxy", {}, "1.0 s: the proxy is restarted"),
        ("stall", "producer", {"lasts_seconds": 1.5}, "1.0 s: the producer stands still for 1.5 s"),
        ("drop", "feed", {"lasts_seconds": 1.0}, "1.0 s: the feed is dropped for 1 s"),
        ("drop", "feed", {}, "1.0 s: the feed is dropped"),
        ("fill", "producer", {"lasts_seconds": 2.0}, "1.0 s: the producer has a full disk for 2 s"),
        ("cut", "proxy", {}, "1.0 s: connections are cut at the proxy"),
        ("cut", "clients", {}, "1.0 s: all clients are cut, and come back at once"),
        ("cut", "clients", {"jitter_seconds": 2.0}, "1.0 s: all clients are cut, and come back within 2 s"),
    ],
)
def test_fault_in_words(kind: FaultKind, on: FaultPlace, changes: dict[str, Any], words: str) -> None:
    assert words == fault_words(outcome(kind, on, **changes))


def test_terminal_shows_faults_before_the_answer_and_among_all_tables(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(outcome())
    print_result(result)
    said = capsys.readouterr().out
    assert -1 < said.index("kill server") < said.index("latency ")
    assert any("kill server" in line for line in lines_of(*parts_of(result)))


def test_report_has_a_table_of_faults() -> None:
    page = html([Reported(run(outcome()))])
    assert "the server is killed" in page
    assert 1 == page.count('scope="rowgroup"')


def raw_of(stale: dict[int, int], *faults: FaultTime) -> Raw:
    """Return the record of 100 clients over ten seconds, in steps of 10 ms."""
    account = AccountRecord(age_ns=100 * 10 * SECOND, outages=OutageRecord(step_ns=SECOND // 100, stale=stale))
    return Raw(Window(0, 10 * SECOND), account, Truth(0, complete=True, epochs=[]), NOTHING_MEASURED, faults=[*faults])


def test_chart_shows_how_many_clients_were_served_and_when_the_faults_were() -> None:
    raw = raw_of({200: 50, 300: -20, 450: -30}, FaultTime(0, SECOND, SECOND, SECOND))
    later = outcome("cut", "clients", 1)
    (chart,) = served_over_time(View(run(outcome(), later), lambda _: raw))
    assert [1.0, 5.0] == list(chart.x.at)
    assert ["Polling", "WebSocket"] == [strip.title for strip in chart.strips]
    steps = [(0, 1.0), (2, 1.0), (2, 0.5), (3, 0.5), (3, 0.7), (4.5, 0.7), (4.5, 1.0), (10, 1.0)]
    assert steps == [(dot.x, round(dot.y, 9)) for dot in chart.strips[0].dots]
    assert chart.title.startswith("Clients were served 90.00 % of the time")


def test_chart_of_many_faults_has_round_times() -> None:
    raw = raw_of({}, FaultTime(0, SECOND, SECOND, SECOND))
    (chart,) = served_over_time(View(run(*[outcome(number=number) for number in range(9)]), lambda _: raw))
    assert () == chart.x.at


def test_there_is_no_chart_without_faults_or_records() -> None:
    assert [] == list(served_over_time(View(result_of(trial("polling")), lambda _: raw_of({}))))
    assert [] == list(served_over_time(View(run(outcome()))))
