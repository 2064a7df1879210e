"""The table of a checkup."""

import pytest

from tests.wirerace.checkups import ALWAYS_KNOWN, WELL, checkup, unknown
from wirerace.analysis.advice import FIGURES
from wirerace.report.doctor import GOOD, POOR, mark_of, print_checkup, spelled_field, table_of, value_of
from wirerace.report.spelling import UNKNOWN

BY_NAME = {figure.name: figure for figure in FIGURES}


def test_table_has_a_row_for_every_figure() -> None:
    assert list(BY_NAME) == list(table_of(WELL).columns[1].cells)


def test_figure_is_marked_when_something_is_to_be_changed_about_it() -> None:
    files = BY_NAME["open files"]

    assert GOOD == mark_of(files, WELL)
    assert POOR == mark_of(files, checkup(open_files_hard=256))
    assert UNKNOWN == mark_of(files, checkup(open_files_soft=None, open_files_hard=None))


def test_what_is_unknown_is_a_dash() -> None:
    dashes = {figure.name for figure in FIGURES if value_of(figure, unknown()) == UNKNOWN}

    assert {figure.name for figure in FIGURES if ALWAYS_KNOWN.isdisjoint(figure.fields.values())} == dashes
    assert {"CPU quota, cores", "kernel stamps arrivals", "polls/s", "reader lag at rest"} < dashes


@pytest.mark.parametrize(
    ("name", "value", "spelled"),
    [
        ("kernel_stamps", True, "yes"),
        ("kernel_stamps", False, "no"),
        ("kernel_stamps", None, UNKNOWN),
        ("cpu_governor", "performance", "performance"),
        ("clock_step_seconds", 4e-8, "0.04 µs"),
        ("reader_lag_seconds_p99", 1.5e-3, "1.5 ms"),
        ("load_seconds_per_poll", 60e-6, "60 µs"),
        ("polls_per_second", 9_876.54, "9877"),
        ("memory_available_bytes", 8_000_000, "8 MB"),
        ("memory_stalled_fraction", 0.25, "25.00 %"),
        ("others_cores", 1.314, "1.31"),
        ("load_average", 0.5, "0.5"),
        ("open_files_hard", 20_000, "20000"),
    ],
)
def test_value_is_spelled_in_the_unit_that_its_name_has(name: str, value: str | float | None, spelled: str) -> None:
    assert spelled == spelled_field(name, value)


def test_values_of_a_figure_have_names() -> None:
    assert "tsc, step 0.04 µs, reading 0.08 µs" == value_of(BY_NAME["wall clock"], WELL)


def test_advice_follows_the_table_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    print_checkup(checkup(listen_backlog=128))
    table, _, after = capsys.readouterr().out.partition("measured in 12.0 s")

    assert "listen backlog" in table
    assert "\n! Only 128 connections may wait to be accepted: sysctl -w net.core.somaxconn=4096.\n" in after


def test_machine_on_which_all_is_well_gets_a_line_that_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_checkup(WELL)

    assert "Nothing to change." in capsys.readouterr().out
