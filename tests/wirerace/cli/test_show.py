"""Showing an edited file: one line and BadInput, with any content."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.wirerace.results import RESULT, TRIAL
from wirerace.cli import show
from wirerace.errors import BadInput
from wirerace.record.result import FILE_NAME, Point
from wirerace.record.writing import write_json
from wirerace.reproductions.check import Check
from wirerace.reproductions.record import RECORD_NAME, ReproductionRecord

CHECK = Check("[/b] \x1b[2J", "seconds", "1 s", 1.5, 1.0, 2.0, "± 50 %", passed=True)
RECORD = ReproductionRecord("0.1.0", "kaazing", "a source", "a setup", "words", valid=True, passed=True, checks=[CHECK])


def refusal_of(place: Path) -> str:
    with pytest.raises(BadInput) as refusal:
        show.command(place)
    return str(refusal.value)


def with_value(document: Any, value: object, *keys: str | int) -> Any:
    """Return a value as a document of JSON with one value replaced."""
    whole = inner = msgspec.json.decode(msgspec.json.encode(document))
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return whole


def test_result_with_numbers_that_no_run_has_is_refused(tmp_path: Path) -> None:
    result = msgspec.structs.replace(RESULT, trials=[msgspec.structs.replace(TRIAL, arrived=1)])
    write_json(tmp_path / FILE_NAME, with_value(result, 0, "trials", 0, "bytes", "application_in"))
    text = (tmp_path / FILE_NAME).read_text().replace('"application_out": null', f'"application_out": {"9" * 400}')
    (tmp_path / FILE_NAME).write_text(text)

    assert refusal_of(tmp_path).startswith(f"{tmp_path}: it was edited, and no run has such numbers: ")


def test_checks_of_a_reproduction_are_printed_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(tmp_path / FILE_NAME, RESULT)
    write_json(tmp_path / RECORD_NAME, RECORD)
    show.command(tmp_path / RECORD_NAME)

    assert r"[/b] \x1b[2J" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("keys", "value", "line"),
    [
        (("name",), "cold-fusion", "no reproduction 'cold-fusion' in this version; give its directory for the figures"),
        (("name",), 1, "no reproduction of Wirerace: name must be text, got 1"),
        (("checks", 0, "unit"), "miles", "no reproduction of Wirerace: checks[0].unit must be one of seconds, bytes,"),
        (("checks",), {}, "no reproduction of Wirerace: checks must be a list, got {}"),
    ],
)
def test_edited_reproduction_is_refused_by_the_key(
    keys: tuple[str | int, ...], value: object, line: str, tmp_path: Path
) -> None:
    write_json(tmp_path / RECORD_NAME, with_value(RECORD, value, *keys))

    assert refusal_of(tmp_path / RECORD_NAME).startswith(f"{tmp_path / RECORD_NAME}: {line}")


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b"\xff\xfe{\x00"])
def test_file_that_is_no_reproduction_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / RECORD_NAME).write_bytes(content)

    assert refusal_of(tmp_path / RECORD_NAME).startswith(f"{tmp_path / RECORD_NAME}: ")


def test_answer_is_printed_and_every_figure_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(tmp_path / FILE_NAME, RESULT)
    show.command(tmp_path)
    answer = capsys.readouterr().out
    show.command(tmp_path / FILE_NAME, full=True)
    tables = capsys.readouterr().out

    assert len(answer.splitlines()) <= 20
    assert "mean latency" not in answer
    assert "mean latency" in tables
    assert [str(tmp_path / FILE_NAME)] * 2 == [printed.splitlines()[-1] for printed in (answer, tables)]


@pytest.mark.parametrize("full", [False, True])
def test_one_setting_of_a_sweep_is_printed_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, full: bool
) -> None:
    points = [Point({"clients.count": 5}), Point({"clients.count": 10})]
    write_json(tmp_path / FILE_NAME, msgspec.structs.replace(RESULT, points=points))
    show.command(tmp_path, setting=0, full=full)

    assert "clients.count" not in capsys.readouterr().out


def test_picture_is_of_what_is_printed(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, RESULT)
    show.command(tmp_path, svg=tmp_path / "answer.svg")
    show.command(tmp_path, svg=tmp_path / "full.svg", full=True)

    assert "memory" not in (tmp_path / "answer.svg").read_text("utf-8")
    assert "memory" in (tmp_path / "full.svg").read_text("utf-8")
