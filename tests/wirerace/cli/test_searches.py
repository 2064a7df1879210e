"""Searches for capacity on the command line: the exit code, what is printed and saved, and what is refused."""

import csv
import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.refusals import lacking
from tests.wirerace.cli.test_show import with_value
from tests.wirerace.results import RESULT
from tests.wirerace.searched import Outcome, begun, each, searched, study_with, up_to
from wirerace.cli import compare, run, show
from wirerace.cli.planning import print_plan, words_of
from wirerace.cli.run import INVALID, NOT_WHOLE, exit_code
from wirerace.errors import BadInput
from wirerace.record.reading import read_result
from wirerace.record.result import FILE_NAME, Result
from wirerace.record.writing import write_json
from wirerace.report.junit import junit_of

BOTH = searched(study_with(), each(polling=up_to(300), websocket=up_to(1200)))[1]
BOUND = searched(study_with(), each(polling=up_to(300), websocket=up_to(1200, "load")))[1]
CUT = searched(study_with(), up_to(300), 9)[1]
NOTHING = searched(study_with(), lambda _: "failed")[1]
ALL = [BOTH, BOUND, CUT, NOTHING]
NAMES = ["both", "bound", "cut", "nothing"]


@pytest.mark.parametrize(
    ("beyond", "code"),
    [
        ("server", 0),
        ("failed: server", 0),
        ("met", 0),
        ("load", INVALID),
        ("machine", INVALID),
        ("producer", INVALID),
        ("none", INVALID),
        ("failed", INVALID),
    ],
)
def test_exit_code_says_whether_each_capacity_is_that_of_a_server(beyond: Outcome, code: int) -> None:
    """Trials at values that are too high are invalid, or are not completed: that alone is no failure."""
    result = searched(study_with(), each(polling=up_to(300), websocket=up_to(300, beyond)))[1]

    assert code == exit_code(result, allow_invalid=False)
    assert 0 == exit_code(result, allow_invalid=True)


def test_search_that_has_not_ended_is_no_success() -> None:
    assert INVALID == exit_code(CUT, allow_invalid=False)


@pytest.mark.parametrize("result", [NOTHING, begun(study_with())], ids=["failures", "nothing"])
def test_search_without_a_trial_is_not_whole(result: Result) -> None:
    assert NOT_WHOLE == exit_code(result, allow_invalid=True)


@pytest.fixture(params=ALL, ids=NAMES)
def saved(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    write_json(tmp_path / FILE_NAME, request.param)
    return tmp_path


def test_answer_of_a_saved_search_is_the_same_and_short(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show.command(saved)
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) <= 20
    assert [] == [line for line in lines[:-1] if len(line) > 80]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("setting", [None, 0])
def test_saved_search_is_shown_whole_or_at_one_value(
    saved: Path, setting: int | None, capsys: pytest.CaptureFixture[str], *, full: bool
) -> None:
    show.command(saved, full=full, setting=setting)

    assert capsys.readouterr().out


@pytest.mark.parametrize("result", ALL, ids=NAMES)
def test_result_of_a_search_is_read_as_it_was_written(result: Result, tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, result)
    again = read_result(tmp_path)

    assert result.capacities == again.capacities
    assert result.points == again.points


def test_every_trial_of_a_search_is_in_its_csv(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, BOTH)
    show.command(tmp_path, as_format="csv", out=tmp_path / "trials.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "trials.csv").read_text("utf-8"), newline="")))
    trials = {(row["contestant"], row["clients.count"], row["repeat"]) for row in rows}
    wanted = {(trial.contestant, str(BOTH.points[trial.point].setting["clients.count"])) for trial in BOTH.trials}

    assert wanted == {trial[:2] for trial in trials}
    assert {"latency.p99"} <= {row["figure"] for row in rows}


def test_trials_after_an_overload_are_told_apart_in_its_csv(tmp_path: Path) -> None:
    """A fresh server and one that was overloaded are tried at the same value."""
    write_json(tmp_path / FILE_NAME, BOTH)
    show.command(tmp_path, as_format="csv", out=tmp_path / "trials.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "trials.csv").read_text("utf-8"), newline="")))
    found = [tuple(row[key] for key in row if key != "value") for row in rows if row["figure"] == "latency.p99"]

    assert len(found) == len(set(found)) == len(BOTH.trials)


@pytest.mark.parametrize("name", ["json", "markdown"])
def test_search_has_every_other_format(name: Any, saved: Path) -> None:
    show.command(saved, as_format=name, out=saved / "out")

    assert (saved / "out").read_text("utf-8")


@pytest.mark.parametrize(("result", "failed"), [(BOTH, []), (BOUND, ["WebSocket"]), (CUT, ["Polling", "WebSocket"])])
def test_junit_has_a_case_for_each_capacity(result: Result, failed: list[str]) -> None:
    cases = list(junit_of(result, allow_invalid=False).iter("testcase"))

    assert ["Polling", "WebSocket"] == [case.attrib["classname"] for case in cases]
    assert failed == [case.attrib["classname"] for case in cases if case.find("failure") is not None]
    assert ET.tostring(junit_of(result, allow_invalid=True)).count(b"<skipped") == len(failed)


@pytest.mark.parametrize("names", [("search", "run"), ("run", "search"), ("search", "search")])
def test_search_is_not_compared_as_a_run(names: tuple[str, str], tmp_path: Path) -> None:
    for name, result in (("search", BOTH), ("run", RESULT)):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / FILE_NAME, result)
    with pytest.raises(BadInput) as refusal:
        compare.command(tmp_path / names[0], tmp_path / names[1])

    assert [] == lacking(str(refusal.value), str(tmp_path / "search"), ["a search for capacity"])


def test_plan_of_a_search_has_its_start_and_about_how_many_trials(capfd: pytest.CaptureFixture[str]) -> None:
    study = study_with()
    print_plan(study)
    printed = capfd.readouterr().out

    assert "clients.count = 100" in printed
    assert 'kind = "capacity"' in printed
    assert words_of(study) in printed
    assert "about" in words_of(study).partition("trials")[0]


@pytest.mark.long
@pytest.mark.parametrize(
    ("keys", "value", "place", "facts"),
    [
        (("experiment", "capacity"), {}, "experiment.capacity.objectives", ["there is none"]),
        (("experiment", "capacity", "objectives"), [], "experiment.capacity.objectives", ["there is none"]),
        (("experiment", "capacity", "objectives"), ["lost = 0"], "experiment.capacity.objectives[0]", ["'lost = 0'"]),
        (("experiment", "capacity", "objectives"), ["pigeons < 1"], "capacity.objectives[0]", ["'pigeons'"]),
        (("experiment", "capacity", "knob"), "clients.speed", "experiment.capacity.knob", ["'clients.speed'"]),
        (("experiment", "capacity", "precision"), "fine", "experiment.capacity.precision", ["'fine'"]),
        (("experiment", "servers"), {"cpus": "many"}, "experiment.servers.cpus", ["'many'"]),
        (("points", 1, "setting"), {}, "points[1].setting", ["clients.count", "None"]),
        (("points", 1, "setting"), {"clients.count": 0}, "points[1].setting", ["clients.count", "0"]),
        (("points", 1, "setting"), {"clients.count": "200"}, "experiment at points[1].clients.count", ["'200'"]),
        (("points", 1, "after"), {"seed": 3}, "points[1].after", ["clients.count"]),
        (("failures", 0, "point"), 99, "failures[0].point", ["points[99]"]),
    ],
)
def test_edited_search_is_refused_on_one_line(
    keys: tuple[str | int, ...], value: object, place: str, facts: list[str], tmp_path: Path
) -> None:
    failing = searched(study_with(), each(polling=up_to(300), websocket=up_to(1200, "failed")))[1]
    write_json(tmp_path / FILE_NAME, with_value(failing, value, *keys))
    with pytest.raises(BadInput) as refusal:
        show.command(tmp_path)

    line = str(refusal.value)
    before, found, rest = line.partition(place)
    assert found == place, line
    assert [] == lacking(place + rest, place, facts), before


def test_search_of_an_older_version_without_parts_is_read(tmp_path: Path) -> None:
    text = json.dumps(with_value(NOTHING, [], "capacities"))
    (tmp_path / FILE_NAME).write_text(text)

    assert [] == read_result(tmp_path).capacities


def test_quota_beyond_the_cores_is_refused_before_a_run_and_in_its_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "e.toml").write_text('title = "t"\ntransports = ["polling"]\n[servers]\ncpus = 5\n')
    monkeypatch.setattr(run, "usable_cores", lambda: [0, 1])
    with pytest.raises(BadInput) as refusal:
        run.command(tmp_path / "e.toml", dry_run=True)

    assert [] == lacking(str(refusal.value), str(tmp_path / "e.toml"), ["servers.cpus", "2 cores", "got 5"])
