"""Errors are one line, without control characters."""

import pytest

from wirerace.errors import BadInput, Refused, shown


def test_error_is_one_line_whatever_it_quotes() -> None:
    assert "a\\nb\\x1b[2J\\u202e: größer als 1 µs … “x”" == str(BadInput("a\nb\x1b[2J\u202e: größer als 1 µs … “x”"))
    assert "\\ud83d" == str(Refused("\ud83d"))


def test_error_that_is_too_long_keeps_its_beginning_and_its_end() -> None:
    line = str(BadInput(f"clients.trace_file: {'9' * 5000}: no such file; name another"))

    assert 1_500 <= len(line) < 1_510
    assert line.startswith("clients.trace_file: 999")
    assert line.endswith("999: no such file; name another")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\tb", r"'a\tb'"),
        ({"x": 1}, "{'x': 1}"),
        ("x" * 80, repr("x" * 80)),
        ("x" * 81, "'" + "x" * 80 + "…"),
        (b"\xff" * 1000, "b'" + r"\xff" * 19 + r"\xf…"),
    ],
)
def test_value_is_shown_in_eighty_characters(value: object, expected: str) -> None:
    assert expected == shown(value)


@pytest.mark.long
def test_value_that_python_does_not_spell_is_not_shown() -> None:
    assert "something too large to show (int)" == shown(10**5000)
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]

    assert "something too large to show (list)" == shown(nested)
