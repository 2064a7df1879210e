"""A reproduction that plays a scene instead of trials, and what `all` leaves out. The scene is made up."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from msgspec.structs import replace

from tests.wirerace.report.reports import Seen
from tests.wirerace.trials import EXPERIMENT
from wirerace.cli import reproduce as cli
from wirerace.cli import show
from wirerace.errors import BadInput, TrialFailed
from wirerace.experiment.model import Clients
from wirerace.experiment.settings import Study, alone
from wirerace.record.result import ContestantRecord, Host, Point, Result
from wirerace.reproductions import REPRODUCTIONS
from wirerace.reproductions.check import Check, Found, Reproduction, between


@pytest.fixture(autouse=True)
def _no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the look at this machine, which a result begins with."""

    def begun(study: Study, _place: str) -> Result:
        return Result(
            wirerace="0.1.0",
            experiment=study.document,
            host=Host(1, "Linux", "3.11.7", {}),
            started_at="",
            contestants=[ContestantRecord("polling", "Polling", "polling")],
            points=[Point()],
        )

    monkeypatch.setattr(cli, "begun", begun)


def scene_with(tabs: int | None) -> Reproduction:
    """Return a reproduction whose scene finds a number of tabs, or fails."""

    def scene(_study: Study, directory: Path) -> list[Check]:
        assert directory.is_dir()
        if tabs is None:
            raise TrialFailed("the browser ended")
        return [between(Found("tabs", "count", tabs), "6", (6, 6), "exactly")]

    def checks(_: Any) -> list[Check]:
        raise AssertionError

    return Reproduction("scenic", "a line", "a source", "a setup", "words", EXPERIMENT, checks, scene=scene)


class Case(NamedTuple):
    """What a scene finds, None if it fails; and the exit code, the record and the last line that it gets."""

    tabs: int | None
    code: int
    passed: bool | None
    last: str


@pytest.mark.parametrize(
    "case",
    [
        Case(6, 0, True, "PASS"),
        Case(7, 1, False, "FAIL: 1 of the checks"),
        Case(None, 1, None, "FAIL: a trial was not completed"),
    ],
)
def test_scene_decides_without_any_trial(
    case: Case,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    reproduction = scene_with(case.tabs)
    monkeypatch.setitem(REPRODUCTIONS, reproduction.name, reproduction)
    assert case.code == cli.reproduce(reproduction, tmp_path / "out", allow_invalid=False)
    printed, failure = capfd.readouterr()

    record = json.loads((tmp_path / "out" / "reproduction.json").read_text())
    assert (case.passed, True) == (record["passed"], record["valid"])
    assert f"scenic: {case.last}" in printed
    assert "VALID" not in printed, "there is no trial"
    assert ("the browser ended" in failure) == (case.tabs is None)

    found = Seen((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert found.texts["h3"][0].startswith(f"scenic: {case.last}")
    assert ("VALID" in found.whole) == (case.tabs is None), "there is no trial to be judged, unless the scene failed"

    show.command(tmp_path / "out" / "reproduction.json")
    assert f"scenic: {case.last}" in capfd.readouterr().out


def test_all_leaves_out_what_needs_a_browser_where_there_is_none_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with_tabs = replace(EXPERIMENT, clients=Clients(browsers=2))
    known = {"scenic": scene_with(6), "tabbed": scene_with(6)._replace(name="tabbed", experiment=with_tabs)}
    monkeypatch.setattr(cli, "REPRODUCTIONS", known)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(typer.Exit) as ended:
        cli.command("all", tmp_path / "out", allow_invalid=False)
    printed, warned = capfd.readouterr()

    assert 0 == ended.value.exit_code
    assert "scenic: PASS" in printed
    assert "tabbed: " not in printed
    assert "tabbed is left out: clients.browsers: there is no Chromium: install it" in warned


def test_scene_that_needs_a_browser_is_refused_by_name_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    scene = REPRODUCTIONS["six-connections"].scene
    assert scene is not None
    with pytest.raises(BadInput, match=r"^clients\.browsers: there is no Chromium: install it"):
        scene(alone(REPRODUCTIONS["six-connections"].experiment), tmp_path)
