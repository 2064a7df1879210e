"""`wirerace compare`, from the files of two runs to the answer and the exit code."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from tests.wirerace.compared import INVALID, SOME, run_of, times
from tests.wirerace.report.made_up import result_of
from wirerace.cli import compare
from wirerace.errors import BadInput
from wirerace.record.checkup import Checkup
from wirerace.record.result import FILE_NAME, Host, Result
from wirerace.record.writing import write_json

SLOW = result_of(*run_of(times(1.01), "polling").trials, *run_of(times(1.5)).trials)
FAST = result_of(*run_of(SOME, "polling").trials, *run_of(SOME).trials)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return the directories of an earlier run and of a slower one, on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    for name, result in (("before", FAST), ("after", SLOW)):
        (tmp_path / name).mkdir()
        write_json(tmp_path / name / FILE_NAME, result)
    return tmp_path / "before", tmp_path / "after"


def code_of(a: Path, b: Path, *conditions: str, **options: Any) -> int:
    with pytest.raises(typer.Exit) as end:
        compare.command(a, b, list(conditions), **options)
    return end.value.exit_code


def test_slower_run_is_named_in_words_that_fit_a_terminal(
    places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == code_of(*places)
    lines = capsys.readouterr().out.splitlines()

    assert [] == [line for line in lines if len(line) > 80 and str(places[0].parent) not in line]
    assert [["no", "difference", "shown"], ["slower"]] == [
        line.split(")")[1].split() for line in lines if line.startswith("  mean latency")
    ]
    assert any(re.fullmatch(r"WebSocket: slower: mean latency is 1\.50 \(.*\) times that of A", line) for line in lines)
    assert "no difference shown in 4 of 8 figures" == lines[-1]


def test_same_run_in_another_order_of_contestants_shows_no_difference(places: tuple[Path, Path]) -> None:
    before, after = places
    turned = result_of(*run_of(times(1.001)).trials, *run_of(times(1.001), "polling").trials)
    write_json(after / FILE_NAME, turned)

    assert 0 == code_of(before, after, "latency.p99 > 1.05x", "age.mean > 1.05x")


@pytest.mark.parametrize(
    ("conditions", "code", "line"),
    [
        (["latency.p99 > 1.2x"], 4, "wirerace: 1 of 2 conditions of --fail-if hold\n"),
        (["latency.p99 > 2x"], 0, ""),
        (["lost > 0"], 0, ""),
        (["visit.whole > 2x", "lost > 0"], 3, "wirerace: 2 of 4 are undecided\n"),
    ],
)
def test_exit_code_and_one_line_tell_a_ci_server(
    conditions: list[str], code: int, line: str, places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == code_of(*places, *conditions)
    captured = capsys.readouterr()

    assert line == captured.err
    assert {0: "PASS", 3: "UNDECIDED", 4: "FAIL"}[code] in captured.out
    assert "fail if" in captured.out


def test_json_has_everything_under_keys(places: tuple[Path, Path], capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert 4 == code_of(*places, "latency.p99 > 1.2x", as_json=True)
    found = json.loads(capsysbinary.readouterr().out)

    assert {"a", "b", "margin", "changes", "unmatched", "differences", "fail_if"} == found.keys()
    (latency,) = [
        one for one in found["changes"] if (one["contestant"], one["figure"]) == ("websocket", "latency.mean")
    ]
    assert ("more", "slower", "", True, [5, 5]) == tuple(
        latency[key] for key in ("shown", "word", "why", "paired", "repeats")
    )
    assert latency["ratio"]["low"] < latency["ratio"]["mean"] < latency["ratio"]["high"]
    assert ["does not hold", "holds"] == [one["outcome"] for one in found["fail_if"]]
    assert str(places[0]) == found["a"]["place"]


def test_what_else_differs_is_said(places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    before, after = places
    other = msgspec.structs.replace(SLOW, wirerace="9.9", host=Host(4, "Linux", "3.12.0", {}, revision="b" * 40))
    other.experiment = other.experiment | {"clients": other.experiment["clients"] | {"count": 5}, "repeats": 7}
    other.trials = [msgspec.structs.replace(one, verdict=INVALID) for one in other.trials]
    write_json(after / FILE_NAME, other)
    code_of(before, after)
    out = " ".join(capsys.readouterr().out.split())

    assert "! A was made by Wirerace 0.1.0, B by 9.9" in out
    assert "! they have another number of cores (1, 4)" in out
    assert "! they have another Python (3.11.7, 3.12.0)" in out
    assert "! they have another revision of Wirerace (unknown, bbbbbbbbbbbbbbbb)" in out
    assert "! clients.count is 200 in A, and 5 in B" in out
    assert "! 10 of 10 trials of B are invalid" in out
    assert "! B has 5 of 7 repeats" in out
    assert "undecided: Polling, WebSocket: 5 of 5 trials of B are invalid" in out


def test_machine_that_was_busier_or_slower_as_one_run_began_is_said(
    places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for place, result, cores, trip in zip(places, (FAST, SLOW), (0.1, 1.7), (20e-6, 40e-6), strict=True):
        write_json(place / FILE_NAME, msgspec.structs.replace(result, checkup=checkup(cores, trip)))
    code_of(*places)
    out = " ".join(capsys.readouterr().out.split())

    assert "other programs used 0.1 cores as A began, and 1.7 as B began" in out
    assert "a round trip at rest took 20 µs as A began, and 40 µs as B began" in out


def checkup(others_cores: float, round_trip: float) -> Checkup:
    nothing: dict[str, Any] = dict.fromkeys(field.name for field in msgspec.structs.fields(Checkup))
    known = ("took_seconds", "clock_reading_seconds", "sleep_late_seconds_p50", "sleep_late_seconds_p99")
    counts = ("cores", "memory_available_bytes", "swap_used_bytes")
    found = {"others_cores": others_cores, "round_trip_seconds_p50": round_trip}
    return Checkup(**nothing | dict.fromkeys(known, 1.0) | dict.fromkeys(counts, 1) | found)


def half(encoded: bytes) -> bytes:
    return encoded[: len(encoded) // 2]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (half, "no result of Wirerace: no JSON"),
        (lambda _: b"", "no result of Wirerace: no JSON"),
        (lambda _: b'{"hello": "world"}', "no result of Wirerace: schema is missing"),
        (lambda _: b'{"schema": 99}', "schema 99; this version reads"),
        (lambda encoded: encoded.replace(b'"seed": 1', b'"seed": "one"'), "must be a whole number, got 'one'"),
        (lambda encoded: encoded.replace(b'"trials": [', b'"trails": ['), "B has no trial that was finished"),
        (
            lambda encoded: encoded.replace(b'"application_out": 10', b'"application_out": ' + b"9" * 400),
            "",
        ),
    ],
    ids=["half-written", "empty", "foreign", "newer", "edited type", "edited key", "edited number"],
)
def test_result_that_cannot_be_used_gets_one_line_that_names_it(
    damage: Any, said: str, places: tuple[Path, Path]
) -> None:
    before, after = places
    file = after / FILE_NAME
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(BadInput) as refusal:
        compare.command(before, after)

    line = str(refusal.value)
    assert [line] == line.splitlines()
    assert str(after) in line
    assert said in line


def test_unknown_figure_is_refused_before_any_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^--fail-if 'latency.p9 > 2x': there is no figure 'latency.p9'; did you mean"):
        compare.command(tmp_path / "a", tmp_path / "b", ["latency.p9 > 2x"])


def test_margin_that_is_no_number_is_refused(places: tuple[Path, Path]) -> None:
    with pytest.raises(BadInput, match="--margin must be a number from 0 to 10, got nan"):
        compare.command(*places, margin=float("nan"))


def test_results_of_older_schemas_can_be_compared(capsys: pytest.CaptureFixture[str]) -> None:
    saved = Path(__file__).parents[2] / "data"

    assert 0 == code_of(saved / "schema-2", saved / "schema-3")
    assert "undecided: Polling: 3 of 3 trials of A are invalid" in capsys.readouterr().out


def test_run_without_a_trial_of_a_contestant_is_no_traceback(places: tuple[Path, Path]) -> None:
    before, after = places
    only: Result = msgspec.structs.replace(SLOW, trials=[one for one in SLOW.trials if one.contestant == "polling"])
    write_json(after / FILE_NAME, only)

    assert 3 == code_of(before, after, "latency.p99 > 1.2x")
