"""Traces: recorded times, read strictly; an error names file, line and cure."""

import codecs
import gzip
from pathlib import Path

import msgspec
import pytest

from services.host import MOST_REQUEST_BYTES
from tests.refusals import lacking
from wirerace.errors import BadInput
from wirerace.workload.schedule import Schedule
from wirerace.workload.trace import MOST_TRACE_BYTES, Event, read_trace


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
    assert [Event(0.0, "a"), Event(0.5, ""), Event(2.25, "c")] == read_trace(written(tmp_path, text, name)).events


def test_payloads_may_be_missing(tmp_path: Path) -> None:
    assert [Event(0.0, None), Event(1.0, None)] == read_trace(written(tmp_path, "time\n1\n2\n")).events
    assert [Event(0.0, None)] == read_trace(written(tmp_path, '{"time": 7}\n', "trace.jsonl")).events
    assert [Event(0.0, None), Event(1.0, "x")] == read_trace(written(tmp_path, "1\n2,x\n")).events


@pytest.mark.parametrize("name", ["trace.ndjson", "trace.JSONL", "trace.log", "trace", "trace.csv"])
def test_json_lines_are_read_under_any_name(tmp_path: Path, name: str) -> None:
    text = '\n{"time": 1, "payload": "a,b"}\r\n{"time": 2}\n'
    assert [Event(0.0, "a,b"), Event(1.0, None)] == read_trace(written(tmp_path, text, name)).events


@pytest.mark.parametrize(
    ("text", "notation"),
    [
        ("1,a\n1.5,b", "seconds"),
        ("-5e-1,a\n0,b", "seconds"),
        ("1700000000,a\n1700000000.5,b", "seconds since 1970"),
        ("1700000000000,a\n1700000000500,b", "milliseconds since 1970"),
        ("1700000000000.25,a\n1700000000500.25,b", "milliseconds since 1970"),
        ("1700000000000000,a\n1700000000500000,b", "microseconds since 1970"),
        ("1700000000000000001,a\n1700000000500000001,b", "nanoseconds since 1970"),
        ("time_ms,payload\n0,a\n500,b", "milliseconds"),
        ("Time (µs)\tPayload\n0\ta\n500000\tb", "microseconds"),
        ("ts_ns;what\n5000000000;a\n5500000000;b", "nanoseconds"),
        ("2026-01-01 00:00:00.25,a\n2026-01-01 00:00:00.75,b", "ISO 8601 without a zone"),
        ("2026-01-01T00:00:00Z,a\n2025-12-31T23:00:00.5-01:00,b", "ISO 8601 with a zone"),
        ('"2026-01-01 00:00:00,123",a\n"2026-01-01 00:00:00,623",b', "ISO 8601 without a zone"),
        ('{"time": 1700000000000, "payload": "a"}\n{"time": 1700000000500, "payload": "b"}', "milliseconds since 1970"),
        ('{"time": "2026-01-01 00:00:00,0", "payload": "a"}\n{"time": "2026-01-01 00:00:00,5", "payload": "b"}', "ISO 8601 without a zone"),  # noqa: E501 -- one case, one line
        ("time;payload\n0,5;a\n1,0;b", "seconds"),
        ("0;a\n0,5;b", "seconds"),
        ("0.5;a\n1.0;b", "seconds"),
        ("0\ta\n0,5\tb", "seconds"),
        ("\ufefftime,payload\n0,a\n0.5,b", "seconds"),
        ('\ufeff{"time": 0, "payload": "a"}\n{"time": 0.5, "payload": "b"}', "seconds"),
        ("when,what\r\n0,a\r\n0.5,b\r\n", "seconds"),
        ("0,a\r0.5,b\r", "seconds"),
        (' 0,a\n 0.5 ,"b"\n', "seconds"),
    ],
)  # fmt: skip
def test_every_notation_with_one_meaning_is_read(tmp_path: Path, text: str, notation: str) -> None:
    assert ([Event(0.0, "a"), Event(0.5, "b")], notation) == read_trace(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "payloads"),
    [
        ('1,"a\nb"\n2,c', ["a\nb", "c"]),
        ('1,"a\r\n\r\n#b\r\n"\r\n# between\r\n2,c', ["a\r\n\r\n#b\r\n", "c"]),
        ('time,"pay\nload"\n1,"say ""a"""\n2,"c,d"', ['say "a"', "c,d"]),
        ('1;"a\nb"\n2;c,d', ["a\nb", "c,d"]),
        ("time,code\n2026-01-01 00:00:00,200\n2026-01-01 00:00:01,404", ["200", "404"]),
        ('2026-01-01 00:00:00,"200"\n2026-01-01 00:00:01,"404"', ["200", "404"]),
        ("2026-01-01 00:00:00Z,200\n2026-01-01 00:00:01Z,404", ["200", "404"]),
        ("1,5;b,c", ["b,c"]),  # with the comma there would be three fields
    ],
)
def test_payload_is_read_whole_where_it_can_be_nothing_else(tmp_path: Path, text: str, payloads: list[str]) -> None:
    assert payloads == [event.payload for event in read_trace(written(tmp_path, text)).events]


def test_nanoseconds_are_kept_where_a_float_would_lose_them(tmp_path: Path) -> None:
    events = read_trace(written(tmp_path, "1700000000000000001\n1700000000000100002\n")).events
    assert 100_001 == round(events[1].at_seconds * 1e9)


@pytest.mark.parametrize(
    ("name", "text", "place", "facts"),
    [
        ("trace.csv", "1\n3\n2\n", ":3", ["back by 1 s", "sort the events"]),
        ("trace.csv", "1\nsoon\n", ":2", ["'soon'", "no time", "a line is time[,payload]"]),
        ("trace.csv", "1\nnan\n", ":2", ["'nan'", "no time"]),
        ("trace.csv", "1,a,b\n", ":1", ["no event", "3 fields", "2", "quote a payload"]),
        ("trace.csv", '1,"a\n', ":1", ["no event"]),
        ("trace.csv", "", "", ["no events", "a line is time[,payload]"]),
        ("trace.csv", "time,payload\n", "", ["no events"]),
        ("trace.jsonl", '{"time": 1}\n{"time": 2\n', ":2", ["no event"]),
        ("trace.jsonl", "[1, 2]\n", ":1", ["no event"]),
        ("trace.jsonl", '{"payload": "a"}\n', ":1", ["no event"]),
        ("trace.jsonl", '{"time": 1, "payload": 2}\n', ":1", ["no event"]),
        ("trace.jsonl", '{"time": true}\n', ":1", ["'true'", "no time"]),
        (
            "trace.csv",
            "2026-01-01 00:00:00,123\n",
            ":1",
            ["'2026-01-01 00:00:00,123'", "a time and a payload", "quote"],
        ),
        (
            "trace.log",
            "2026-01-01 00:00:00,123 INFO up\n",
            ":1",
            ["'2026-01-01 00:00:00,123 INFO up'", "a time and a payload"],
        ),
        ("trace.csv", "2026-01-01,12:00:01\n", ":1", ["'2026-01-01,12:00:01'", "a time and a payload"]),
        ("trace.csv", "2026-01-01 00:00:00,123,up\n", ":1", ["no event", "3 fields", "2", "quote a payload"]),
        ("trace.csv", "0,5;b\n1,5;c", ":1", ["'0,5;b'", "the comma or the semicolon", "a heading"]),
        ("trace.csv", "# x\nwhen\n0,5;b", ":3", ["'0,5;b'", "the comma or the semicolon", "a heading"]),
        ("trace.csv", "time\n0,5\n1,5", ":2", ["no event", "2 fields", "1", "quote a payload", "a time"]),
        ("trace.csv", "1.5;a\n2,5;b", ":2", ["a decimal comma", "a decimal point", "use one of them"]),
        ("trace.csv", "0\n1700000000\n", ":2", ["'1700000000'", "seconds since 1970", "the times before it"]),
        (
            "trace.csv",
            "1700000000\n1700000001000\n",
            ":2",
            ["'1700000001000'", "milliseconds since 1970", "the times before it"],
        ),
        ("trace.csv", "1\n2026-01-01\n", ":2", ["'2026-01-01'", "ISO 8601 without a zone", "the times before it"]),
        (
            "trace.csv",
            "2026-01-01T00:00Z\n2026-01-01T00:01\n",
            ":2",
            ["'2026-01-01T00:01'", "ISO 8601 without a zone"],
        ),
        ("trace.csv", "2026-10-25T02:59\n2026-10-25T02:00\n", ":2", ["'2026-10-25T02:00'", "before", "sort"]),
        ("trace.csv", "5000000000\n", ":1", ["'5000000000'", "several units", "write seconds", "name the unit"]),
        ("trace.csv", "time_s\n1700000000000\n", ":2", ["'1700000000000'", "after 2100", "seconds", "the heading"]),
        ("trace.csv", "nan,a\n", ":1", ["'nan'", "no time"]),
        ("trace.csv", "1_000\n", ":1", ["'1_000'", "no time"]),
        ("trace.csv", "9" * 400, ":1", ["'" + "9" * 80 + "…", "no time"]),
        ("trace.csv", "value,time\n1,2\n", ":1", ["the column 'time'", "put the time first"]),
        ("trace.csv", "time,code,path\n1,2,3\n", ":1", ["3 columns", "a line is time[,payload]"]),
        ("trace.csv", '# x\n1,"a\n2,b\n', ":2", ["no event", "unexpected end of data"]),
        ("trace.csv", "1\0", ":1", ["a NUL byte", "save the file as UTF-8"]),
        ("trace.jsonl", '{"time": 0, "payload": "cut \\ud83d"}', ":1", ["no event", "no JSON"]),
        ("trace.jsonl", "[" * 100_000, ":1", ["no event", "an object a line"]),
        ("trace.jsonl", '{"time": 1}\n{"time": ' + "[" * 100_000, ":2", ["no event", "nested too deeply"]),
        ("trace.jsonl", '{"time": ' + "9" * 400 + "}", ":1", ["'" + "9" * 80 + "…", "no time"]),
        ("trace.jsonl", '{"time": 1e400}', ":1", ["'1e400'", "no time"]),
        ("trace.jsonl", '{"time": Infinity}', ":1", ["no event", "no JSON"]),
        ("trace.jsonl", '{"time": "inf"}', ":1", ["'inf'", "no time"]),
        ("trace.jsonl", '{"time": null}', ":1", ["'null'", "no time"]),
        ("trace.csv", f"1,{'x' * 1_048_577}\n", ":1", ["payload", "at most 1048576 bytes", "cut it"]),
    ],
)
def test_broken_trace_is_refused_with_file_line_and_cure(
    tmp_path: Path, name: str, text: str, place: str, facts: list[str]
) -> None:
    with pytest.raises(BadInput) as refusal:
        read_trace(written(tmp_path, text, name))
    assert [] == lacking(str(refusal.value), f"{tmp_path / name}{place}", facts), refusal.value


def test_trace_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere.csv: No such file or directory; name a trace"):
        read_trace(tmp_path / "nowhere.csv")
    with pytest.raises(BadInput, match=r"a\\x00b: embedded null byte; name a trace"):
        read_trace(tmp_path / "a\0b")


@pytest.mark.parametrize(
    ("content", "place", "facts"),
    [
        (b"1,a\n2,\xff\n", ":2", ["not UTF-8", "save the file as UTF-8"]),
        ("1,a\n".encode("utf-16"), "", ["UTF-16", "as UTF-8"]),
        (codecs.BOM_UTF16_BE + "1,a\n".encode("utf-16-be"), "", ["UTF-16", "as UTF-8"]),
        ("1,a\n".encode("utf-32"), "", ["UTF-32", "as UTF-8"]),
        ("1,a\n".encode("utf-16-le"), ":1", ["a NUL byte", "save the file as UTF-8"]),
        (gzip.compress(b"1,a\n", mtime=0), "", ["gzip", "unpack it"]),
    ],
)
def test_trace_in_another_encoding_is_refused_with_its_name(
    tmp_path: Path, content: bytes, place: str, facts: list[str]
) -> None:
    path = tmp_path / "trace.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput) as refusal:
        read_trace(path)
    assert [] == lacking(str(refusal.value), f"{path}{place}", facts), refusal.value


def test_trace_that_no_producer_would_accept_is_refused_when_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wirerace.workload.trace.MOST_TRACE_BYTES", 100_000)
    path = written(tmp_path, "".join(f"{second},{'x' * 1_000}\n" for second in range(120)))
    with pytest.raises(BadInput) as refusal:
        read_trace(path)
    facts = ["121.2 kB", "100.0 kB at most", "cut it", "leave payloads out"]
    assert [] == lacking(str(refusal.value), str(path), facts), refusal.value


def test_schedule_with_the_largest_trace_is_a_request_that_the_producer_takes() -> None:
    largest = Schedule(
        arrivals="trace",
        trace=[Event(0.0, None)],
        trace_file="é" * 4096,
        seed=2**52,
        start_ns=2**62,
        speed=0.1234567891,
    )
    assert MOST_TRACE_BYTES + len(msgspec.json.encode(largest)) <= MOST_REQUEST_BYTES


def test_more_events_than_a_trace_may_have_are_refused_by_the_line_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wirerace.workload.trace.MOST_EVENTS", 3)
    with pytest.raises(BadInput) as refusal:
        read_trace(path := written(tmp_path, "time\n1\n\n2\n3\n4\n5\n"))
    assert [] == lacking(str(refusal.value), f"{path}:6", ["at most 3 events", "cut it"]), refusal.value


def test_speed_at_which_a_trace_cannot_be_played_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "0\n0.001\n")
    with pytest.raises(BadInput) as refusal:
        read_trace(path, speed=100.0)
    facts = ["1e+05 events a second", "speed 100", "10000", "lower the speed"]
    assert [] == lacking(str(refusal.value), f"{path}:2", facts), refusal.value


@pytest.mark.parametrize(
    ("text", "speed", "summary"),
    [
        ("1,a\n2,bcd\n5", 1.0, "events: 3 over 4 s, 0.5 a second, times: seconds, payloads: 2 of 1 to 3 bytes"),
        ("1,ä", 1.0, "events: 1 over 0 s, times: seconds, payloads: 1 of 2 to 2 bytes"),
        (
            "1\n2",
            4.0,
            "events: 2 over 0.25 s, 4 a second, at 4 × the speed of the file, times: seconds, payloads: none",
        ),
    ],
)
def test_summary_says_what_was_read(tmp_path: Path, text: str, speed: float, summary: str) -> None:
    assert summary == read_trace(written(tmp_path, text)).summary(speed)
