"""Making reports: where they are written, and what is refused on one line."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.wirerace.report.reports import PLACES
from tests.wirerace.results import RAW, RESULT, TRIAL
from wirerace.cli import report
from wirerace.errors import BadInput, SystemFault
from wirerace.record.result import FILE_NAME
from wirerace.record.writing import write_json
from wirerace.reproductions.record import RECORD_NAME


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_json(tmp_path / FILE_NAME, RESULT)
    return tmp_path


@pytest.mark.long
def test_report_lies_beside_its_result(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.command([run])

    assert f"{run / 'report.html'}\n" == capsys.readouterr().out
    assert (run / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert {"report.html", FILE_NAME} == {path.name for path in run.iterdir()}


def test_path_of_the_result_is_as_good_as_its_directory(run: Path) -> None:
    report.command([run / FILE_NAME])

    assert (run / "report.html").exists()


def test_page_of_several_runs_needs_a_name(run: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^this page is of several runs: name its file with --out FILE$"):
        report.command([run, run])
    report.command([run, run], tmp_path / "both.html")

    assert '<a href="#run-2">' in (tmp_path / "both.html").read_text("utf-8")


def test_raw_records_are_used_where_they_are_whole(run: Path) -> None:
    (run / "raw").mkdir()
    record = run / "raw" / "1-websocket.json"
    write_json(record, RAW)
    report.command([run])
    with_record = (run / "report.html").read_text("utf-8")
    record.write_bytes(record.read_bytes()[:100])
    report.command([run])

    assert "The slowest delivery took " in with_record
    assert "The raw records are missing" not in with_record
    assert "The raw records are missing" in (run / "report.html").read_text("utf-8")


def test_chart_is_written_as_a_picture(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "raw").mkdir()
    write_json(run / "raw" / "1-websocket.json", RAW)
    picture = run / "latency.svg"
    report.command([run], chart="latency-over-time", svg=picture)

    assert f"{picture}\n" == capsys.readouterr().out
    assert picture.read_text("utf-8").startswith("<svg ")
    assert not (run / "report.html").exists()


def test_chart_that_does_not_exist_is_refused_with_those_that_do(run: Path) -> None:
    (run / "raw").mkdir()
    write_json(run / "raw" / "1-websocket.json", RAW)
    with pytest.raises(BadInput, match=r": there is no chart 'fronteer'; it has latency-over-time, age-over-time$"):
        report.command([run], chart="fronteer", svg=run / "x.svg")
    assert not (run / "x.svg").exists()


def test_result_without_a_trial_has_no_charts(tmp_path: Path) -> None:
    write_json(tmp_path / FILE_NAME, msgspec.structs.replace(RESULT, trials=[]))
    with pytest.raises(BadInput, match=r": there is no chart 'latency'; it has none: no trial counts$"):
        report.command([tmp_path], chart="latency", svg=tmp_path / "x.svg")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"chart": "frontier"}, "^a picture needs both: --chart NAME says of what, --svg FILE where$"),
        ({"svg": Path("x.svg")}, "^a picture needs both: "),
        ({"setting": 0}, "^a picture needs both: "),
        ({"chart": "frontier", "svg": Path("x.svg"), "out": Path("x.html")}, "^--chart is of one run, "),
        ({"chart": "latency", "svg": Path("x.svg"), "setting": 1}, "^--setting must be below 1, "),
    ],
)
def test_half_of_a_request_for_a_picture_is_refused(run: Path, given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        report.command([run], **given)


@pytest.mark.long
def test_sweep_has_a_chart_for_each_figure_of_its_table_and_those_of_each_setting(tmp_path: Path) -> None:
    sweep = PLACES["sweep"]
    for chart, setting in (("frontier", None), ("latency.mean", None), ("cpu", 2)):
        report.command([sweep], chart=chart, svg=tmp_path / f"{chart}.svg", setting=setting)
    with pytest.raises(BadInput, match=r"it has latency\.mean, latency\.p99, .*, frontier$"):
        report.command([sweep], chart="cpu", svg=tmp_path / "x.svg")

    assert 3 == len(list(tmp_path.iterdir()))


def test_directory_without_a_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"give the directory of a run, or its result\.json$"):
        report.command([tmp_path])


def test_damaged_record_of_a_reproduction_is_refused(run: Path) -> None:
    (run / RECORD_NAME).write_text("{")
    with pytest.raises(BadInput, match=r"reproduction\.json: no reproduction of Wirerace: "):
        report.command([run])


def test_place_that_cannot_be_written_to_is_named(run: Path) -> None:
    with pytest.raises(SystemFault, match=r"nowhere/page\.html"):
        report.command([run], run / "nowhere" / "page.html")


def test_result_with_numbers_that_no_run_has_is_refused(tmp_path: Path) -> None:
    result = msgspec.structs.replace(RESULT, trials=[msgspec.structs.replace(TRIAL, arrived=1)])
    write_json(tmp_path / FILE_NAME, result)
    text = (tmp_path / FILE_NAME).read_text().replace('"application_in": null', '"application_in": 0')
    text = text.replace('"application_out": null', f'"application_out": {"9" * 400}')
    (tmp_path / FILE_NAME).write_text(text)

    with pytest.raises(BadInput, match="it was edited, and no run has such numbers: "):
        report.command([tmp_path])
