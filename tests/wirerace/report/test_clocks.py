"""Clocks of load hosts in the terminal and in the report: a row for each host, a line for each triangle."""

from msgspec.structs import replace

from tests.wirerace.clocked import AHEAD, BEHIND, CLOCKS, TRIANGLE
from tests.wirerace.report.made_up import lines_of, result_of, trial
from wirerace.record.clocks import Clocks
from wirerace.report.clocks import clock_table, clocks_of
from wirerace.report.html.page import Reported, html
from wirerace.report.terminal import parts_of


def captions_of(*clocks: Clocks) -> list[str]:
    """Return the lines about triangles, in a run with a trial for each."""
    found = clocks_of(result_of(*(trial("polling", number, clocks=one) for number, one in enumerate(clocks, 1))))
    assert found is not None
    return [line for line in found.caption.splitlines() if line.startswith("around")]


def test_each_host_has_a_row_with_its_correction_and_error() -> None:
    found = clocks_of(result_of(trial(clocks=CLOCKS)))

    assert found is not None
    assert [(row.host, *row.cells) for row in found.rows] == [
        ("ahead (10.0.0.2)", "-30 ms", "-20.0 µs", "100 µs", "60 µs", "399 of 400"),
        ("behind (10.0.0.3)", "10 ms", "+3.0 µs", "120 µs", "80 µs", "200 of 200"),
    ]
    assert captions_of(CLOCKS) == [
        "around ahead (10.0.0.2), behind (10.0.0.3), producer: differences sum to -20 µs (0, to 200 µs)"
    ]


def test_host_is_shown_as_in_the_trial_with_the_largest_error() -> None:
    better = replace(CLOCKS, hosts=[replace(AHEAD, error_seconds=0.00001), BEHIND])
    unknown = replace(CLOCKS, hosts=[replace(AHEAD, error_seconds=None, answers=0, round_trip_seconds=None)])
    worse = replace(TRIANGLE, hosts=TRIANGLE.hosts[::-1], sum_seconds=0.0003)

    found = clocks_of(result_of(trial(clocks=better), trial(repeat=2, clocks=CLOCKS)))
    assert found is not None
    assert [row.cells[3] for row in found.rows] == ["60 µs", "80 µs"]
    found = clocks_of(result_of(trial(clocks=unknown), trial(repeat=2, clocks=CLOCKS)))
    assert found is not None
    assert found.rows[0].cells == ["–", "–", "–", "–", "0 of 400"]
    assert "sum to 300 µs" in captions_of(CLOCKS, replace(CLOCKS, triangles=[worse]))[0]


def test_hosts_that_do_not_reach_each_other_are_said_not_to_be_compared() -> None:
    alone = replace(TRIANGLE, sum_seconds=None, within_seconds=None)

    assert "not compared" in captions_of(replace(CLOCKS, triangles=[alone]))[0]
    assert "sum to -20 µs" in captions_of(replace(CLOCKS, triangles=[alone]), CLOCKS)[0]
    assert captions_of(replace(CLOCKS, triangles=[])) == []


def test_table_is_in_the_terminal_and_in_the_report_and_nowhere_without_other_hosts() -> None:
    there, absent = result_of(trial(clocks=CLOCKS)), result_of(trial())

    assert any("Clocks of load hosts" in line for part in parts_of(there) for line in lines_of(part))
    assert "Clocks of load hosts" in html([Reported(there)])
    assert "ahead (10.0.0.2)" in html([Reported(there)])
    assert clock_table(absent) is None
    assert "Clocks of load hosts" not in html([Reported(absent)])
