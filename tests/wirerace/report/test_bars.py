"""Bars and sparklines."""

import pytest

from wirerace.report.bars import bar, sparkline


@pytest.mark.parametrize(
    ("value", "drawn"),
    [
        (None, "    "),
        (0.0, "    "),
        (-1.0, "    "),
        (1e-9, "▏   "),
        (0.5, "██  "),
        (0.53, "██▏ "),
        (1.0, "████"),
        (2.0, "████"),
    ],
)
def test_bar_is_as_long_as_its_value(value: float | None, drawn: str) -> None:
    assert drawn == bar(value, 1.0, 4)


def test_bar_without_a_scale_or_a_width_is_empty() -> None:
    assert ("    ", "") == (bar(1.0, 0.0, 4), bar(1.0, 1.0, 0))


def test_sparkline_shows_the_newest_values_below_its_highest() -> None:
    assert "▁▅█" == sparkline([3.0, 0.0, 0.5, 1.0], 1.0, 3)
    assert "█▁" == sparkline([2.0, -1.0], 1.0, 3)


def test_sparkline_of_nothing_is_empty() -> None:
    assert ("", "") == (sparkline([], 1.0, 3), sparkline([0.0], 0.0, 3))
