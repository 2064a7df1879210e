"""Traces: recorded times, read strictly; what is wrong is told with file, line and cure."""

from pathlib import Path

import pytest

from wirerace.errors import BadInput
from wirerace.trace import Event, read_trace


def written(directory: Path, text: str, name: str = "trace.csv") -> Path:
    path = directory / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("trace.csv", "time,payload\n10,a\n10.5,\n12.25,c\n"),
        ("trace.csv", '# recorded by hand\n\n10,a\n10.5,""\n12.25,c'),
        ("trace.csv", "2026-01-01T00:00:10Z,a\n2026-01-01T00:00:10.5Z,\n2026-01-01T01:00:12.25+01:00,c\n"),
        ("trace.jsonl", '{"time": 10, "payload": "a"}\n{"time": 10.5, "payload": ""}\n{"payload": "c", "time": 12.25}'),
        ("trace.jsonl", '{"time": "2026-01-01", "payload": "a"}\n{"time": "2026-01-01T00:00:00.5", "payload": ""}\n{"time": "2026-01-01T00:00:02.25", "payload": "c"}'),  # noqa: E501 -- one case, one line
    ],
)  # fmt: skip
def test_times_are_counted_from_the_first_event(tmp_path: Path, name: str, text: str) -> None:
    assert [Event(0.0, "a"), Event(0.5, ""), Event(2.25, "c")] == read_trace(written(tmp_path, text, name))


def test_payloads_may_be_missing(tmp_path: Path) -> None:
    assert [Event(0.0, None), Event(1.0, None)] == read_trace(written(tmp_path, "time\n1\n2\n"))
    assert [Event(0.0, None)] == read_trace(written(tmp_path, '{"time": 7}\n', "trace.jsonl"))


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("trace.csv", "1\n3\n2\n", ":3: time goes back by 1 s; sort the events by time"),
        ("trace.csv", "1\nsoon\n", ":2: 'soon' is no time; a line is time[,payload]"),
        ("trace.csv", "1\nnan\n", ":2: 'nan' is no time"),
        ("trace.csv", "1,a,b\n", ":1: no event; a line is time[,payload]"),
        ("trace.csv", '1,"a\n', ":1: no event"),
        ("trace.csv", "", ": no events; a line is time[,payload]"),
        ("trace.csv", "time,payload\n", ": no events"),
        ("trace.jsonl", '{"time": 1}\n{"time": 2\n', ":2: no event"),
        ("trace.jsonl", "[1, 2]\n", ":1: no event"),
        ("trace.jsonl", '{"payload": "a"}\n', ":1: no event"),
        ("trace.jsonl", '{"time": 1, "payload": 2}\n', ":1: no event"),
        ("trace.jsonl", '{"time": true}\n', ":1: True is no time"),
        ("trace.csv", f"1,{'x' * 1_048_577}\n", ":1: a payload has at most 1048576 bytes; cut it"),
    ],
)
def test_broken_trace_is_refused_with_file_line_and_cure(tmp_path: Path, name: str, text: str, line: str) -> None:
    with pytest.raises(BadInput) as refusal:
        read_trace(written(tmp_path, text, name))
    assert str(refusal.value).startswith(f"{tmp_path / name}{line}")
    assert "\n" not in str(refusal.value)


def test_trace_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere.csv: No such file or directory; name a trace"):
        read_trace(tmp_path / "nowhere.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"binary.csv: not UTF-8"):
        read_trace(tmp_path / "binary.csv")
