"""A result as JSON, CSV and Markdown, and what `wirerace show` refuses."""

import csv
import io
import json
import sys
from pathlib import Path

import msgspec
import pytest

from tests.wirerace.compared import INVALID, SOME, measured, run_of, times
from tests.wirerace.report.made_up import result_of
from wirerace.analysis.tidy import tidy
from wirerace.cli import show
from wirerace.errors import BadInput, SystemFault
from wirerace.record.result import FILE_NAME, Point, Result
from wirerace.record.writing import write_json
from wirerace.report.formats import encoded_as
from wirerace.report.markdown import markdown_of

BOTH = result_of(*run_of(times(480), "polling").trials, *run_of().trials)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    write_json(tmp_path / FILE_NAME, BOTH)
    return tmp_path


def test_json_is_the_tidy_table() -> None:
    assert tidy(BOTH).records() == json.loads(encoded_as("json", BOTH))


def test_csv_is_the_tidy_table_with_every_digit() -> None:
    rows = list(csv.DictReader(io.StringIO(encoded_as("csv", BOTH).decode(), newline="")))
    records = tidy(BOTH).records()

    assert [record["value"] for record in records] == [float(row["value"]) if row["value"] else None for row in rows]
    assert {"true"} == {row["valid"] for row in rows}
    assert {"false"} == {row["discarded"] for row in rows}


def test_csv_quotes_what_a_title_has() -> None:
    result = msgspec.structs.replace(BOTH, experiment=BOTH.experiment | {"title": 'a, "b"\nc'})
    rows = list(csv.DictReader(io.StringIO(encoded_as("csv", result).decode(), newline="")))

    assert {'a, "b"\nc'} == {row["experiment"] for row in rows}


def row_of(label: str, result: Result) -> list[str]:
    (found,) = [line for line in markdown_of(result).splitlines() if line.startswith(f"| {label} ")]
    return [cell.strip() for cell in found.strip("|").split(" | ")][1:]


def test_markdown_has_the_best_in_bold_and_the_others_relative_to_it() -> None:
    worse, best = row_of("mean latency", BOTH)

    assert "**1 ± 0.02 ms**" == best
    assert "480 ± 9 ms (480 ± 0.5 ×)" == worse


def test_markdown_of_one_repeat_has_ratios_without_an_exponent() -> None:
    result = result_of(measured(123_456, "polling"), measured(100))

    assert ["1.23 s (1235 ×)", "**1 ms**"] == row_of("mean latency", result)


def test_markdown_has_no_ratio_where_there_is_none() -> None:
    assert ["0", "0"] == row_of("lost", BOTH)


def test_markdown_begins_with_the_verdict_and_escapes_what_a_title_has() -> None:
    result = result_of(measured(100, verdict=INVALID))
    result.experiment["title"] = "a | *b*\n# c"
    lines = markdown_of(result).splitlines()

    assert r"### a \| \*b\*\\n\# c" == lines[0]
    assert lines[2].startswith("INVALID: none of 1 trials can be used")


def test_markdown_of_a_sweep_has_a_table_for_each_setting() -> None:
    trials = [msgspec.structs.replace(one, point=point) for point in (0, 1) for one in run_of().trials]
    result = result_of(*trials)
    result.points = [Point({"clients.count": 1}), Point({"clients.count": 2})]
    text = markdown_of(result)

    assert "**1 client**" in text
    assert 2 == text.count("| mean latency ")


def test_markdown_of_a_run_that_has_no_valid_repeat_says_so() -> None:
    assert "No trial counts." in markdown_of(result_of())


def test_show_writes_to_a_file(saved: Path) -> None:
    show.command(saved, as_format="csv", out=saved / "trials.csv")

    assert encoded_as("csv", BOTH) == (saved / "trials.csv").read_bytes()


def test_show_writes_one_setting(saved: Path) -> None:
    with pytest.raises(BadInput, match="--setting must be below 1"):
        show.command(saved, setting=1, as_format="csv", out=saved / "trials.csv")


def test_file_that_cannot_be_written_is_named(saved: Path) -> None:
    with pytest.raises(SystemFault, match=r"^/nowhere/trials.csv: No such file or directory"):
        show.command(saved, as_format="csv", out=Path("/nowhere/trials.csv"))


def test_parquet_without_pyarrow_names_the_cure(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(BadInput, match="--format parquet needs pyarrow, which is not installed: pip install pyarrow"):
        show.command(saved, as_format="parquet", out=saved / "trials.parquet")
    assert not (saved / "trials.parquet").exists()


def test_parquet_is_not_written_to_a_terminal(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    with pytest.raises(BadInput, match="--format parquet is not for a terminal: give --out FILE"):
        show.command(saved, as_format="parquet")


def test_formats_are_for_runs_and_pictures_are_of_tables(saved: Path) -> None:
    with pytest.raises(BadInput, match="leave --format out"):
        show.command(saved, as_format="csv", svg=saved / "table.svg")
    with pytest.raises(BadInput, match="--out is for another --format"):
        show.command(saved, out=saved / "table")
    with pytest.raises(BadInput, match="--format is for runs"):
        show.command(saved / "reproduction.json", as_format="csv")


def test_edited_result_with_numbers_that_no_run_has_is_refused(tmp_path: Path) -> None:
    result = run_of(SOME[:1])
    write_json(tmp_path / FILE_NAME, result)
    text = (tmp_path / FILE_NAME).read_text().replace('"application_out": 10000', f'"application_out": {"9" * 400}')
    (tmp_path / FILE_NAME).write_text(text)

    with pytest.raises(BadInput, match="it was edited, and no run has such numbers"):
        show.command(tmp_path, as_format="csv", out=tmp_path / "trials.csv")
