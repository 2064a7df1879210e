import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from rich.table import Table

from tests.wirerace.trials import contestants_in, plan_of, trial_of
from wirerace.analysis.aggregate import figures_of, summarised
from wirerace.analysis.figures import FIGURES
from wirerace.experiment.model import Experiment, document_of
from wirerace.observe.account import AccountRecord, Window
from wirerace.record.result import Host, Point, Result
from wirerace.record.trial import Trial
from wirerace.report.spelling import UNKNOWN, spell
from wirerace.report.terminal import REPORT_NAME, print_result, save_svg, tables_of
from wirerace.transports import TRANSPORTS
from wirerace.workload.truth import EpochMade, Truth


def trial(transport: str, repeat: int = 1, contestant: str = "", **changes: Any) -> Trial:
    """Return a trial with little more than the fact that half of it was lost."""
    truth = Truth(1, complete=True, epochs=[EpochMade("e", [1], [5], [0])])
    bare = trial_of(
        plan_of(transport, repeat, contestant=contestant),
        Window(0, 100),
        AccountRecord(subscribed=2, delivered=1),
        truth,
    )
    return msgspec.structs.replace(bare, **changes)


def result_of(*trials: Trial) -> Result:
    return Result(
        wirerace="0.1.0",
        experiment=document_of(Experiment("Who is first?", ["polling"])),
        host=Host(1, "Linux", "3.11.7", {}),
        started_at="",
        contestants=contestants_in(*trials),
        points=[Point()],
        trials=list(trials),
    )


def drawn(*trials: Trial) -> Table:
    result = result_of(*trials)
    return tables_of(result, summarised(result), 200)[0]


def printed(result: Result) -> str:
    console = Console(file=io.StringIO(), record=True)
    console.print(tables_of(result, summarised(result), 200)[0])
    return " ".join(console.export_text().split())


@pytest.mark.parametrize(
    ("value", "unit", "spelled"),
    [
        (None, "seconds", "–"),
        (0.0, "seconds", "0 µs"),
        (0.0000012, "seconds", "1.2 µs"),
        (0.000999, "seconds", "999 µs"),
        (0.001, "seconds", "1 ms"),
        (0.0123456, "seconds", "12.3 ms"),
        (0.5007, "seconds", "501 ms"),
        (1.0, "seconds", "1 s"),
        (123.4, "seconds", "123 s"),
        (-0.002, "seconds", "-2 ms"),
        (0, "bytes", "0 B"),
        (187.35, "bytes", "187 B"),
        (1000, "bytes", "1 kB"),
        (5345.28, "bytes", "5.35 kB"),
        (29_224_960, "bytes", "29.2 MB"),
        (-2048, "bytes", "-2.05 kB"),
        (98.5829, "microseconds", "98.6 µs"),
        (0.04, "microseconds", "0.0 µs"),
        (1, "fraction", "100 %"),
        (0.99995, "fraction", "99.99 %"),
        (0.5, "fraction", "50.00 %"),
        (0, "fraction", "0.00 %"),
        (0.19183, "ratio", "0.192"),
        (12.0, "ratio", "12"),
        (3, "count", "3"),
        (1_234_567, "count", "1234567"),
    ],
)
def test_value_is_spelled_in_the_size_that_people_read(value: float | None, unit: str, spelled: str) -> None:
    assert spelled == spell(value, unit)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_every_figure_has_a_unit_that_can_be_spelled(figure: Any) -> None:
    assert UNKNOWN == spell(None, figure.unit)
    assert UNKNOWN != spell(1.0, figure.unit)


def test_table_has_a_row_for_every_figure_and_a_column_for_every_transport() -> None:
    result = result_of(*(trial(name) for name in TRANSPORTS), trial("polling", contestant="polling-closed"))
    table = tables_of(result, summarised(result), 200)[0]

    titles = [contestant.title for contestant in contestants_in(*result.trials)]
    assert ["", *titles] == [str(column.header).replace("\n", " ") for column in table.columns]
    assert {"Polling (closed)", *(transport.title for transport in TRANSPORTS.values())} == set(titles)
    assert [figure.label for figure in figures_of(result)] == list(table.columns[0].cells)


def test_transport_that_did_not_run_has_no_column() -> None:
    table = drawn(trial("websocket"))

    assert ["", "WebSocket"] == [column.header for column in table.columns]


def test_cells_stand_under_their_transport_and_what_is_unknown_is_a_dash() -> None:
    table = drawn(trial("polling", reach=0.25), trial("websocket"))
    rows = dict(
        zip(table.columns[0].cells, zip(table.columns[1].cells, table.columns[2].cells, strict=True), strict=True)
    )

    assert ("25.00 %", "50.00 %") == rows["reach"]
    assert ("1", "1") == rows["lost"]
    assert (UNKNOWN, UNKNOWN) == rows["mean latency"]
    assert (UNKNOWN, UNKNOWN) == rows["server CPU per delivery"]


def test_table_shows_title_and_setting() -> None:
    text = printed(result_of(trial("polling")))

    assert "Who is first?" in text
    assert "200 clients · poisson, 5 updates/s of 100 bytes · 10 s" in text
    assert f"{UNKNOWN} unknown" in text


def test_table_says_that_the_rate_is_that_of_each_channel() -> None:
    result = result_of(trial("polling"))
    result.experiment["producer"]["channels"] = 10

    assert "5 updates/s of 100 bytes in each of 10 channels · 10 s" in printed(result)


def test_table_shows_the_shape() -> None:
    result = result_of(trial("polling"))
    result.experiment["clients"]["shape"] = "storm"

    assert "200 clients, storm · poisson" in printed(result)


def test_table_shows_how_many_repeats_its_figures_are_the_mean_of() -> None:
    assert "mean of 2 repeats" in printed(result_of(trial("polling", 1), trial("polling", 2)))


def test_result_without_a_trial_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(result_of())

    assert ("Nothing was measured.\n", "") == capsys.readouterr()


def test_result_without_a_trial_has_no_tables(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(result_of(), full=True)

    assert ("", "") == capsys.readouterr()


def test_every_figure_is_printed_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(result_of(trial("polling")), full=True)

    assert "50.00 %" in capsys.readouterr().out


def test_answer_ends_with_the_files_that_are_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "result.json"
    file.touch()
    print_result(result_of(trial("polling")), file)
    assert str(file) == capsys.readouterr().out.splitlines()[-1]

    (tmp_path / REPORT_NAME).touch()
    print_result(result_of(trial("polling")), file)
    assert [str(tmp_path / REPORT_NAME), str(file)] == capsys.readouterr().out.splitlines()[-2:]


def test_picture_shows_the_table(tmp_path: Path) -> None:
    save_svg(result_of(trial("polling")), tmp_path / "table.svg")
    picture = (tmp_path / "table.svg").read_text("utf-8")

    assert picture.startswith("<svg")
    assert "Polling" in picture


def test_picture_asks_the_network_for_nothing(tmp_path: Path) -> None:
    save_svg(result_of(trial("polling")), tmp_path / "table.svg")

    assert 'url("http' not in (tmp_path / "table.svg").read_text("utf-8")
