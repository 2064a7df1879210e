"""What `python -m benchmarks.between` reports of runs of one version."""

import random
import sys
from pathlib import Path

import pytest

from benchmarks.between import has_difference, main, shares_in, spreads_of
from tests.wirerace.compared import run_of, times
from wirerace.analysis.between import Options
from wirerace.analysis.comparison import Given
from wirerace.record.result import FILE_NAME
from wirerace.record.writing import write_json


@pytest.mark.long
def test_spreads_are_those_from_which_a_table_was_made() -> None:
    source = random.Random(1)
    schedules = [source.gauss(0, 0.1) for _ in range(200)]
    table = [
        [run + one + source.gauss(0, 0.04) for one in schedules] for run in (source.gauss(0, 0.02) for _ in range(200))
    ]
    found = spreads_of(table)

    assert pytest.approx((0.04, 0.1, 0.02), rel=0.15) == (found.repeats, found.schedules, found.between)


def test_runs_that_are_too_alike_have_a_spread_below_0() -> None:
    assert spreads_of([[1.0, 2.0, 1.5], [2.0, 1.0, 1.5]]).between < 0


def test_every_pair_is_compared_with_a_smallest_difference_and_without() -> None:
    runs = [Given(str(factor), run_of(times(factor))) for factor in (1.0, 1.03, 1.5)]

    assert not has_difference(runs[0], Given("", run_of(times(1.005))), Options())
    assert [
        "smallest difference 0 %:",
        "  runs that follow each other: 2 of 2 show a difference",
        "  all pairs: 3 of 3 show a difference",
    ] == list(shares_in(runs, allow_invalid=False))[:3]


def test_runs_are_read_from_their_directories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    places = []
    for number, factor in enumerate((1.0, 1.01)):
        places.append(tmp_path / str(number))
        places[-1].mkdir()
        write_json(places[-1] / FILE_NAME, run_of(times(factor)))
    monkeypatch.setattr(sys, "argv", ["between", *map(str, places)])
    assert 0 == main()
    assert "2 runs; standard deviations in %" in capsys.readouterr().out

    monkeypatch.setattr(sys, "argv", ["between", str(tmp_path / "none")])
    assert 2 == main()
    assert "No such file or directory" in capsys.readouterr().err
