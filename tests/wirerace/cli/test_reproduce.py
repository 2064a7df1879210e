"""The outcome of a reproduction: exit code, record, last line. The run itself is made up."""

import json
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from tests.wirerace.report.reports import Seen
from tests.wirerace.results import RAW
from tests.wirerace.trials import plan_of, trial_of
from wirerace.cli import report, show
from wirerace.cli import reproduce as cli
from wirerace.errors import BadInput
from wirerace.experiment.model import Experiment, document_of
from wirerace.observe.account import AccountRecord, Window
from wirerace.record.result import ContestantRecord, Failure, Host, Point, Result
from wirerace.record.trial import Trial, Verdict
from wirerace.reproductions import REPRODUCTIONS
from wirerace.reproductions.check import Check, Found, Outcome, Reproduction, between, shown
from wirerace.workload.truth import Truth

EXPERIMENT = Experiment("t", ["websocket"])
WHOLE = trial_of(plan_of("websocket"), Window(0, 10), AccountRecord(), Truth(0, complete=True, epochs=[]))


def judged(*, valid: bool = True, lost: int = 0) -> Trial:
    return msgspec.structs.replace(WHOLE, verdict=Verdict(valid, [] if valid else ["the reason"]), lost=lost)


def reproduced(
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    trial: Trial | None,
    value: float = 1,
    *,
    allow_invalid: bool = False,
) -> int:
    """Reproduce something whose one trial is made up, and failed when it is None."""

    def run(*_: object) -> tuple[Result, dict[str, Outcome]]:
        result = Result(
            wirerace="0.1.0",
            experiment=document_of(EXPERIMENT),
            host=Host(1, "Linux", "3.11.7", {}),
            started_at="",
            contestants=[ContestantRecord("websocket", "WebSocket", "websocket")],
            points=[Point()],
            trials=[trial] if trial else [],
            failures=[] if trial else [Failure("websocket", 1, "it broke")],
        )
        return result, {"websocket": Outcome(trial, RAW)} if trial else {}

    def checks(_: object) -> list[Check]:
        return [
            between(Found("x", "ratio", value), "1", (1, 2), "1 to 2"),
            shown(Found("y", "ratio", None)),
        ]

    monkeypatch.setattr(cli, "_run", run)
    made_up = Reproduction("madeup", "a line", "a source", "a setup", "words", EXPERIMENT, checks)
    monkeypatch.setitem(REPRODUCTIONS, made_up.name, made_up)
    return cli.reproduce(made_up, directory / "out", allow_invalid=allow_invalid)


class Case(NamedTuple):
    """A trial, what was measured, whether --allow-invalid was given; and the exit code and last line it gets."""

    trial: Trial | None
    value: float
    allow_invalid: bool
    code: int
    last: str


@pytest.mark.parametrize(
    "case",
    [
        Case(judged(), 1, False, 0, "PASS"),
        Case(judged(), 3, False, 1, "FAIL: 1 of the checks"),
        Case(judged(valid=False), 1, False, 3, "PASS, but on trials that are INVALID"),
        Case(WHOLE, 1, False, 3, "PASS, but on trials that are INVALID"),  # it has no verdict
        Case(judged(valid=False), 3, False, 3, "FAIL: 1 of the checks, but on trials that are INVALID"),
        Case(judged(valid=False), 1, True, 0, "PASS, but on trials that are INVALID"),
        Case(judged(valid=False), 3, True, 1, "FAIL: 1 of the checks, but on trials that are INVALID"),
        Case(judged(lost=1), 1, False, 1, "FAIL: a trial was not completed, or updates were lost"),
        Case(None, 1, False, 1, "FAIL: a trial was not completed, or updates were lost"),
    ],
)
def test_exit_code_and_last_line_say_the_outcome(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code = reproduced(tmp_path, monkeypatch, case.trial, case.value, allow_invalid=case.allow_invalid)

    assert case.code == code
    assert f"madeup: {case.last}" in " ".join(capfd.readouterr().out.split())


def test_record_says_what_was_checked_and_whether_it_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reproduced(tmp_path, monkeypatch, judged(valid=False))
    record = json.loads((tmp_path / "out" / "reproduction.json").read_text())

    assert (False, True, "a source") == (record["valid"], record["passed"], record["source"])
    assert [True, None] == [check["passed"] for check in record["checks"]]


def test_trial_that_was_not_completed_leaves_nothing_to_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reproduced(tmp_path, monkeypatch, None)
    record = json.loads((tmp_path / "out" / "reproduction.json").read_text())

    assert (None, []) == (record["passed"], record["checks"])


def test_path_that_is_printed_shows_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    reproduced(tmp_path, monkeypatch, judged())
    *printed, page, path = capfd.readouterr().out.splitlines()
    assert str(tmp_path / "out" / "report.html") == page
    assert str(tmp_path / "out" / "reproduction.json") == path
    assert printed == shown_by(Path(path), capfd)


def test_report_has_each_check_and_is_made_again_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reproduced(tmp_path, monkeypatch, judged(), 3)
    page = tmp_path / "out" / "report.html"
    written = page.read_text("utf-8")
    found = Seen(written)

    assert "madeup: FAIL: 1 of the checks" == found.texts["h3"][0]
    assert ["FAIL", "1", "3", "1 to 2"] == found.texts["td"][:4]
    assert ["", "", "–", ""] == found.texts["td"][4:8]
    assert {"wirerace reproduce madeup"} <= set(found.texts["code"])
    page.unlink()
    report.command([tmp_path / "out"])
    assert "madeup: FAIL: 1 of the checks" in page.read_text("utf-8")


def test_result_is_shown_by_its_file_as_by_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    reproduced(tmp_path, monkeypatch, judged())
    capfd.readouterr()
    of_directory = shown_by(tmp_path / "out", capfd)
    assert any("WebSocket" in line for line in of_directory)
    assert of_directory == shown_by(tmp_path / "out" / "result.json", capfd)


def shown_by(place: Path, capfd: pytest.CaptureFixture[str]) -> list[str]:
    show.command(place)
    return capfd.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "reproduction.json: No such file or directory; give the path that wirerace reproduce printed"),
        (b"{", "reproduction.json: no reproduction of Wirerace"),
        (
            b'{"wirerace":"0","name":"old","source":"","setup":"","words":"","valid":true,"passed":true,"checks":[]}',
            "reproduction.json: no reproduction 'old' in this version; give its directory for the figures",
        ),
    ],
)
def test_what_is_no_reproduction_is_refused_on_one_line(content: bytes | None, line: str, tmp_path: Path) -> None:
    path = tmp_path / "reproduction.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput) as refusal:
        show.command(path)
    assert line in str(refusal.value)
