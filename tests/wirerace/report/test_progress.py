"""The lines of progress."""

import pytest

from tests.wirerace.trials import plan_of
from wirerace.report.progress import Ages, line_of
from wirerace.runner.progress import Progress


def progress(number: int, transport: str, age_seconds: float | None, clients: int | None = 20) -> Progress:
    return Progress(number, 5, plan_of(transport), "measuring", 7, clients, 120.0, 65.0, age_seconds)


@pytest.mark.parametrize(("clients", "there"), [(20, "7/20 clients"), (None, "7 visitors")])
def test_line_says_who_is_there(clients: int | None, there: str) -> None:
    line = line_of(progress(1, "polling", None, clients))

    assert f"[1/5] Polling: measuring · {there} · 120 deliveries/s · 1:05 left" == line


def test_terminal_shows_the_ages_of_each_contestant_on_one_scale() -> None:
    ages = Ages()
    for step in (progress(1, "polling", None), progress(1, "polling", 0.6), progress(1, "polling", 0.3)):
        ages.show(step)
    ages.show(progress(2, "longpolling", None))
    shown = ages.show(progress(2, "longpolling", 0.09)).plain.splitlines()

    assert ["  Polling       age  300 ms █▅", "  Long polling  age   90 ms ▂"] == shown[1:]


def test_next_repeat_of_a_contestant_begins_a_new_line() -> None:
    ages = Ages()
    ages.show(progress(1, "polling", 0.6))
    shown = ages.show(progress(2, "polling", 0.3)).plain.splitlines()

    assert ["  Polling  age  300 ms █"] == shown[1:]


def test_nothing_is_shown_before_the_window() -> None:
    assert 1 == len(Ages().show(progress(1, "polling", None)).plain.splitlines())
